/* SPDX-License-Identifier: MIT */
#pragma once

/* clock - what time it is, in nanoseconds. */

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_read_ns(clockid_t which)
{
	struct timespec t;

	(void)clock_gettime(which, &t); /* cannot fail for a clock every Linux has */
	return (uint64_t)t.tv_sec * 1'000'000'000u + (uint64_t)t.tv_nsec;
}

/* For deadlines: never jumps. */
static inline uint64_t clock_mono_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Since 1970: for people and protocols. */
static inline uint64_t clock_wall_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}
