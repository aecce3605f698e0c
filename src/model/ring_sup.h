/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ring_sup - the supervisor's part in the ring: it closes the chain, and mends it.
 *
 * It holds both ends of every pipe. Where a worker is missing (it died, is not
 * ready yet, drains, or does not answer), it reads that worker's pipe itself and
 * hands what comes to the next: so the chain is whole while a place in it is empty.
 *
 *   in         until                                      then
 *   OUT        ALLOW comes round: everyone passed it on   ASKING (sends ALLOW | CONFIRM)
 *              a member dies; the lease runs out          OUT, in a new epoch
 *              people wait here all the same: a worker
 *              had no room for whom it was given          PARKED, in a new epoch (asks all)
 *   ASKING     somebody takes it: nothing is heard        ASKING: as OUT in all but the name
 *              ALLOW | CONFIRM comes round, and room was
 *              reported meanwhile                         OUT (sends ALLOW)
 *              the same, and none was                     PARKED (makes a worker if it may)
 *   PARKED     room is reported, and somebody waits here  PARKED (gives the worker that one)
 *              the same, and nobody does                  OUT (gives that worker the token)
 *              a worker that was given somebody had no
 *              room, or died, and another had reported
 *              its room meanwhile                         PARKED, in a new epoch (asks all)
 *   any        the crew drains, and nobody waits here     CLOSING (sends CLOSE)
 *   CLOSING    CLOSE comes round, or takes too long       the core's drain does the rest
 */

#include "core/lobby_sup.h"
#include "model/grow_sup.h"
#include "model/ring_wire.h"
#include "model/ring_wrk.h"
#include "os/loop.h"

#include <stdbool.h>

enum ring_state { RING_OUT, RING_ASKING, RING_PARKED, RING_CLOSING };

/* One pipe of the chain. The last one in use leads home. */
struct ring_pipe {
	struct loop_io io; /* its reading end, while the supervisor stands in for who should
			      read */
	struct crew *crew;
	int read; /* owned; -1 for none, as the next */
	int write;
	/* Of the worker that reads it: */
	bool suspended; /* it does not answer */
	struct guest
		*given; /* sent to it, and ours until it says that it has it; or NULL */
};

struct ring_sup;

/* A listener, watched to be told once that a connection waits at it. */
struct ring_waiting {
	struct loop_io io;
	struct ring_sup *ring;
};

struct ring_sup {
	struct crew *crew;
	struct lobby lobby;
	struct ring_shared *shared; /* owned */
	struct ring_pipe *pipes;    /* owned: crew->n_slots + 1; pipes[i] leads to slot i */
	struct ring_ends *ends;     /* owned: crew->n_slots, for the workers */
	struct grow grow;
	enum ring_state state;
	bool room_reported; /* ASKING: since the lap began; PARKED: and there was nobody to give */

	/* The lease: that connections wait, and nobody takes one. */
	struct ring_waiting *waiting; /* owned: one a listener */
	struct loop_timer lease;
	uint64_t seen_accepted; /* when the lease began */
	struct loop_timer close_deadline;
};
