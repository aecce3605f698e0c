/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ui_trash - the page of what was deleted and replaced, each with a button to restore it
 * and one to remove it for good.
 *
 * Pure, and without a script: the buttons are those of one form. Written in pieces, as
 * ui_page.h.
 */

#include "base/buf.h"
#include "service/drive/ui/ui_page.h"

/* As UI_PAGE_CSP, with a form and without a script. */
#define UI_TRASH_CSP                                                                 \
	"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " \
	"base-uri 'none'; frame-ancestors 'none'"

struct ui_trash {
	struct span site, user, version; /* as in struct ui_page */
	uint64_t keep_sec;               /* for how long things are kept */
	size_t n_all, n_shown;
	uint64_t n_bytes;
};

struct ui_trash_row {
	struct span id, path, user;
	int64_t time_ns;
	bool is_deleted, is_dir, has_size;
	uint64_t size_bytes;
};

void ui_trash_begin(struct buf *out, const struct ui_trash *page);
void ui_trash_row(struct buf *out, const struct ui_trash_row *row);
void ui_trash_end(struct buf *out, const struct ui_trash *page);
