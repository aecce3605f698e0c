/* SPDX-License-Identifier: MIT */

#include "core/hail_wrk.h"

#include "core/board.h"
#include "core/proxy.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* For whoever has the connection next: bounded, and a unix peer's name is not kept. */
static void keep(struct seat *seat, const struct addr *from)
{
	socklen_t n =
		from->sa.sa_family == AF_UNIX ? sizeof(from->sa.sa_family) : from->len;

	memcpy(seat->peer, &from->ss, n);
	atomic_store(&seat->peer_len, n);
}

enum hail hail_read(int fd, struct seat *seat, struct proxy_header *out)
{
	char bytes[PROXY_HEADER_MAX];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_PEEK);

	if (got < 0)
		return errno == EAGAIN ? HAIL_MORE : HAIL_NONE;
	if (got == 0)
		return HAIL_NONE;
	int n = proxy_parse(span_of(bytes, (size_t)got), out);
	if (n == PROXY_MORE)
		return HAIL_MORE;
	if (n == PROXY_BAD)
		return HAIL_BAD;
	if (out->known)
		keep(seat, &out->from);
	/*
	 * Counted before it is taken. A worker that dies in between has counted what
	 * the kernel has not handed out, which the supervisor takes for what it is: a
	 * connection that nobody can go on with.
	 */
	board_add(&seat->n_read, (uint64_t)n);
	board_add(&seat->n_used, (uint64_t)n);
	return recv(fd, bytes, (size_t)n, 0) == n ? HAIL_DONE : HAIL_NONE;
}
