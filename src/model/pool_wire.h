/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool_wire - what crosses between the supervisor and a pool worker.
 *
 *   supervisor                            worker
 *       |------ POOL_CONN + socket ------>|   this connection is offered, at this seat
 *       |------ POOL_REVOKED ------------>|   what was at this seat is no longer yours
 *       |<----- POOL_DONE ----------------|   let go of these seats: they ended, or were
 * revoked
 *       |<----- POOL_PARK ----------------|   it is idle: watch it; unread bytes are in the
 * seat
 *       |<----- POOL_RETURN --------------|   could not take it (no descriptor is free
 * here)
 *       |<----- POOL_ROOM ----------------|   no longer blocked: may be given more
 *
 * The bytes of a connection never travel here: they lie in the seat's input
 * (core/board.h), where the next worker's are copied to by the supervisor.
 * The supervisor believes a seat number only if it gave that seat away, and
 * answers anything else by ending the worker.
 */

#include "core/core_wire.h"
#include "os/addr.h"

#include <assert.h>
#include <stdint.h>

enum pool_msg_type {
	POOL_CONN = CORE_MODEL_FIRST,
	POOL_REVOKED,
	POOL_DONE,
	POOL_PARK,
	POOL_RETURN,
	POOL_ROOM,
};

struct pool_msg {
	uint32_t type; /* enum pool_msg_type */
	uint32_t seat; /* all but POOL_DONE, POOL_ROOM */
};
static_assert(sizeof(struct pool_msg) == 8, "no hidden padding on the wire");

#define POOL_DONE_MOST 32u

struct pool_done_msg {
	uint32_t type;                  /* POOL_DONE */
	uint32_t n;                     /* at least 1 */
	uint32_t seats[POOL_DONE_MOST]; /* only so many are sent */
};
static_assert(sizeof(struct pool_done_msg) == 8 + 4 * POOL_DONE_MOST,
	"no hidden padding on the wire");

static inline size_t pool_done_bytes(const struct pool_done_msg *msg)
{
	return offsetof(struct pool_done_msg, seats) + msg->n * sizeof(*msg->seats);
}

struct pool_conn_msg {
	struct pool_msg head;
	uint64_t id;
	uint64_t accepted_ns;
	uint32_t listener; /* its index: which of our addresses it came to */
	uint32_t resumed;
	struct addr peer; /* only as much of it is sent as its len says */
};
static_assert(offsetof(struct pool_conn_msg, peer) == 32, "no hidden padding on the wire");
static_assert(sizeof(struct pool_conn_msg) <= 512, "fits a channel message");
