/* SPDX-License-Identifier: MIT */
#pragma once

/* prefer - what a client would like, if it is no trouble (RFC 7240). */

#include "http/head.h"

#include <stdbool.h>

/* Whether the Prefer field asks for @name with that @value; SPAN_NONE: with any or none. */
bool http_prefer(const struct http_head *head, struct span name, struct span value);
