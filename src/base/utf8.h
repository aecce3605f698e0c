/* SPDX-License-Identifier: MIT */
#pragma once

/* utf8 - RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */

#include "base/span.h"

#include <stdbool.h>

/* How many bytes the first character of @s has; 0 if @s is empty or they are not UTF-8. */
size_t utf8_step(struct span s);

bool utf8_valid(struct span s);
