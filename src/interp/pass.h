/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pass - messages that carry many descriptors, over a connected unix socket.
 *
 * Both the launcher and the server use it, so it calls nothing but sendmsg and
 * recvmsg. It neither waits nor retries: that is its callers' to decide.
 */

#include <stddef.h>

#define PASS_FDS_MAX 253u /* SCM_MAX_FD, the kernel's own maximum for a message */

enum pass_result {
	PASS_OK = 0,
	PASS_CLOSED,  /* the other side has gone */
	PASS_AGAIN,   /* would block */
	PASS_GARBLED, /* cut short, or not what was asked for; its descriptors were closed
		       */
};

struct pass_in {
	void *buf; /* the caller's, @cap bytes */
	size_t cap;
	size_t n_bytes; /* out */
	int *fds; /* the caller's, room for max_fds; those that come are its own, CLOEXEC */
	size_t max_fds; /* at most PASS_FDS_MAX; 0: none is welcome */
	size_t n_fds;   /* out */
};

/**
 * pass_send - send the @n bytes at @buf (at least one) and borrow @fds for it.
 *
 * @flags are send(2)'s. Returns 0; PASS_CLOSED or PASS_AGAIN with nothing sent;
 * or -errno (-ETOOMANYREFS: this user has too many on their way). On a stream
 * socket fewer bytes may go: there @n is 1 wherever descriptors are with it.
 */
[[nodiscard]] int pass_send(
	int sock, const void *buf, size_t n, const int *fds, size_t n_fds, int flags);

/* Receive one message (on a stream: what is there, up to the next descriptors). @flags are
 * recv(2)'s. An enum pass_result, or -errno. */
[[nodiscard]] int pass_recv(int sock, struct pass_in *in, int flags);
