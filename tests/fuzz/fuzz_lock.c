/* SPDX-License-Identifier: MIT */

/* What is read of any file of locks lies in it, and is written as it was read. */

#include "service/drive/lock/lock.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span s, struct span text)
{
	assert(s.p >= text.p && s.p + s.n <= text.p + text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size), rest = text;
	struct lock lock, again;

	while (lock_next(&rest, &lock)) {
		AUTO_BUF written = BUF_INIT(8192);

		check_inside(lock.user, text);
		check_inside(lock.owner, text);
		check_inside(rest, text);
		lock_put(&written, &lock);
		struct span bytes = buf_span(&written);
		assert(!written.failed && lock_next(&bytes, &again) && bytes.n == 0);
		assert(again.ends_sec == lock.ends_sec && again.is_deep == lock.is_deep
			&& again.is_shared == lock.is_shared
			&& again.granted_sec == lock.granted_sec
			&& again.made_inode == lock.made_inode);
		assert(span_eq(again.user, lock.user) && span_eq(again.owner, lock.owner)
			&& span_eq(lock_token(&again), lock_token(&lock)));
	}
	return 0;
}
