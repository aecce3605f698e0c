/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool_wrk - the pool's half in a worker: takes what is offered, keeps an idle connection
 * for a short while (the next request often follows at once), then gives it back to be
 * watched.
 */

#include "model/pool_wire.h"
#include "os/loop.h"

#include <stddef.h>

struct conn;
struct worker;

struct pool_wrk {
	struct worker *worker;
	struct loop_timer linger;   /* for the connection that is idle the longest */
	struct loop_task tell_done; /* queued while there is something to tell: */
	struct pool_done_msg done;
};

int pool_wrk_start(struct worker *w);
void pool_wrk_fini(struct worker *w);
void pool_wrk_message(struct worker *w, const void *msg, size_t len, int fd);
void pool_wrk_idle(struct conn *c);
void pool_wrk_ended(struct conn *c);
void pool_wrk_yield(struct worker *w);
void pool_wrk_unblocked(struct worker *w);
