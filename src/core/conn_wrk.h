/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * conn_wrk - the core's half of a connection in a worker: what the service waits for,
 * and the socket behind it. For the core and for models; a service sees core/conn.h.
 *
 * Sockets are watched edge-triggered and registered when something must first
 * be waited for: a connection that is answered at once never meets epoll. An
 * edge is remembered (may_read, may_write) until a call says EAGAIN or comes
 * back short, so a request costs one wait, one read and one write.
 */

#include "base/list.h"
#include "core/board.h"
#include "core/conn.h"
#include "os/addr.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct worker;

/* A connection as the worker holds it; as many as the board has seats, at the same index.
 */
struct held {
	struct conn pub; /* what the service sees */
	struct seat *seat;
	unsigned seat_index;
	int fd; /* owned; -1 while the place is empty */
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task turn; /* CONN_AGAIN */
	struct list idle;      /* in conn_table.idle while it is */
	struct addr peer;
	struct addr announced_local; /* pub.local, where a proxy said it */
	uint32_t watched;            /* the epoll events it is registered for */
	enum conn_want want;
	bool may_read;
	bool may_write;
	bool peer_ended; /* RDHUP or HUP came: an end waits behind what is unread */
	bool lent;       /* a program has the socket: we neither read nor write */
	bool hailing;    /* a PROXY header is to come first */
	bool open;       /* the service knows of it */
	bool lingering;
	uint64_t linger_ns;
	uint64_t linger_bytes;
};

struct conn_table {
	struct held *held; /* n of them */
	unsigned n;
	struct list idle; /* longest idle first */
	uint64_t said_ns; /* when it was last logged that a proxy does not speak as one */
	char *data;       /* n times the service's conn_bytes */
};

/* 0, or -ENOMEM. */
[[nodiscard]] int conn_table_init(struct conn_table *t, struct worker *w);
void conn_table_abort(struct conn_table *t); /* ends every connection that is left */
void conn_table_fini(struct conn_table *t);  /* the same, and frees */

/* What a model knows of a connection that it brings. */
struct conn_arrival {
	unsigned seat; /* which must be HELD; its input may hold bytes */
	int fd;        /* moves to the worker */
	uint64_t id;
	uint64_t accepted_ns;
	const struct addr *peer;
	const struct addr *local; /* must outlive the connection */
	bool resumed;
};

/* Opens it and gives it to the service. It may have ended when this returns. */
void conn_arrive(struct worker *w, const struct conn_arrival *arrival);

/**
 * conn_leave - this process parts with an idle connection that goes on elsewhere.
 *
 * Its socket is closed here and nowhere else; bytes in its input stay in the seat.
 */
void conn_leave(struct conn *c);

/* Ends a connection that is between two requests, as the service would by CONN_CLOSE. */
void conn_end(struct conn *c);

/* The connection that has been idle the longest, or NULL. */
struct conn *conn_longest_idle(struct worker *w);

/* Of those that may be closed for another: the one that has been idle the longest, or NULL.
 * Whose next request is here already is not among them. */
struct conn *conn_to_give_way(struct worker *w);

/* Calls @each, which may end it or part with it, for every idle connection, oldest first.
 */
void conn_each_idle(struct worker *w, void (*each)(struct conn *c));

static inline struct held *held_of(struct conn *c)
{
	return (struct held *)c;
}

/* Whether it is between two requests, and nobody has taken it away. */
static inline bool conn_is_idle(struct conn *c)
{
	const struct held *h = held_of(c);

	return h->fd >= 0 && seat_state(h->seat) == SEAT_IDLE;
}
