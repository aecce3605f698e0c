/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * num - numbers as people and protocols write them, read strictly, and some written.
 *
 * What is read is nothing but the number: no sign, no spaces, nothing behind it, no overflow.
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

#define NUM_HEX_MAX 16u /* digits */

/*
 * Writes @n in hexadecimal, small letters, without a NUL, and returns the end: without leading
 * zeros, or in all NUM_HEX_MAX digits. printf is ten times slower, and every answer, every
 * line of a listing and every name of ours has some.
 */
char *num_put_hex(char *out, uint64_t n);
char *num_put_hex_full(char *out, uint64_t n);
