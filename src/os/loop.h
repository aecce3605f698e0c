/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * loop - one thread waiting for many things: descriptors, deadlines, and work put off.
 *
 * Everything registered lives inside its owner and is borrowed: the owner takes
 * it out before it closes the descriptor or frees the memory. Taking anything
 * out is allowed in any callback; what it had pending is forgotten.
 */

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct loop_io {
	void (*on)(struct loop_io *io, uint32_t events); /* EPOLLIN ... */
	int fd;                                          /* borrowed */
	bool added;
};

struct loop_timer {
	void (*on)(struct loop_timer *timer);
	uint64_t at_ns; /* CLOCK_MONOTONIC; 0 while it is not set */
	uint64_t queued_ns;
	size_t place; /* in the loop's heap, from 1; 0 while it is in none */
};

struct loop_task {
	void (*on)(struct loop_task *task);
	struct list link;
};

/* A loop, freed by loop_free (which takes NULL); or NULL with errno set. */
[[nodiscard]] struct loop *loop_new(void);
void loop_free(struct loop *loop);

/*
 * In a process just forked from within loop_run: leaves the parent's epoll set, which
 * would tell each of the other's affairs. The loop is as new then, and what was in it is
 * to be added again, if it is to be.
 */
void loop_renew(struct loop *loop);

/* Runs until loop_stop, which may have been called before. 0, or -errno if waiting itself
 * failed. */
[[nodiscard]] int loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* When this round began (CLOCK_MONOTONIC). Anything may be late by what ran since. */
uint64_t loop_now_ns(const struct loop *loop);

/* Adds io->fd, for @events (EPOLL* flags, also EPOLLET). 0 or -errno. */
[[nodiscard]] int loop_add(struct loop *loop, struct loop_io *io, uint32_t events);
[[nodiscard]] int loop_change(struct loop *loop, struct loop_io *io, uint32_t events);
void loop_remove(struct loop *loop, struct loop_io *io); /* harmless if it was not added */

/**
 * loop_at - call timer->on once, at @at_ns or soon after; 0 to not call it.
 *
 * Moving a timer to later is nearly free, so a deadline can be set at every request.
 * Returns 0, or -ENOMEM (only when the timer was in no use).
 */
[[nodiscard]] int loop_at(struct loop *loop, struct loop_timer *timer, uint64_t at_ns);
void loop_cancel(struct loop *loop, struct loop_timer *timer); /* before its memory goes */

/* Calls task->on once, after what is pending now, without sleeping before. */
void loop_defer(struct loop *loop, struct loop_task *task);
