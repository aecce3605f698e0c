/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fork_wrk - the zygote, and each child it makes: one connection, then the end.
 *
 * The zygote is a worker like any other but that it is given no connection: it
 * has run the service's start(), so a child begins ready.
 */

#include "model/accept_wrk.h"

#include <stdint.h>

struct fork_wrk {
	struct accept_wrk accept; /* of a child: its one seat, and the idle deadline */
	_Atomic int32_t *made;    /* of the zygote: borrowed; fork_wire.h */
	int child_chan; /* of the zygote: owned, for the next child; -1 for none */
};

int fork_wrk_start(struct worker *w);
void fork_wrk_fini(struct worker *w);
void fork_wrk_message(struct worker *w, const void *msg, size_t len, int fd);
void fork_wrk_idle(struct conn *c);
void fork_wrk_ended(struct conn *c);
void fork_wrk_yield(struct worker *w);
