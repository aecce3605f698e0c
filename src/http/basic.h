/* SPDX-License-Identifier: MIT */
#pragma once

/* basic - the user and password of Basic authentication (RFC 7617). */

#include "base/span.h"

#include <stdbool.h>

#define HTTP_BASIC_MAX 768u /* bytes: user, colon and password together */

struct http_basic {
	struct span user, password; /* in .text */
	char text[HTTP_BASIC_MAX];  /* a secret: http_basic_wipe when it is no longer needed
				     */
};

/**
 * http_basic_read - decode the value of an Authorization field.
 *
 * False if it is of another scheme, is not strict base 64, has no colon, is
 * too long, or has a control byte in it, which no password file can hold.
 */
[[nodiscard]] bool http_basic_read(struct span authorization, struct http_basic *basic);

/* Overwrites the credentials, in a way the compiler does not leave out. */
void http_basic_wipe(struct http_basic *basic);
