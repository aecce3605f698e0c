/* SPDX-License-Identifier: MIT */
#pragma once

/* net - a block of addresses, as in "10.0.0.0/8": who is meant by a setting. */

#include "os/addr.h"

#include <stdbool.h>

struct reason;

struct net {
	unsigned char bytes[ADDR_BYTES_MAX];
	unsigned n_bytes; /* 4, 16; or 0: unix sockets */
	unsigned n_bits;  /* of them, from the first on, are compared */
};

/**
 * net_parse - "192.0.2.7", "10.0.0.0/8", "2001:db8::/32"; or "unix": who comes by a unix socket.
 *
 * Returns 0; or negative with @reason, also where bits behind the block's are set.
 */
[[nodiscard]] int net_parse(const char *text, struct net *out, struct reason *reason);

/* Whether @addr is in it. An IPv4 address that IPv6 has wrapped is an IPv4 address. */
bool net_has(const struct net *net, const struct addr *addr);
