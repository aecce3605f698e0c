/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * scrub - whether the files of a folder still hold what was put there.
 *
 * Reads them from the disk again, past the memory of the kernel where it lets
 * us, and compares with the digests that are kept with them. It asks for no
 * lock, so drives may serve the folder meanwhile: what is written while it is
 * read is said to be.
 */

#include "service/drive/fs/walk.h"

struct checksum_ways;

enum scrub_finding {
	SCRUB_FINE,    /* as when it was put there */
	SCRUB_MISSING, /* nothing is kept with it, so it was not read */
	SCRUB_ADDED,   /* nothing was; now there is a SHA-256 */
	SCRUB_TOUCHED, /* its inode or time is another, its contents are the same */
	SCRUB_CHANGED, /* another program has written it */
	SCRUB_ADOPTED, /* one of these two was so; now it is kept as it is */
	SCRUB_WRITTEN, /* somebody writes it right now */
	SCRUB_ROT,     /* nobody says to have written it, and its contents are others */
	SCRUB_TROUBLE, /* it cannot be read, or what was found not be kept: `why` */
	SCRUB_N_FINDINGS,
};

struct scrub_options {
	bool add;   /* compute and keep what is missing */
	bool adopt; /* keep what another program wrote as it is now */
};

struct scrub {
	const struct fs_root *root;
	const struct checksum_ways *ways;
	struct scrub_options options;
	char *block; /* SCRUB_BLOCK_BYTES, page-aligned */

	/* For every file, and every folder there is trouble with. */
	void (*found)(void *ctx, const char *path, enum scrub_finding finding,
		enum fs_result why);
	/* Every time a piece has been read. */
	void (*read)(void *ctx, size_t n_bytes);
	void *ctx;
};

#define SCRUB_BLOCK_BYTES (1u * 1024u * 1024u)

/* Goes through the whole folder. FS_OK, whatever was found; or why it cannot be gone
 * through. */
[[nodiscard]] enum fs_result scrub_run(const struct scrub *scrub);
