/* SPDX-License-Identifier: MIT */

/*
 * ui_sample - renders the folder page for looking at it without a server.
 *
 * Usage: ui_sample page PATH QUERY [readonly] <ENTRIES    (lines "d|f SIZE MTIME NAME")
 *        ui_sample error STATUS
 *        ui_sample asset NAME
 * Writes what a browser would get to standard output.
 */

#include "base/buf.h"
#include "base/num.h"
#include "service/drive/ui/ui_asset.h"
#include "service/drive/ui/ui_page.h"

#include <stdio.h>
#include <stdlib.h>

#define MOST_ENTRIES 100000u

/* Cuts one line apart; the name stays where it is, in @line. */
static bool read_entry(struct span line, struct ui_entry *entry)
{
	struct span kind, size, mtime;
	uint64_t sec = 0;

	if (!span_cut(&line, ' ', &kind) || !span_cut(&line, ' ', &size)
		|| !span_cut(&line, ' ', &mtime) || !num_u64(size, &entry->size_bytes)
		|| !num_u64(mtime, &sec))
		return false;
	entry->is_dir = span_eq(kind, SPAN("d"));
	entry->mtime_sec = (int64_t)sec;
	entry->name = line;
	return true;
}

static size_t read_entries(struct buf *text, struct ui_entry *entries)
{
	char piece[4096];
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
		buf_put(text, piece, n);

	struct span rest = buf_span(text), line;
	for (n = 0; n < MOST_ENTRIES && span_cut(&rest, '\n', &line);)
		n += read_entry(line, &entries[n]);
	return n;
}

static void put_page(struct buf *out, const char *path, const char *query, bool read_only)
{
	AUTO_BUF text = BUF_INIT(64 << 20);
	struct ui_entry *entries = calloc(MOST_ENTRIES, sizeof(*entries));
	struct ui_page page = {
		.path = span_str(path),
		.site = SPAN("Files"),
		.user = SPAN("wang"),
		.version = SPAN(PREFORK_VERSION),
		.read_only = read_only,
		.order = ui_sort_order(span_str(query)),
	};

	if (!entries)
		return;
	size_t n = read_entries(&text, entries);
	ui_sort(entries, n, page.order);
	ui_page_begin(out, &page);
	for (size_t i = 0; i < n; i++)
		ui_page_row(out, &page, &entries[i]);
	ui_page_end(out, &page);
	free(entries);
}

int main(int argc, char **argv)
{
	AUTO_BUF out = BUF_INIT(64 << 20);
	struct span what = span_str(argc > 2 ? argv[1] : "");

	if (span_eq(what, SPAN("page")) && argc > 3) {
		put_page(&out, argv[2], argv[3], argc > 4);
	} else if (span_eq(what, SPAN("error"))) {
		ui_page_error(&out, SPAN("Files"), (unsigned)strtoul(argv[2], NULL, 10),
			SPAN_NONE);
	} else if (span_eq(what, SPAN("asset")) && ui_asset_find(span_str(argv[2]))) {
		buf_put_span(&out, ui_asset_find(span_str(argv[2]))->bytes);
	} else {
		fprintf(stderr, "ui_sample: see the head of its source\n");
		return 2;
	}
	return fwrite(out.p, 1, out.n, stdout) == out.n ? 0 : 1;
}
