/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sip - SipHash-2-4: a hash whose collisions nobody finds who does not have the key.
 *
 * For tables whose keys strangers choose. (Aumasson and Bernstein, 2012.)
 */

#include "base/span.h"

#include <stdint.h>

struct sip_key {
	uint64_t k0, k1;
};

uint64_t sip_hash(const struct sip_key *key, struct span bytes);
