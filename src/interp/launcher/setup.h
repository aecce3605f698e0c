/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * setup - run the script's own loading, once, and let a server come of it.
 *
 *   lock; look again whether there is a server; make the socket; unlock
 *     |
 *   set-up runs, with PREFORK_INTERP naming the socket and its other descriptors
 *     |-- it fails, or is killed     that is the answer, as it would be cold
 *     |-- it ends, nobody serves     the script has run: its status is the answer
 *     `-- it ends, a server is there call it
 */

#include <stdbool.h>

struct args;
struct place;

/* A result of call.h: CALL_ENDED, CALL_COLD or CALL_LOST. With @fresh a running server is
 * replaced. */
[[nodiscard]] int setup_and_call(
	const struct place *place, const struct args *args, bool fresh, int *status);
