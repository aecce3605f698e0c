/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool_sup - the supervisor's half of the pool: places connections, idle worker first. It
 * holds a descriptor of every connection for the connection's whole life (core/lobby_sup.h
 * has the table of places); how far a worker got with one stands in its seat
 * (core/board.h).
 */

#include "core/crew_sup.h"
#include "core/lobby_sup.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

/* What the pool knows of one worker. */
struct pool_slot {
	struct guest **at; /* by seat; NULL for a seat that is free or on its way to be */
	bool *given;       /* by seat: it was given away, and not yet let go of */
	uint32_t *free;    /* a stack of free seats */
	unsigned n_free;
	unsigned n_held; /* seats in use, those the worker has yet to let go of too */
	uint64_t avoid_until_ns; /* it had no descriptor for a connection, or did not answer
				  */
	uint64_t idle_since_ns;  /* while n_held is 0 */
};

struct pool_sup {
	struct crew *crew;
	struct pool_slot *slots; /* by the crew's slots */
	struct lobby lobby;
	struct loop_timer
		rounds; /* looks after offers nobody takes, and growth and shrinking */
};
