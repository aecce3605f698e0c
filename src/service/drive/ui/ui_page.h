/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ui_page - the HTML a browser sees: a folder, or an error in the same clothes.
 *
 * Pure. A folder is written in pieces: begin, a row for each entry in the order
 * wanted, end; the buffer may be sent and cleared at any point between. The page
 * works without JavaScript; web/drive.js builds on what is named in data-*.
 */

#include "base/buf.h"
#include "service/drive/ui/ui_entry.h"
#include "service/drive/ui/ui_sort.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UI_PAGE_TYPE "text/html; charset=utf-8"

/* The Content-Security-Policy these pages are made for: nothing inline, nothing foreign. */
#define UI_PAGE_CSP                                                                 \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " \
	"connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

struct ui_page {
	struct span path;    /* of the folder, decoded, from '/' to '/' */
	struct span site;    /* what the root is called: "Files" */
	struct span user;    /* who is signed in; SPAN_NONE if nobody */
	struct span version; /* of the program */
	bool read_only;
	bool has_trash;        /* what is deleted is kept: a link leads there */
	struct ui_order order; /* the rows come in it */
	size_t unsorted_past;  /* or not, since there are more than so many; else 0 */

	/* Counted as rows are written; start with 0. */
	size_t n_dirs, n_files;
	uint64_t n_bytes;
};

void ui_page_begin(struct buf *out, const struct ui_page *page);
void ui_page_row(struct buf *out, struct ui_page *page, const struct ui_entry *entry);
void ui_page_end(struct buf *out, const struct ui_page *page);

/**
 * ui_page_error - a whole page for @status with one sentence.
 *
 * @sentence may be SPAN_NONE: then what is usually meant by the status, where
 * there is something to say. A 401 does not name the @site.
 */
void ui_page_error(
	struct buf *out, struct span site, unsigned status, struct span sentence);

/* What all pages begin and end with: up to </head>, and from the rest of the footer on. */
void ui_page_head(struct buf *out, struct span title, bool with_script);
void ui_page_foot(struct buf *out, struct span user, struct span version);
