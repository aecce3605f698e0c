/* SPDX-License-Identifier: MIT */
#include "latency.h"

#include "base/util.h"

#include <stddef.h>

/* log2 of LATENCY_STEPS */
enum { STEP_BITS = 5 };

static size_t bucket_of(uint64_t ns)
{
	if (ns < LATENCY_STEPS)
		return ns;
	unsigned top = 63u - (unsigned)__builtin_clzll(ns);
	size_t bucket = (top - STEP_BITS + 1) * LATENCY_STEPS
			+ ((ns >> (top - STEP_BITS)) & (LATENCY_STEPS - 1));
	return MIN(bucket, (size_t)LATENCY_DOUBLINGS * LATENCY_STEPS - 1);
}

/* The least duration that falls in the bucket behind this one. */
static uint64_t bucket_end(size_t bucket)
{
	uint64_t step = bucket % LATENCY_STEPS + 1;

	if (bucket < LATENCY_STEPS)
		return step;
	return (LATENCY_STEPS + step) << (bucket / LATENCY_STEPS - 1);
}

void latency_add(struct latency *l, uint64_t ns)
{
	l->n++;
	l->sum_ns += ns;
	l->max_ns = MAX(l->max_ns, ns);
	l->counts[bucket_of(ns)]++;
}

uint64_t latency_at(const struct latency *l, unsigned per_mille)
{
	uint64_t want = (l->n * per_mille + 999) / 1000;
	uint64_t seen = 0;

	for (size_t i = 0; i < ARRAY_LEN(l->counts) && l->n > 0; i++) {
		seen += l->counts[i];
		if (seen >= want)
			return MIN(bucket_end(i), l->max_ns);
	}
	return l->max_ns;
}
