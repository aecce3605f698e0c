/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * worker_wrk - a worker process from its first instruction to its last, and what the
 * model's half in it needs. What the service needs is in core/worker.h.
 */

#include "core/board.h"
#include "core/conn_wrk.h"
#include "core/worker.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct crew;
struct log;
struct spec;

/* What the supervisor leaves a worker. All borrowed from the memory that was forked with
 * it. */
struct worker_boot {
	const struct spec *spec;
	const struct crew *crew;
	unsigned slot_index;
	int chan; /* the worker owns it, and the next */
	int access_fd;
	struct board *board;
	void *shared;
	uid_t uid; /* who to become */
	gid_t gid;
	struct log *log;
};

struct worker {
	const struct worker_boot *boot;
	const struct service_ops *service;
	const struct model_ops *model_ops;
	struct loop *loop;
	struct log *log;
	struct board *board;
	struct conn_table conns;
	struct loop_io chan_io;
	struct loop_io sig_io;
	struct loop_timer quiet_timer;
	struct loop_timer wake_timer;
	struct loop_timer
		orphan_timer; /* the drain's deadline, when there is no supervisor any more */
	int chan;             /* owned */
	int sigfd;            /* owned */
	int access_fd;        /* owned; -1 for none */
	pid_t parent;         /* the supervisor */
	bool last;            /* every answer is to be its connection's last */
	bool draining;
	bool patient; /* while draining: who is idle may still ask, once */
	bool blocking;
	bool quiet_armed;
	int status;             /* with which it will exit */
	unsigned n_open;        /* connections it holds, idle ones too */
	uint64_t said_short_ns; /* when that was last said in the log */
	uint64_t wall_at_ns;    /* the round (loop time) that wall_ns is of */
	uint64_t wall_ns;
	void *service_state;
	void *model; /* model_ops.wrk_bytes */
};

/* Runs the worker. Returns its exit status (core/exit.h). */
[[nodiscard]] int worker_main(const struct worker_boot *boot);

/* For models. */

/* Sends to the supervisor, waiting for room if it must. A supervisor that has gone ends the
 * worker soon. */
void worker_tell(struct worker *w, const void *msg, size_t len);

/**
 * worker_rebirth - in a process just forked from a worker: become the worker in
 * @slot_index.
 *
 * Takes over @chan as its channel and the slot's board as its own; what the
 * service's start() made stays. Then runs @begin, and serves until it is told to
 * end or has nothing left. Does not return.
 */
[[gnu::noreturn]] void worker_rebirth(struct worker *w, unsigned slot_index, int chan,
	void (*begin)(struct worker *w, const void *arg), const void *arg);

/* Says in the log, now and then, that no descriptor is free here. */
void worker_say_short(struct worker *w);

/* Finishes, as if the supervisor had said so; it may still be told to hurry. */
void worker_retire(struct worker *w);

/* The last connection may have ended: a draining worker leaves when there is none. */
void worker_look(struct worker *w);
