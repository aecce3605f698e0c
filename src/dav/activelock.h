/* SPDX-License-Identifier: MIT */
#pragma once

/* activelock - a lock, as lockdiscovery tells of it (RFC 4918, 14.1). */

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct activelock {
	bool is_shared, is_deep;
	uint32_t left_sec;
	struct span token; /* without <> */
	struct span owner; /* an <owner> fragment (lockinfo.h); empty for none */
	struct span root;  /* the URL it was taken on, encoded */
};

/* Appends the element, for a document that declares D as DAV:. */
void activelock_put(struct buf *out, const struct activelock *lock);

/* The whole body of the answer to a LOCK: lockdiscovery with these @elements. */
void activelock_answer(struct buf *out, struct span elements);
