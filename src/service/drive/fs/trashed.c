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
		if (*from == '%'
			&& num_hex_u64(span_of(from + 1, strnlen(from + 1, 2)), &byte)) {
			out[n++] = (char)byte;
			from += 3;
		} else {
			out[n++] = *from++;
		}
	}
	out[n] = '\0';
}

void fs_trashed_name(struct fs_trashed *kept, const char *key)
{
	char size[20] = "";

	if (kept->is_measured)
		(void)snprintf(size, sizeof(size), "%llx", (unsigned long long)kept->size);
	(void)snprintf(kept->id, sizeof(kept->id), "%.16s-%016llx", key,
		(unsigned long long)kept->time_ns);
	int n = snprintf(kept->where, sizeof(kept->where), "%.16s/%016llx-%c-%s-", key,
		(unsigned long long)kept->time_ns, kept->is_deleted ? 'd' : 'r', size);
	write_user(kept->where, (size_t)n, kept->user);
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
