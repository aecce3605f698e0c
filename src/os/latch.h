/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * latch - a file that processes lock to keep out of each other's way, opened once by each.
 *
 * A lock is the open file's, and a fork shares open files: a child that used
 * its parent's would hold what the parent holds. So who finds itself another
 * process than the one that opened it opens the file again, at its first lock.
 * Within one process a latch keeps nobody out of anything.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct latch {
	int dir; /* borrowed */
	const char
		*name; /* borrowed: of the file in it, which is made if it is not there */
	int fd;        /* owned; -1 until the first lock */
	pid_t opener;
};

#define LATCH_NONE ((struct latch){.dir = -1, .fd = -1})

/* Opens nothing yet. */
struct latch latch_at(int dir, const char *name);

/* Gives up whatever is locked. */
void latch_fini(struct latch *latch);

/* flock(2) of the whole file, @how as file_lock's, in place of what it was locked as. */
[[nodiscard]] int latch_lock(struct latch *latch, int how);
void latch_unlock(struct latch *latch);

/* Waits for one byte of it: alone, or with others who do not want it alone. Bytes number
 * up to 2^63 - 1, and have nothing to do with latch_lock. */
[[nodiscard]] int latch_lock_byte(struct latch *latch, uint64_t byte, bool alone);
void latch_unlock_byte(struct latch *latch, uint64_t byte);
