/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pool_rescue_sup - what becomes of a connection whose worker has died. Runs in the
 * supervisor.
 *
 *   as the seat and the kernel's counts say      then
 *   nothing of the request has had an effect,    it goes to another worker, with its bytes;
 *   and nothing of an answer is out              but if it is the second that died of it: 502
 *   it may have had one, and no answer is out    502
 *   the answer is out, whole                     it is parked
 *   some of the answer is out                    it is closed
 */

#include <stdint.h>

struct guest;
struct slot;

/* @g was in seat @seat of @slot, whose worker is no more. It goes to another place in its
 * lobby, or is freed. */
void pool_rescue(struct guest *g, struct slot *slot, uint32_t seat);
