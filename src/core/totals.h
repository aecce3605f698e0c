/* SPDX-License-Identifier: MIT */
#pragma once

/* totals - what a service has done since it was first served. */

#include <assert.h>
#include <stdint.h>

struct totals {
	uint64_t connections;
	uint64_t requests;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t deaths; /* of workers, not as told */
	uint64_t refused;
};
static_assert(sizeof(struct totals) == 48, "as it is in upgrade_wire.h");

static inline void totals_add(struct totals *to, const struct totals *more)
{
	to->connections += more->connections;
	to->requests += more->requests;
	to->bytes_in += more->bytes_in;
	to->bytes_out += more->bytes_out;
	to->deaths += more->deaths;
	to->refused += more->refused;
}

/* What has come since they were @before. */
static inline struct totals totals_since(
	const struct totals *now, const struct totals *before)
{
	return (struct totals){
		.connections = now->connections - before->connections,
		.requests = now->requests - before->requests,
		.bytes_in = now->bytes_in - before->bytes_in,
		.bytes_out = now->bytes_out - before->bytes_out,
		.deaths = now->deaths - before->deaths,
		.refused = now->refused - before->refused,
	};
}
