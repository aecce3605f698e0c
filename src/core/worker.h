/* SPDX-License-Identifier: MIT */
#pragma once

/* worker - the process a service runs in, as the service sees it. Worker side. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log;
struct loop;
struct worker;

const void *worker_conf(const struct worker *w); /* the service's settings */
void *worker_state(const struct worker *w);      /* what start() made */
void worker_set_state(struct worker *w, void *state);
void *worker_shared(
	const struct worker *w); /* service_ops.shared_bytes, shared by its workers */
struct log *worker_log(const struct worker *w);
struct loop *worker_loop(const struct worker *w);

/* CLOCK_MONOTONIC and CLOCK_REALTIME as of this round of the loop: cheap, a little stale.
 */
uint64_t worker_now_ns(const struct worker *w);
uint64_t worker_wall_ns(const struct worker *w);

/* It is to finish: answer what has begun, and say "Connection: close" where one can. */
bool worker_draining(const struct worker *w);

/**
 * worker_access_fd - the descriptor the access log is written to; -1 if there is none.
 *
 * Borrowed: opened by the supervisor from the service's `access_log` setting,
 * and replaced before service_ops.reopen is called.
 */
int worker_access_fd(const struct worker *w);

/**
 * worker_blocking - this process is about to block on the disk (fsync, a tree, a password
 * hash).
 *
 * Hands back every idle connection first, and keeps new ones away until
 * worker_unblocked(). For work that takes more than about a millisecond.
 */
void worker_blocking(struct worker *w);
void worker_unblocked(struct worker *w);

/* Calls service_ops.quiet at @at_ns (CLOCK_MONOTONIC; 0: not), if nothing happens until then
 * too. For what cannot wait for the next work for ever: once an hour, not more often. Not
 * where each connection has a process. */
void worker_wake(struct worker *w, uint64_t at_ns);

/* Work moved on: a worker that holds work and never calls this is taken for stuck. */
void worker_progress(struct worker *w);
