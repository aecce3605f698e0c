/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * accept_wrk - a worker that accepts by itself, up to as many connections as it has seats.
 *
 * For the models without a supervisor between the listener and the worker:
 * shared, reuseport and ring. Idle connections stay here; when every seat is
 * taken the one that has been idle the longest gives way to a new one.
 */

#include "os/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct accept_wrk;
struct conn;
struct worker;

struct accept_listener {
	struct loop_io io;
	struct accept_wrk *owner;
	const struct addr *local; /* borrowed */
	bool ours;                /* and not another worker's */
};

struct accept_wrk {
	struct worker *worker;
	struct accept_listener *listeners; /* owned */
	size_t n_listeners;
	uint32_t *free_seats; /* owned: a stack */
	unsigned n_free;
	uint32_t events; /* of the listeners, besides EPOLLIN */
	unsigned most_at_once;
	bool wanted;   /* it should accept, while there is a free seat */
	bool watching; /* it does */
	bool is_last;  /* it does, and an idle connection is to give way to who comes */
	uint64_t next_id;
	bool short_of_fds;       /* it accepts nothing for a moment */
	struct loop_timer idle;  /* for the connection that is idle the longest */
	struct loop_timer rest;  /* set while it lets others go first */
	struct loop_timer again; /* there may be room that nobody will tell of */
	/* All optional. Asked before anything is accepted: */
	bool (*permitted)(struct accept_wrk *a);
	/* Told after something was, or could not be for want of a seat; when a seat was
	 * given back; and when a listener is broken. */
	void (*accepted)(struct accept_wrk *a);
	void (*freed)(struct accept_wrk *a);
	void (*failed)(struct accept_wrk *a);
};

/**
 * accept_wrk_init - for those of the crew's listeners that are this worker's.
 *
 * @events is added to what the listeners are watched for (EPOLLEXCLUSIVE);
 * @most_at_once is how many connections one event may bring. Returns 0 or -ENOMEM.
 */
[[nodiscard]] int accept_wrk_init(
	struct accept_wrk *a, struct worker *w, uint32_t events, unsigned most_at_once);
void accept_wrk_fini(struct accept_wrk *a);

/* Accepts from now on, or no more. */
void accept_wrk_want(struct accept_wrk *a, bool on);

/* Without descriptors: has no room for a moment. */
void accept_wrk_pause(struct accept_wrk *a);

/* Whether one more would find a seat; @evict: also at the cost of an idle connection. */
bool accept_wrk_has_room(const struct accept_wrk *a, bool evict);

/* A connection that was accepted elsewhere, and perhaps @admitted there (core/gate.h): then it is
 * only counted. Takes @fd over. False, with @fd closed, if there is no seat. */
bool accept_wrk_take(struct accept_wrk *a, int fd, const struct addr *peer,
	unsigned listener, bool admitted);

/* For the model's table: what a connection does next is this one's business. */
void accept_wrk_idle(struct accept_wrk *a, struct conn *c);
void accept_wrk_ended(struct accept_wrk *a, struct conn *c);
void accept_wrk_drain(struct accept_wrk *a);
