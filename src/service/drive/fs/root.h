/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * root - a folder that is served, and the one way from a path to what it names.
 *
 * The kernel resolves every path, under the root's descriptor, and may not
 * leave it. Most paths hold no symbolic link and cost one openat2. One that
 * does is opened again with links allowed, and then asked where it arrived:
 * a link into .prefork/ must not open it. A process makes one fs_root and may
 * keep it over fork; nothing in it changes after fs_root_open but *names.
 */

#include "service/drive/fs/path.h"
#include "service/drive/fs/result.h"
#include "service/drive/fs/watch.h"

#include <stdbool.h>
#include <stdint.h>

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

struct fs_root {
	int fd;              /* owned; the folder */
	int private;         /* owned; .prefork/, or -1 */
	int tmp;             /* owned; .prefork/tmp/, or -1 when nothing may be written */
	int locks;           /* owned; .prefork/locks/, or -1 when nothing may be written */
	struct latch *names; /* owned; guard.h; NULL when nothing may be written */
	int notes;           /* owned; .prefork/notes/, or -1 when nothing may be written */
	int trash;           /* owned; .prefork/trash/, or -1 where nothing is kept */
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

/* The directory something is to change in, and its name there. */
struct fs_place {
	int dir;          /* owned; O_PATH */
	uint64_t inode;   /* of the directory */
	bool elsewhere;   /* on another mount than the root */
	const char *path; /* borrowed */
	const char *name; /* borrowed: the end of @path */
};

#define FS_PLACE_NONE ((struct fs_place){.dir = -1})
#define AUTO_PLACE    [[gnu::cleanup(fs_place_close)]] struct fs_place

/**
 * fs_place_open - find where the last name of @path is, or would be.
 *
 * FS_OK, with @out to be closed and @path kept while it is used. FS_READ_ONLY
 * where nothing may be written; FS_FORBIDDEN for the root itself and for hidden
 * names; FS_NO_PARENT.
 */
[[nodiscard]] enum fs_result fs_place_open(
	struct fs_place *out, const struct fs_root *root, const char *path);

void fs_place_close(struct fs_place *place);

/**
 * fs_place_overlap - whether two places are one, or one lies in the other.
 *
 * As the kernel names them, so that no link on the way hides it. FS_OK if
 * neither; FS_SAME; FS_INSIDE_ITSELF; or why it cannot be known.
 */
[[nodiscard]] enum fs_result fs_place_overlap(
	const struct fs_place *a, const struct fs_place *b);

/* The same for an open file or directory and a place. */
[[nodiscard]] enum fs_result fs_place_overlaps_fd(const struct fs_place *place, int fd);

/* Makes the change of a name in @place survive a power cut, if the root promises that. */
[[nodiscard]] enum fs_result fs_place_sync(
	const struct fs_root *root, const struct fs_place *place);
