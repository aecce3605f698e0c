/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * propedit - what becomes of the properties a client sets and removes: all of it or
 * nothing, and for each a status.
 *
 * Live ones we can set are the file's time, in the ways clients name it, and
 * whether it can be executed. What Windows sets besides the time is accepted
 * and forgotten, because it gives up an upload otherwise. What we have never
 * heard of is kept as it is.
 */

#include "dav/proppatch.h"
#include "service/drive/fs/props.h"

#include <stdint.h>

struct propedit {
	const struct proppatch *patch; /* borrowed */
	size_t n_bad;
	uint16_t verdicts[PROPPATCH_MAX_OPS]; /* statuses */
};

/* Judges what can be judged without the file. */
void propedit_init(struct propedit *edit, const struct proppatch *patch);

/* For fs_props_change, with a struct propedit. FS_CANCELLED where n_bad says why. */
enum fs_result propedit_apply(void *ctx, struct fs_props_edit *out);

/* PROP_BITs of what is named. */
uint64_t propedit_named(const struct propedit *edit);

/* Appends a propstat for each. */
void propedit_put(const struct propedit *edit, struct buf *out);
