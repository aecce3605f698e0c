/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * root - a folder that is served, and the one way from a path to what it names.
 *
 * The kernel resolves every path, under the root's descriptor, and may not
 * leave it. Most paths hold no symbolic link and cost one openat2. One that
 * does is opened again with links allowed, and then asked where it arrived:
 * a link into .prefork/ must not open it. A process makes one fs_root and may
 * keep it over fork; nothing in it changes after fs_root_open but *names, *kept and *releases.
 */

#include "service/drive/fs/path.h"
#include "service/drive/fs/result.h"
#include "service/drive/fs/watch.h"

#include <stdbool.h>
#include <stdint.h>

struct fs_releases;
struct latch;
struct reason;

struct fs_options {
	bool read_only;   /* write nothing, whatever the disk would allow */
	bool rename_only; /* durability = rename: never wait for the disk */
	bool plain;       /* use only what every file system has (tests; a way out) */
	bool trash;       /* what is deleted or replaced waits in .prefork/trash/ */
	_Atomic uint64_t *kept_bytes; /* counts up by what goes there; may be NULL */
	/* go_on is asked while work is done that nobody asked for, and may not end it;
	 * failed is told what should have been kept in the trash and goes for good. */
	struct fs_watch watch;
};

/* What the folder was found able to do. See fs/probe.h. */
struct fs_abilities {
	bool writable;
	bool attributes;   /* user. xattrs */
	bool unnamed;      /* O_TMPFILE, and linking one through /proc */
	bool reflink;      /* FICLONE */
	bool splice;       /* splice(2) into a file */
	bool noreplace;    /* RENAME_NOREPLACE */
	bool exchange;     /* RENAME_EXCHANGE */
	bool coarse_clock; /* file times hold no fractions of a second */
	bool case_blind;   /* names that differ in case alone are one at the root */
	bool shadowed;     /* an entry "~" stands at the root, which nobody will see */
};

/* The folder of the last fs_place, for the next one in it: see place.h. */
struct fs_kept {
	int dir;       /* owned; -1 while a place has it, and where nobody gave one back */
	uint64_t turn; /* counts the folders there were */
	uint64_t inode;
	int64_t resolved_ns; /* by the clock of file times */
	char path[FS_PATH_MAX];
};

struct fs_root {
	int fd;              /* owned; the folder */
	int private;         /* owned; .prefork/, or -1 */
	int tmp;             /* owned; .prefork/tmp/, or -1 when nothing may be written */
	int locks;           /* owned; .prefork/locks/, or -1 when nothing may be written */
	struct latch *names; /* owned; guard.h; NULL when nothing may be written */
	int notes;           /* owned; .prefork/notes/, or -1 when nothing may be written */
	struct fs_kept *kept; /* owned; NULL when nothing may be written */
	struct fs_releases
		*releases; /* owned; release.h; NULL when nothing may be written */
	int trash;         /* owned; .prefork/trash/, or -1 where nothing is kept */
	_Atomic uint64_t *kept_bytes; /* borrowed; may be NULL */
	struct fs_watch watch;        /* as the options have it */
	uint64_t mount, dev; /* of the folder; temporaries on others live elsewhere */
	uint64_t private_inode;
	bool durable; /* fsync before success is reported */
	struct fs_abilities can;
};

#define FS_ROOT_NONE                \
	((struct fs_root){.fd = -1, \
		.private = -1,      \
		.tmp = -1,          \
		.locks = -1,        \
		.notes = -1,        \
		.trash = -1})

/**
 * fs_root_open - open the folder @dir for serving, and find out what it can do.
 *
 * Makes .prefork/ in it, mode 0700; a folder where that is refused is served
 * read-only, which out->can.writable says. Returns 0 and fills @out, to be
 * ended with fs_root_close; or -errno with @reason, and nothing made.
 */
[[nodiscard]] int fs_root_open(struct fs_root *out, const char *dir,
	const struct fs_options *options, struct reason *reason);

void fs_root_close(struct fs_root *root);

/* How work that nobody asked for is followed. */
static inline struct fs_watch fs_root_own_watch(const struct fs_root *root)
{
	return (struct fs_watch){.go_on = root->watch.go_on, .ctx = root->watch.ctx};
}

/* FS_OK for a path that may be asked for at all; FS_NOT_FOUND for a hidden one, FS_TOO_LONG. */
[[nodiscard]] enum fs_result fs_resolve_check(const struct fs_root *root, const char *path);

/**
 * fs_resolve - open what @path names, with openat2's @flags.
 *
 * FS_OK with *@fd the caller's. *@by_link (may be NULL) says whether there was a
 * symbolic link on the way. Never opens anything hidden or outside. Takes what
 * it opens as it is: a device, a FIFO - the caller looks, and says O_NONBLOCK.
 */
[[nodiscard]] enum fs_result fs_resolve(
	const struct fs_root *root, const char *path, int flags, int *fd, bool *by_link);

/**
 * fs_resolve_name - the path of @path by which there is no link on the way.
 *
 * A directory that is reached by links is named by where it stands; anything
 * else, there or not, by its own name in the directory so named. FS_OK with
 * @out, which holds FS_PATH_MAX; FS_NOT_FOUND where that directory is not there.
 */
[[nodiscard]] enum fs_result fs_resolve_name(
	const struct fs_root *root, const char *path, char *out);
