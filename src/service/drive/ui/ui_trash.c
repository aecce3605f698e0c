/* SPDX-License-Identifier: MIT */

#include "service/drive/ui/ui_trash.h"

#include "base/date.h"
#include "base/escape.h"
#include "base/util.h"
#include "service/drive/ui/ui_text.h"

void ui_trash_begin(struct buf *out, const struct ui_trash *page)
{
	ui_page_head(out, SPAN("Trash"), false);
	buf_put_span(out, SPAN("<body class=\"trash\">\n<header>\n<div>\n"
			       "<nav aria-label=\"Folders above\"><ol><li><a href=\"/\">"));
	escape_markup(out, page->site);
	buf_put_span(out, SPAN("</a></li></ol></nav>\n<h1>Trash</h1>\n</div>\n"));
	if (page->n_all > 0)
		buf_put_span(out,
			SPAN("<details><summary>Empty the trash</summary>"
			     "<form method=\"post\"><button name=\"empty\" value=\"all\" "
			     "class=\"danger\">Remove everything for good</button></form>"
			     "</details>\n"));
	buf_put_span(out, SPAN("</header>\n<main>\n<form method=\"post\">\n"));
	if (page->n_all > 0)
		buf_put_span(
			out, SPAN("<table>\n<thead><tr><th scope=\"col\">Name</th>"
				  "<th scope=\"col\">Size</th><th scope=\"col\">When"
				  "</th><th scope=\"col\"></th></tr></thead>\n<tbody>\n"));
}

/* The last name is what one looks for; where it was comes after. */
static void put_name(struct buf *out, const struct ui_trash_row *row)
{
	size_t from = row->path.n;

	while (from > 0 && row->path.p[from - 1] != '/')
		from--;
	struct span name = span_from(row->path, from);
	buf_put_span(out, SPAN("<tr><td><a class=\""));
	buf_put_span(out, row->is_dir ? SPAN("dir\" title=\"/") : ui_text_kind(name));
	if (!row->is_dir) {
		buf_put_span(out, SPAN("\" href=\"./"));
		buf_put_span(out, row->id);
		buf_put_span(out, SPAN("%20"));
		escape_path(out, name);
		buf_put_span(out, SPAN("\" title=\"/"));
	}
	escape_markup(out, row->path);
	buf_put_span(out, SPAN("\">"));
	escape_markup(out, name);
	if (from > 0) {
		buf_put_span(out, SPAN(" <small>in /"));
		escape_markup(out, span_of(row->path.p, from - 1));
		buf_put_span(out, SPAN("</small>"));
	}
	buf_put_span(out, SPAN("</a></td><td>"));
}

static void put_button(
	struct buf *out, struct span action, struct span id, struct span label)
{
	buf_put_span(out, SPAN("<button name=\""));
	buf_put_span(out, action);
	buf_put_span(out, SPAN("\" value=\""));
	buf_put_span(out, id);
	buf_put_span(out, SPAN("\">"));
	buf_put_span(out, label);
	buf_put_span(out, SPAN("</button>"));
}

void ui_trash_row(struct buf *out, const struct ui_trash_row *row)
{
	put_name(out, row);
	if (row->has_size)
		ui_text_size(out, row->size_bytes);
	buf_put_span(out, row->is_deleted ? SPAN("</td><td>Deleted <time datetime=\"")
					  : SPAN("</td><td>Replaced <time datetime=\""));
	date_put_iso(out, row->time_ns / (int64_t)NS_PER_SEC);
	buf_put_span(out, SPAN("\">"));
	ui_text_date(out, row->time_ns / (int64_t)NS_PER_SEC);
	buf_put_span(out, SPAN("</time>"));
	if (row->user.n > 0) {
		buf_put_span(out, SPAN(" by "));
		escape_markup(out, row->user);
	}
	buf_put_span(out, SPAN("</td><td>"));
	put_button(out, SPAN("restore"), row->id, SPAN("Restore"));
	put_button(out, SPAN("purge"), row->id, SPAN("Remove for good"));
	buf_put_span(out, SPAN("</td></tr>\n"));
}

static void put_duration(struct buf *out, uint64_t sec)
{
	static const struct {
		uint64_t sec;
		const char *one, *many;
	} units[] = {{86400, " day", " days"}, {3600, " hour", " hours"},
		{60, " minute", " minutes"}, {1, " second", " seconds"}};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && sec < units[i].sec)
		i++;
	buf_put_u64(out, sec / units[i].sec);
	buf_put_str(out, sec / units[i].sec == 1 ? units[i].one : units[i].many);
}

void ui_trash_end(struct buf *out, const struct ui_trash *page)
{
	if (page->n_all > 0) {
		buf_put_span(out, SPAN("</tbody>\n</table>\n<p id=\"sums\">"));
		if (page->n_shown < page->n_all) {
			buf_put_span(out, SPAN("The newest "));
			buf_put_u64(out, page->n_shown);
			buf_put_span(out, SPAN(" of "));
		}
		buf_put_u64(out, page->n_all);
		buf_put_span(out, page->n_all == 1 ? SPAN(" entry, ") : SPAN(" entries, "));
		ui_text_size(out, page->n_bytes);
		buf_put_span(out, SPAN(", kept for "));
	} else {
		buf_put_span(out,
			SPAN("<p id=\"empty\">Nothing here. What is deleted or replaced is kept for "));
	}
	put_duration(out, page->keep_sec);
	buf_put_span(out, SPAN(".</p>\n</form>\n</main>\n<footer>"));
	ui_page_foot(out, page->user, page->version);
}
