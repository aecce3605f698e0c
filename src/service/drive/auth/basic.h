/* SPDX-License-Identifier: MIT */
#pragma once

/* basic - the value of an Authorization header in the Basic scheme (RFC 7617). Pure. */

#include "base/span.h"

#include <stdbool.h>

#define BASIC_MAX 1024u /* bytes of name, colon and password */

struct basic {
	char bytes[BASIC_MAX]; /* the caller wipes it after use */
	struct span name, password;
};

/* Takes "Basic BASE64" apart. False, with nothing left in @out, if it is not exactly that. */
[[nodiscard]] bool basic_decode(struct span value, struct basic *out);

/* Forgets the password. */
void basic_wipe(struct basic *basic);
