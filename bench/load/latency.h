/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * latency - how long things took, as percentiles, in constant memory.
 *
 * A histogram with 32 steps to a doubling: a percentile is right to 3 %.
 */

#include <stdint.h>

enum {
	LATENCY_STEPS = 32,
	LATENCY_DOUBLINGS = 42, /* 2^42 ns: more than an hour */
};

struct latency {
	uint64_t n;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint32_t counts[LATENCY_DOUBLINGS * LATENCY_STEPS];
};

void latency_add(struct latency *l, uint64_t ns);

/* At least @per_mille of 1000 took no longer than this; 0 if nothing was added. */
uint64_t latency_at(const struct latency *l, unsigned per_mille);
