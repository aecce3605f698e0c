/* SPDX-License-Identifier: MIT */

#include "os/net.h"

#include "base/num.h"
#include "base/reason.h"
#include "base/span.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool bit_of(const unsigned char *bytes, unsigned i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

static int parse_bits(const char *text, unsigned most, unsigned *out)
{
	uint64_t n;

	if (!num_u64(span_str(text), &n) || n > most)
		return -1;
	*out = (unsigned)n;
	return 0;
}

int net_parse(const char *text, struct net *out, struct reason *reason)
{
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];

	*out = (struct net){0};
	if (strcmp(text, "unix") == 0)
		return 0;
	(void)snprintf(host, sizeof(host), "%.*s",
		(int)(slash ? (size_t)(slash - text) : strlen(text)), text);
	if (inet_pton(AF_INET, host, out->bytes) == 1)
		out->n_bytes = 4;
	else if (inet_pton(AF_INET6, host, out->bytes) == 1)
		out->n_bytes = 16;
	else
		return reason_set(reason,
			"\"%s\" is no address or block of addresses, as 10.0.0.0/8 or ::1, nor \"unix\"",
			text);
	out->n_bits = 8 * out->n_bytes;
	if (slash && parse_bits(slash + 1, out->n_bits, &out->n_bits) < 0)
		return reason_set(reason, "\"%s\": behind the slash is a number up to %u",
			text, 8 * out->n_bytes);
	for (unsigned i = out->n_bits; i < 8 * out->n_bytes; i++) {
		if (bit_of(out->bytes, i))
			return reason_set(reason,
				"\"%s\" is an address and not a block: bits behind the first %u are set",
				text, out->n_bits);
	}
	return 0;
}

bool net_has(const struct net *net, const struct addr *addr)
{
	unsigned char bytes[ADDR_BYTES_MAX];
	size_t n = addr_bytes(addr, bytes);
	unsigned whole = net->n_bits / 8;

	if (n != net->n_bytes || (!n && addr->sa.sa_family != AF_UNIX)
		|| memcmp(bytes, net->bytes, whole) != 0)
		return false;
	for (unsigned i = 8 * whole; i < net->n_bits; i++) {
		if (bit_of(bytes, i) != bit_of(net->bytes, i))
			return false;
	}
	return true;
}
