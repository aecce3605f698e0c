/* SPDX-License-Identifier: MIT */

/* Any text is a users file or a sentence; any header is a name and a password or refused.
 */

#include "base/reason.h"
#include "service/drive/auth/basic.h"
#include "service/drive/auth/users.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct users *users = NULL;
	struct reason reason = {0};
	struct basic basic;

	if (users_parse("fuzz", text, &users, &reason)) {
		assert(reason.text[0] && !users);
	} else {
		for (size_t i = 0; i < users->n; i++)
			assert(users_find(users, span_str(users->list[i].name))
				== &users->list[i]);
		users_free(users);
	}

	if (basic_decode(text, &basic)) {
		assert(basic.name.n + basic.password.n < BASIC_MAX);
		assert(span_find(basic.name, ':') == basic.name.n);
	}
	return 0;
}
