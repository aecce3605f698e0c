/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * throttle - wrong passwords make the next tries from the same address slower.
 *
 * A fixed table in memory that all workers of a service share, so that trying
 * on many connections does not help: tries from one address are also put in
 * line one behind the other. Lock-free; a worker that dies in here leaves
 * nothing behind. IPv6 counts by /64, unix sockets not at all.
 *
 * Trust: every worker may write here, so a worker an attacker has taken over
 * can lift the delays or impose them; it can do nothing else. Addresses that
 * share a row push each other out when there are more than the row holds, and
 * rows are chosen with a random key, so nobody can aim at a neighbour.
 *
 *	failures   1   2       3      4    5    6    7    8 and more
 *	a try each 0   0.25 s  0.5 s  1 s  2 s  4 s  8 s  8 s
 *
 * One failure is forgiven every THROTTLE_FORGIVE_NS without another.
 */

#include "base/util.h"
#include "os/addr.h"

#include <stddef.h>
#include <stdint.h>

#define THROTTLE_STEP_NS    (NS_PER_SEC / 4) /* at the second failure; doubles */
#define THROTTLE_LEVEL_MAX  8u               /* failures counted */
#define THROTTLE_FORGIVE_NS (30 * NS_PER_SEC)
#define THROTTLE_LINE_NS    (30 * NS_PER_SEC) /* longest line of waiting tries */

/* throttle_delay: do not try; say 429 (or 503) and a Retry-After at once. */
#define THROTTLE_TOO_MANY UINT64_MAX

struct throttle; /* lies in shared memory, all zero at first */

#define THROTTLE_ROWS   1024u
#define THROTTLE_IN_ROW 4u
#define THROTTLE_BYTES  (8ul * (1 + THROTTLE_ROWS * THROTTLE_IN_ROW)) /* aligned to 8 */

/**
 * throttle_delay - how long to wait, in ns, before the password of a request from @peer
 * is looked at.
 *
 * 0 for addresses without failures. Otherwise a place in the line is taken; if
 * that is longer than THROTTLE_LINE_NS, none is, and the answer is
 * THROTTLE_TOO_MANY. @now_ns is CLOCK_MONOTONIC.
 */
[[nodiscard]] uint64_t throttle_delay(
	struct throttle *throttle, const struct addr *peer, uint64_t now_ns);

/* The password was wrong. */
void throttle_failed(struct throttle *throttle, const struct addr *peer, uint64_t now_ns);
