/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/trashed.h"

#include "base/num.h"

#include <stdio.h>
#include <string.h>

static void write_user(char out[FS_TRASH_WHERE_MAX], size_t at, const char *user)
{
	for (; *user && at + 4 < FS_TRASH_WHERE_MAX; user++) {
		if (*user != '/' && *user != '%') {
			out[at++] = *user;
			continue;
		}
		(void)snprintf(out + at, 4, "%%%02x", (unsigned)(unsigned char)*user);
		at += 3;
	}
	out[at] = '\0';
}

static void read_user(const char *from, char out[FS_TRASH_USER_MAX])
{
	size_t n = 0;

	while (*from && n + 1 < FS_TRASH_USER_MAX) {
		uint64_t byte;
		if (*from == '%' && strnlen(from, 3) == 3
			&& num_hex_u64(span_of(from + 1, 2), &byte)) {
			out[n++] = (char)byte;
			from += 3;
		} else {
			out[n++] = *from++;
		}
	}
	out[n] = '\0';
}

/* Both of what it is called begin so: with the digits of @key, and the time. */
static char *put_beginning(
	char *out, const char *key, char separator, const struct fs_trashed *kept)
{
	memcpy(out, key, NUM_HEX_MAX);
	out[NUM_HEX_MAX] = separator;
	return num_put_hex_full(out + NUM_HEX_MAX + 1, (uint64_t)kept->time_ns);
}

void fs_trashed_name(struct fs_trashed *kept, const char *key)
{
	*put_beginning(kept->id, key, '-', kept) = '\0';

	char *at = put_beginning(kept->where, key, '/', kept);
	*at++ = '-';
	*at++ = kept->is_deleted ? 'd' : 'r';
	*at++ = '-';
	if (kept->is_measured)
		at = num_put_hex(at, kept->size);
	*at++ = '-';
	write_user(kept->where, (size_t)(at - kept->where), kept->user);
}

bool fs_trashed_read(const char *key, const char *name, struct fs_trashed *out)
{
	struct span rest = span_str(name);
	uint64_t time, size = 0;

	if (rest.n < 20 || !num_hex_u64(span_of(rest.p, 16), &time) || rest.p[16] != '-'
		|| (rest.p[17] != 'd' && rest.p[17] != 'r') || rest.p[18] != '-')
		return false;
	struct span tail = span_from(rest, 19);
	size_t n = span_find(tail, '-');
	if (n == tail.n || (n > 0 && !num_hex_u64(span_of(tail.p, n), &size)))
		return false;

	*out = (struct fs_trashed){.time_ns = (int64_t)time,
		.is_deleted = rest.p[17] == 'd',
		.is_measured = n > 0,
		.size = size};
	read_user(tail.p + n + 1, out->user);
	(void)snprintf(out->id, sizeof(out->id), "%.16s-%.16s", key, name);
	(void)snprintf(out->where, sizeof(out->where), "%.16s/%s", key, name);
	return true;
}
