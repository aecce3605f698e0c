/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fork_wire - what crosses between the supervisor and the zygote, the worker in slot 0 that
 * makes the others.
 *
 *   supervisor                            zygote
 *       |------ FORK_CHAN + channel ----->|   the next child's end of its channel
 *       |------ FORK_CONN + socket ------>|   make a child for this connection, with that
 * channel
 *       |<----- FORK_MADE ----------------|   it is this process; or could not be made
 *
 * Two messages because each carries one descriptor; they are sent together. A
 * child is told what any worker is (core_wire.h), and says nothing. The supervisor takes
 * a pid for its child only after the kernel has said that it is one.
 *
 * The kernel notes each child's pid in memory that the supervisor and the zygote share, and
 * no child has: it is there though the zygote dies before it can tell, and true though the
 * child is not.
 */

#include "core/core_wire.h"
#include "os/addr.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

enum fork_msg_type {
	FORK_CHAN = CORE_MODEL_FIRST,
	FORK_CONN,
	FORK_MADE,
};

struct fork_msg {
	uint32_t type;     /* enum fork_msg_type */
	uint32_t slot;     /* the child's */
	int32_t pid;       /* FORK_MADE: of the child, or -errno; else 0 */
	uint32_t listener; /* FORK_CONN: which of our addresses it came to */
	uint64_t id;       /* FORK_CONN */
	uint64_t accepted_ns;
	struct addr peer; /* FORK_CONN; else not sent */
};
#define FORK_MSG_BARE offsetof(struct fork_msg, peer) /* of one without a peer */
static_assert(FORK_MSG_BARE == 32, "no hidden padding on the wire");
static_assert(sizeof(struct fork_msg) <= 512, "fits a channel message");
