/* SPDX-License-Identifier: MIT */
#pragma once

/* list - the comma-separated lists of header values (RFC 9110, 5.6.1). */

#include "base/span.h"

#include <stdbool.h>

/**
 * http_list_next - take the next item that is not empty off the front of *@rest.
 *
 * The item is trimmed. A comma inside a quoted string does not separate; a
 * string that is never closed reaches to the end. False when nothing is left,
 * and *@rest is then SPAN_NONE.
 */
bool http_list_next(struct span *rest, struct span *item);

/**
 * http_list_param - take the next `;name=value` off the front of *@rest.
 *
 * *@rest begins at a ';' or is empty or white. A value's quotes are taken
 * off, its backslashes are not. A parameter without '=' has an empty value.
 * False when nothing is left or what is left is not a parameter.
 */
bool http_list_param(struct span *rest, struct span *name, struct span *value);
