/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chan - a message channel between the supervisor and one child.
 *
 * Connected SOCK_SEQPACKET sockets: one send is one receive, so there is no
 * framing to get wrong. A message may carry one descriptor. Messages are never
 * empty, because an empty one reads as the other side's end.
 */

#include <stdbool.h>
#include <stddef.h>

#define CHAN_MSG_MAX 512u /* bytes; the largest message either side may send */

enum chan_result {
	CHAN_OK = 0,
	CHAN_CLOSED,  /* the other process has gone, or closed its end */
	CHAN_AGAIN,   /* would block; the loop will say when to try again */
	CHAN_GARBLED, /* too long, or with a descriptor where none is welcome */
	CHAN_LOST_FD, /* a message whose descriptor could not be received: none is free here
		       */
};

struct chan_pair {
	int sup; /* owned: the end the supervisor keeps */
	int wrk; /* owned: the end the child inherits */
};
#define CHAN_PAIR_NONE ((struct chan_pair){-1, -1})

/* Makes a connected pair, both ends non-blocking and CLOEXEC. 0, or -errno with *@out as it
 * was. */
[[nodiscard]] int chan_pair_open(struct chan_pair *out);

/* The same for a stream of bytes, which chan_send and chan_recv are not for; both ends
 * block. */
[[nodiscard]] int chan_pair_open_stream(struct chan_pair *out);

/* Whether @fd, which somebody else has opened, is such a channel; if so it is made ours:
 * CLOEXEC and non-blocking. */
bool chan_is_one(int fd);

/**
 * chan_send - send @len bytes (1 to CHAN_MSG_MAX), and descriptor @fd unless it is -1.
 *
 * Borrows @fd: the kernel makes the receiver's copy.
 *
 * Returns 0; CHAN_CLOSED or CHAN_AGAIN with nothing sent; or -errno
 * (ETOOMANYREFS: too many descriptors on their way; try again later).
 */
[[nodiscard]] int chan_send(int chan, const void *msg, size_t len, int fd);

/**
 * chan_recv - receive one message into @buf, which holds CHAN_MSG_MAX bytes.
 *
 * NULL for @fd says that no descriptor is welcome: one that comes anyway is
 * dropped, and so is its message.
 *
 * Returns 0 with *@len set and *@fd set to the descriptor that came (CLOEXEC,
 * yours) or -1. CHAN_LOST_FD sets *@len and leaves *@fd alone; CHAN_CLOSED,
 * CHAN_AGAIN, CHAN_GARBLED and -errno leave both alone.
 */
[[nodiscard]] int chan_recv(int chan, void *buf, size_t *len, int *fd);
