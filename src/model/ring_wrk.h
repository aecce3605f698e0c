/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ring_wrk - a member of the ring.
 *
 *   in         until                                       then
 *   IGN        a token of this epoch, and there is room    ALLOWED (it says so in `holder`)
 *              one, and there is none                      IGN: passes it on as it is
 *   ALLOWED    its last seat is taken, or (balance) it
 *              accepted, or it is about to block or drain  IGN: passes ALLOW on
 *              the epoch has moved on: it was asleep       IGN: forgets the token, says
 * BACK
 */

#include "model/accept_wrk.h"

struct ring_shared;

/* The ends of its two pipes, as the supervisor made them; in slot->model. */
struct ring_ends {
	struct ring_shared *shared;
	int in;  /* borrowed */
	int out; /* borrowed */
};

struct ring_wrk {
	struct accept_wrk accept;
	struct loop_io in_io;
	const struct ring_ends *ends;
	bool allowed;
	uint32_t epoch; /* of the token it holds */
};

int ring_wrk_start(struct worker *w);
void ring_wrk_fini(struct worker *w);
void ring_wrk_message(struct worker *w, const void *msg, size_t len, int fd);
void ring_wrk_idle(struct conn *c);
void ring_wrk_ended(struct conn *c);
void ring_wrk_yield(struct worker *w);
