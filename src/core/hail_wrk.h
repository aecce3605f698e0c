/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * hail_wrk - the PROXY header before a connection's own first byte: looked for, taken out, kept in
 * the seat. Worker side.
 *
 * It is looked at where it lies and then taken out to the byte, so who is lent
 * the socket finds it as if there had been no proxy. Of a connection that has
 * been read from at all, the header has been read: that is how the next worker, or
 * the next program of an upgrade, knows.
 */

#include "os/addr.h"

struct proxy_header;
struct seat;

enum hail {
	HAIL_DONE, /* *@out is filled */
	HAIL_MORE, /* so far it is the beginning of one: read again when there is more */
	HAIL_NONE, /* the peer has ended, without a word */
	HAIL_BAD,  /* something else stands there */
};

[[nodiscard]] enum hail hail_read(int fd, struct seat *seat, struct proxy_header *out);
