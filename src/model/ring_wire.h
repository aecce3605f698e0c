/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ring_wire - what crosses between the members of a ring: the token in the pipes, the words
 * all of them share, and the messages between a worker and the supervisor.
 *
 *   supervisor --pipe 0--> worker 0 --pipe 1--> worker 1 ... worker n-1 --pipe n-->
 * supervisor
 *
 * What travels is a byte and its epoch, in one write, so that a token which was
 * asleep in a stopped worker, or in its pipe, is known for what it is. Only a
 * token of the current epoch counts; the others are dropped where they turn up.
 *
 *   token                     means
 *   ALLOW                     whoever holds it may accept
 *   ALLOW | CONFIRM           the same, on a lap that asks: is everyone full?
 *   CLOSE                     the end: pass it on, finish, go
 *
 *   supervisor                            worker
 *       |------ RING_CONN + socket ------>|   a connection that waited here while all were
 *       |                                 |   full; the next only after an answer:
 *       |<----- RING_TAKEN ---------------|      I have it
 *       |<----- RING_FULL ----------------|      my room has gone meanwhile
 *       |------ RING_PING --------------->|   do you live, and have you room?
 *       |<----- RING_BACK ----------------|      I live
 *       |<----- RING_ROOM ----------------|   I have room (only while somebody asks)
 *
 * ROOM is a hint: the seat may be gone when it is read (a token of before filled it,
 * or the idle connection that was to give way has asked something). So whoever is
 * sent to a worker is the supervisor's until the worker has said TAKEN, and a token
 * that goes to a full one comes round. What may not be is room that the supervisor
 * neither hears of nor has a token out for: docs/models/ring.pml.
 *
 * The messages are bare types (core_wire.h) but RING_CONN, which has the pool's
 * fields without a seat.
 */

#include "core/core_wire.h"
#include "os/addr.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum ring_byte {
	RING_ALLOW = 0x01,
	RING_CLOSE = 0x02,
	RING_CONFIRM = 0x80, /* a flag on ALLOW */
};

struct ring_token {
	uint32_t byte; /* enum ring_byte */
	uint32_t epoch;
};
static_assert(sizeof(struct ring_token) == 8, "one write, far below PIPE_BUF");

enum ring_msg_type {
	RING_CONN = CORE_MODEL_FIRST,
	RING_PING,
	RING_TAKEN,
	RING_FULL,
	RING_ROOM,
	RING_BACK,
};

struct ring_conn_msg {
	uint32_t type;
	uint32_t listener;
	uint32_t
		admitted; /* it has passed the gate (core/gate.h); each side counts for itself */
	struct addr peer;
};

/* In memory all members share. A member that writes nonsense here costs its ring a new
 * epoch. */
struct ring_shared {
	_Atomic uint32_t epoch; /* written by the supervisor alone */
	/* By the supervisor, the epoch: say RING_ROOM when you get room. 0, also by the worker that
	 * takes the token which asks: nobody need. */
	_Atomic uint32_t confirming;
	_Atomic uint32_t
		holder; /* by whoever takes the token: its slot + 1; 0 on the way */
};
