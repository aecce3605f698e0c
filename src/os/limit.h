/* SPDX-License-Identifier: MIT */
#pragma once

/* limit - how much of the system this process may use. */

#include <stdint.h>

/* Raises the number of descriptors this process may have to what it is allowed, and returns
 * it. */
uint64_t limit_descriptors(void);
