/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool_sup - the supervisor's half of the pool. It holds a descriptor of every connection
 * for the connection's whole life, and reads from none.
 *
 * Where a connection is:
 *
 *   in         until                                     then
 *   QUEUED     a worker has room                         OFFERED
 *              its queue deadline passes                 FAREWELL (refused)
 *   OFFERED    the worker says PARK                      PARKED
 *              it says DONE                              (closed)
 *              it says RETURN, or does not take it,
 *              or dies before the request began          QUEUED
 *              it dies after that                        FAREWELL, or closed if bytes were
 * sent PARKED     it becomes readable                       QUEUED its idle deadline
 * passes, or a newer one needs its descriptor                  (closed) FAREWELL   the peer
 * closes, or a second passes       (closed)
 *
 * "OFFERED" here covers the whole stay with a worker: how far it got stands in
 * the seat (core/board.h).
 */

#include "base/list.h"
#include "core/crew_sup.h"
#include "core/service.h"
#include "os/addr.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum pool_place {
	POOL_QUEUED,
	POOL_PARKED,
	POOL_FAREWELL,
	POOL_N_LINES, /* in the places before this one connections wait in line */
	POOL_OFFERED = POOL_N_LINES,
};

/* Connections that wait for something, the oldest first, all for the same time. */
struct pool_line {
	struct list list;
	unsigned n;
	uint64_t for_ns;
};

/* One connection. */
struct pool_conn {
	struct list link; /* in the list of its place; in none while OFFERED */
	struct loop_io io;
	struct crew *crew;
	uint64_t id;
	uint64_t accepted_ns;
	uint64_t since_ns; /* when it came to its place */
	uint64_t n_read;   /* bytes taken from its socket so far */
	int fd;            /* owned */
	uint32_t n_input;
	char *input; /* owned: bytes read and not yet answered, while no worker has it; else
			NULL */
	struct slot *slot; /* while OFFERED */
	uint32_t seat;
	uint16_t listener;
	uint8_t place;    /* enum pool_place */
	uint8_t n_killed; /* workers that died while they held its present request */
	bool resumed;
	bool watched; /* its descriptor is in the loop, disarmed or not */
	socklen_t peer_len;
	char peer[28]; /* a sockaddr of that length; a unix peer's name is not kept */
};

/* What the pool knows of one worker. */
struct pool_slot {
	struct pool_conn *
		*at;    /* by seat; NULL for a seat that is free or on its way to be */
	uint32_t *free; /* a stack of free seats */
	unsigned n_free;
	unsigned n_held; /* seats in use, those the worker has yet to let go of too */
	uint64_t avoid_until_ns; /* it had no descriptor for a connection */
	uint64_t idle_since_ns;  /* while n_held is 0 */
};

struct settings;

struct pool_sup {
	struct crew *crew;
	struct pool_slot *slots; /* by the crew's slots */
	struct pool_line lines[POOL_N_LINES];
	unsigned n_conns;   /* in all */
	unsigned max_conns; /* descriptors allow no more */
	uint64_t next_id;
	uint64_t n_refused; /* since it was last said in the log */
	uint64_t said_refused_ns;
	bool accepting;
	struct loop_timer
		deadlines; /* of queue, parked and farewell: their heads are the oldest */
	struct loop_timer
		offers; /* looks after offers nobody takes, and growth and shrinking */
};

/* pool_place_sup.c: a connection that no worker has. */

/* Takes over @fd, and puts the connection into the queue. NULL, with @fd closed, without
 * memory. */
struct pool_conn *pool_place_new(
	struct pool_sup *p, int fd, const struct addr *peer, unsigned listener);
void pool_place_queue(struct pool_sup *p, struct pool_conn *c);   /* behind all others */
void pool_place_requeue(struct pool_sup *p, struct pool_conn *c); /* before all others */
void pool_place_park(struct pool_sup *p, struct pool_conn *c);
void pool_place_refuse(struct pool_sup *p, struct pool_conn *c, enum refusal why);
void pool_place_close(struct pool_sup *p, struct pool_conn *c);   /* frees it */
void pool_place_offered(struct pool_sup *p, struct pool_conn *c); /* out of the queue */

/* Closes the connection that has been idle the longest. Whether there was one. */
bool pool_place_evict(struct pool_sup *p);

void pool_place_init(struct pool_sup *p, const struct settings *s);
void pool_place_close_all(struct pool_sup *p, enum pool_place place);

/* pool_sup.c: gives those who wait to workers that have room. */
void pool_dispatch(struct pool_sup *p);
