/* SPDX-License-Identifier: MIT */
#pragma once

/* near - which word a person probably meant. */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define NEAR_MAX 32u /* bytes; longer words are near to nothing */

/* Whether two letters of a name are one: '-' and '_' are. */
bool near_same(char a, char b);

/**
 * near_steps - how many letters must be put in, left out, changed or swapped
 * with their neighbour to make @a of @b. A large number if either is too long.
 */
size_t near_steps(struct span a, struct span b);

/* How many steps may lie between @typed and a word worth suggesting. */
size_t near_enough(struct span typed);
