/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * offsets - a place of its own, for each executor, in the files that set-up has open.
 *
 * Forks share a descriptor's offset: of the DATA of a Perl or Ruby script the first call
 * would have read all and the later ones nothing, and a flock by one would be everybody's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define OFFSETS_MAX 64u /* files; any more stay shared */

struct offsets_file {
	int fd; /* borrowed: the script's */
	int flags;
	bool on_exec; /* whether it stays open then */
	off_t at;
};

struct offsets {
	struct offsets_file files[OFFSETS_MAX];
	size_t n;
};

/* Notes the files that this process can read, from descriptor @first on. Not those through
 * which it holds a lock, which goes with the descriptor. */
void offsets_note(struct offsets *out, int first);

/* In a fork: opens each of them anew, under its number. What cannot be, stays shared. */
void offsets_part(const struct offsets *offsets);
