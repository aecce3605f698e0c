/* SPDX-License-Identifier: MIT */

#include "service/drive/scrub.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/checksum.h"
#include "service/drive/digests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY)

/* Leaves the time of its last reading alone, where it is ours to. */
static int open_quietly(int dir, const char *name, int flags)
{
	int fd = file_open(dir, name, OPEN_FLAGS | O_NOATIME | flags, 0);

	return fd == -EPERM ? file_open(dir, name, OPEN_FLAGS | flags, 0) : fd;
}

/* One file, as it was opened. */
struct look {
	int fd;         /* owned */
	bool is_direct; /* read past the kernel's memory: in whole blocks, or not at all */
	struct fs_info info;
	struct fs_digests kept;
	bool is_of_this; /* kept is of this version */
	struct checksum sum;
};

/* Reads the whole file: 0, or -errno; -EINVAL where it cannot be read directly. */
static int read_all(const struct scrub *scrub, struct look *look)
{
	uint64_t at = 0;
	ssize_t n;

	do {
		n = look->is_direct
			    ? file_read_once(look->fd, scrub->block, SCRUB_BLOCK_BYTES, at)
			    : file_read_at(look->fd, scrub->block, SCRUB_BLOCK_BYTES, at);
		if (n < 0)
			return (int)n;
		checksum_add(&look->sum, span_of(scrub->block, (size_t)n));
		file_forget(look->fd, at, (uint64_t)n);
		at += (uint64_t)n;
		scrub->read(scrub->ctx, (size_t)n);
	} while (n == SCRUB_BLOCK_BYTES);
	/* Fewer than there are is no rot; that it has shrunk, its version will say. */
	return look->is_direct && at < look->info.size ? -EINVAL : 0;
}

static enum fs_result keep(const struct scrub *scrub, const struct look *look)
{
	struct fs_digests digests;

	digests_pack(&look->sum.got, &digests);
	return fs_digests_write(scrub->root, look->fd, &look->info, &digests);
}

/* What there is to say of a file that has been read. */
static enum scrub_finding judge(
	const struct scrub *scrub, struct look *look, enum fs_result *why)
{
	struct fs_info after;
	bool holds = checksum_holds(&look->sum), had = look->kept.n > 0;

	*why = fs_stat_fd(scrub->root, look->fd, &after);
	if (*why != FS_OK)
		return SCRUB_TROUBLE;
	if (!fs_info_same_version(&look->info, &after))
		return SCRUB_WRITTEN;
	if (look->is_of_this)
		return holds ? SCRUB_FINE : SCRUB_ROT;
	if (had && !scrub->options.adopt)
		return holds ? SCRUB_TOUCHED : SCRUB_CHANGED;
	*why = keep(scrub, look);
	if (*why != FS_OK)
		return SCRUB_TROUBLE;
	return had ? SCRUB_ADOPTED : SCRUB_ADDED;
}

static enum scrub_finding read_and_judge(
	const struct scrub *scrub, struct look *look, enum fs_result *why)
{
	struct http_digests want;
	int err = -ENOMEM;

	digests_unpack(&look->kept, &want);
	if (checksum_init(&look->sum, scrub->ways, &want, BIT(HTTP_DIGEST_SHA256)))
		err = read_all(scrub, look);
	enum scrub_finding finding = SCRUB_TROUBLE;
	*why = fs_result_of(err);
	if (err == 0)
		finding = judge(scrub, look, why);
	checksum_fini(&look->sum);
	return finding;
}

/* @flags is O_DIRECT or 0. */
static enum scrub_finding look_with(const struct scrub *scrub,
	const struct fs_walk_entry *entry, int flags, enum fs_result *why)
{
	struct look look = {
		.fd = open_quietly(entry->dir, entry->name, flags),
		.is_direct = flags & O_DIRECT,
	};
	enum scrub_finding finding = SCRUB_TROUBLE;

	*why = fs_result_of(look.fd);
	if (*why == FS_OK)
		*why = fs_stat_fd(scrub->root, look.fd, &look.info);
	if (*why == FS_OK && look.info.type != FS_FILE)
		*why = FS_CHANGED; /* it was one a moment ago */
	if (*why == FS_OK) {
		look.is_of_this =
			fs_digests_read_any(scrub->root, look.fd, &look.info, &look.kept);
		finding = look.kept.n == 0 && !scrub->options.add
				  ? SCRUB_MISSING
				  : read_and_judge(scrub, &look, why);
	}
	fd_close(&look.fd);
	return finding;
}

static void look_at(const struct scrub *scrub, const struct fs_walk_entry *entry)
{
	enum fs_result why;

	enum scrub_finding finding = look_with(scrub, entry, O_DIRECT, &why);
	/* A file system that cannot read past the kernel's memory refuses it as it
	 * refuses a bad name. */
	if (finding == SCRUB_TROUBLE && why == FS_FORBIDDEN)
		finding = look_with(scrub, entry, 0, &why);
	if (finding == SCRUB_TROUBLE && why == FS_NOT_FOUND)
		return; /* removed meanwhile */
	scrub->found(scrub->ctx, entry->path, finding, why);
}

static void visit(const struct scrub *scrub, const struct fs_walk_entry *entry)
{
	switch (entry->event) {
	case FS_WALK_ENTRY:
		/* What a link leads to is met where it stands. */
		if (!entry->is_link && entry->info.type == FS_FILE)
			look_at(scrub, entry);
		break;
	case FS_WALK_TOO_DEEP:
		scrub->found(scrub->ctx, entry->path, SCRUB_TROUBLE, FS_TOO_DEEP);
		break;
	case FS_WALK_FAILED:
		scrub->found(scrub->ctx, entry->path, SCRUB_TROUBLE, entry->why);
		break;
	case FS_WALK_ENTER:
	case FS_WALK_LEAVE: break;
	}
}

enum fs_result scrub_run(const struct scrub *scrub)
{
	struct fs_walk_entry entry;
	struct fs_walk *walk = malloc(sizeof(*walk));
	if (!walk)
		return FS_NO_MEMORY;

	enum fs_result result = fs_walk_open(walk, scrub->root, "");
	if (result == FS_OK) {
		while ((result = fs_walk_next(walk, &entry)) == FS_OK)
			visit(scrub, &entry);
		fs_walk_close(walk);
	}
	free(walk);
	return result == FS_END ? FS_OK : result;
}
