/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * num - numbers as people and protocols write them, read strictly.
 *
 * Nothing but the number: no sign, no spaces, nothing behind it, no overflow.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits, at least one. False leaves *@out alone. */
[[nodiscard]] bool num_u64(struct span s, uint64_t *out);

/* Hexadecimal digits of either case, at least one. False leaves *@out alone. */
[[nodiscard]] bool num_hex_u64(struct span s, uint64_t *out);

/* "4096", "64K", "10M", "2G", "1T": powers of 1024, also written KiB, MiB, ... */
[[nodiscard]] bool num_bytes(struct span s, uint64_t *out);

/* "250ms", "30s", "5m", "2h", "1d"; a bare number is seconds. In nanoseconds. */
[[nodiscard]] bool num_duration_ns(struct span s, uint64_t *out);
