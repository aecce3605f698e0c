/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/users.h"

#include "base/reason.h"
#include "base/utf8.h"
#include "base/util.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

#define MAKE_NEW "make a new one with: preforkd passwd FILE NAME"

/* A kind of hash: how it begins, and how much stands behind its last '$'. */
static const struct kind {
	struct span prefix;
	size_t tail; /* bytes; else the hash is cut, or not one */
} kinds[] = {
	{SPAN("$y$"), 43},                     /* yescrypt */
	{SPAN("$2b$"), 53},                    /* bcrypt: salt and hash together */
	{SPAN("$2y$"), 53}, {SPAN("$6$"), 86}, /* SHA-512 crypt */
	{SPAN("$5$"), 43},                     /* SHA-256 crypt */
};

int users_check_name(struct span name, struct reason *reason)
{
	if (!name.n || name.n > USERS_NAME_MAX)
		return reason_set(
			reason, "a user's name has 1 to %u bytes", USERS_NAME_MAX);
	if (!utf8_valid(name))
		return reason_set(reason, "a user's name is UTF-8");
	if (name.p[0] == '#')
		return reason_set(reason, "a user's name does not begin with #");
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c == ':' || c < 0x20 || c == 0x7f)
			return reason_set(reason,
				"a user's name holds no colon and no control characters");
	}
	return 0;
}

static size_t behind_last_dollar(struct span hash)
{
	size_t n = 0;

	while (n < hash.n && hash.p[hash.n - 1 - n] != '$')
		n++;
	return n;
}

static int check_hash(struct span hash, struct reason *reason)
{
	if (!hash.n)
		return reason_set(reason, "there is no password hash; " MAKE_NEW);
	if (span_starts(hash, SPAN("{SHA}")))
		return reason_set(reason, "{SHA} hashes are cracked in no time; " MAKE_NEW);
	if (span_starts(hash, SPAN("$apr1$")) || span_starts(hash, SPAN("$1$")))
		return reason_set(reason, "MD5 hashes are cracked in no time; " MAKE_NEW);

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (!span_starts(hash, kinds[i].prefix))
			continue;
		if (hash.n > USERS_HASH_MAX || behind_last_dollar(hash) != kinds[i].tail)
			return reason_set(reason,
				"the password hash is not as long as its kind is; " MAKE_NEW);
		return 0;
	}
	return reason_set(reason,
		"this is no hash of a kind that is accepted (yescrypt, bcrypt, SHA-512 "
		"or SHA-256 crypt; not DES, not the bare password); " MAKE_NEW);
}

static int no_memory(struct reason *reason)
{
	errno = ENOMEM;
	return reason_errno(reason, "the users file");
}

/* Fills *@user from one line that is neither empty nor a comment. */
static int read_line(struct span line, struct user *user, struct reason *reason)
{
	struct span name, hash, right = SPAN_NONE;
	int rc;

	(void)span_cut(&line, ':', &name); /* true: there is something to cut */
	rc = users_check_name(name, reason);
	if (rc)
		return rc;
	if (!span_cut(&line, ':', &hash))
		return reason_set(reason, "a line is NAME:HASH or NAME:HASH:ro");
	rc = check_hash(hash, reason);
	if (rc)
		return rc;
	if (span_cut(&line, ':', &right) && (line.p || !span_eq(right, SPAN("ro"))))
		return reason_set(reason, "behind the hash stands nothing, or :ro");

	user->name = span_dup(name);
	user->hash = span_dup(hash);
	user->read_only = right.p != NULL;
	if (!user->name || !user->hash)
		return no_memory(reason);
	if (crypt_checksalt(user->hash) == CRYPT_SALT_INVALID)
		return reason_set(
			reason, "crypt(3) does not know this password hash; " MAKE_NEW);
	return 0;
}

/* Appends the user of @line to the table, which has room for it. */
static int add_line(struct users *users, struct span line, struct reason *reason)
{
	if (users->n == USERS_MOST)
		return reason_set(reason, "more than %u users", USERS_MOST);

	/* Doubled whenever the count is a power of two. */
	if ((users->n & (users->n - 1)) == 0) {
		size_t room = users->n ? 2 * users->n : 1;
		struct user *grown = realloc(users->list, room * sizeof(*grown));
		if (!grown)
			return no_memory(reason);
		users->list = grown;
	}
	users->list[users->n] = (struct user){0};
	return read_line(line, &users->list[users->n++], reason);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct user *)a)->name, ((const struct user *)b)->name);
}

static int sort(struct users *users, const char *file, struct reason *reason)
{
	if (users->n)
		qsort(users->list, users->n, sizeof(*users->list), by_name);
	for (size_t i = 1; i < users->n; i++) {
		if (!by_name(&users->list[i - 1], &users->list[i]))
			return reason_set(reason, "%s: the user %s stands there twice",
				file, users->list[i].name);
	}
	return 0;
}

static int read_lines(
	struct users *users, const char *file, struct span text, struct reason *reason)
{
	struct span line;

	for (unsigned n = 1; span_cut(&text, '\n', &line); n++) {
		struct reason why = {0};

		if (span_ends(line, SPAN("\r")))
			line.n--;
		line = span_trim(line);
		if (!line.n || line.p[0] == '#')
			continue;

		int rc = add_line(users, line, &why);
		if (rc) {
			(void)reason_set(reason, "%s:%u: %s", file, n, why.text);
			return rc;
		}
	}
	return sort(users, file, reason);
}

int users_parse(
	const char *file, struct span text, struct users **out, struct reason *reason)
{
	if (text.n > USERS_FILE_MAX)
		return reason_set(reason, "%s: larger than 1 MiB", file);

	struct users *users = calloc(1, sizeof(*users));
	if (!users)
		return no_memory(reason);

	int rc = read_lines(users, file, text, reason);
	if (rc) {
		users_free(users);
		return rc;
	}
	*out = users;
	return 0;
}

void users_free(struct users *users)
{
	if (!users)
		return;
	for (size_t i = 0; i < users->n; i++) {
		free(users->list[i].name);
		free(users->list[i].hash);
	}
	free(users->list);
	free(users);
}

const struct user *users_find(const struct users *users, struct span name)
{
	char key[USERS_NAME_MAX + 1] = {0};
	const struct user probe = {.name = key};

	if (!users->n || name.n > USERS_NAME_MAX || span_find(name, '\0') < name.n)
		return NULL;
	if (name.n)
		memcpy(key, name.p, name.n);
	return bsearch(&probe, users->list, users->n, sizeof(*users->list), by_name);
}
