/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * grow_sup - how many workers there should be, where workers accept by themselves.
 *
 * A worker says when its seats are all taken (its model's message); the
 * supervisor then counts, on the boards, whether there is room elsewhere.
 */

#include "os/loop.h"

#include <stdbool.h>

struct crew;

struct grow {
	struct crew *crew;
	bool only; /* never shrinks */
	struct loop_timer
		shrink; /* set only while there should be more workers than the minimum */
};

void grow_init(struct grow *g, struct crew *crew);
void grow_fini(struct grow *g);

/* A worker is full: makes another, unless there are the spares, or the maximum. */
void grow_look(struct grow *g);
