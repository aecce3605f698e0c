/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * users - the text of a users file as a table of who may log in.
 *
 *	# a comment
 *	ann:$y$j9T$...
 *	guest:$2y$12$...:ro
 *
 * A line is a name, a colon and a password hash, as htpasswd and crypt(5) write
 * them; ":ro" behind it means that this user may read and change nothing. Only
 * hashes that take an attacker real time are accepted. Pure: the caller has
 * read the file.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct reason;

#define USERS_FILE_MAX (1024 * 1024ul) /* bytes */
#define USERS_MOST     10000u
#define USERS_NAME_MAX 64u  /* bytes */
#define USERS_HASH_MAX 256u /* bytes; crypt(5)'s are up to 192 */

struct user {
	char *name; /* owned, as is the hash */
	char *hash;
	bool read_only;
};

struct users {
	struct user *list; /* sorted by name, none twice */
	size_t n;
};

/**
 * users_parse - @text as a table; @file is its name for error sentences.
 *
 * Returns 0 with a new *@out for users_free; or negative with a @reason
 * "FILE:LINE: ...", which never holds a hash, and *@out untouched.
 */
[[nodiscard]] int users_parse(
	const char *file, struct span text, struct users **out, struct reason *reason);

void users_free(struct users *users); /* NULL is fine */

/* The user called @name, or NULL. Lives as long as the table. */
const struct user *users_find(const struct users *users, struct span name);

/* Whether @name can stand in a users file; if not, @reason says why (without a place). */
[[nodiscard]] int users_check_name(struct span name, struct reason *reason);
