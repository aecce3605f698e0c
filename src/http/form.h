/* SPDX-License-Identifier: MIT */
#pragma once

/* form - name=value pairs, as in the query of a URL (application/x-www-form-urlencoded). */

#include "base/span.h"

#include <stdbool.h>

/**
 * http_form_next - take the next pair off the front of *@rest, still encoded.
 *
 * Empty pairs are passed over; without '=' the value is SPAN_NONE. False at the end.
 */
bool http_form_next(struct span *rest, struct span *name, struct span *value);

/* The value of the first pair whose name stands there unencoded; SPAN_NONE if there is
 * none, empty if it has no '='. */
struct span http_form_get(struct span query, struct span name);
