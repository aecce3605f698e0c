/* SPDX-License-Identifier: MIT */

#include "service/drive/ui/ui_page.h"

#include "base/date.h"
#include "base/escape.h"
#include "base/util.h"
#include "http/status.h"
#include "service/drive/ui/ui_asset.h"
#include "service/drive/ui/ui_text.h"

#define NAME_MAY_BE_CUT 32u /* bytes; a longer one is also in the title, for the mouse */

/* Adjacent literals in one call would hide a missing comma, so they are listed. */
static void put_asset_link(
	struct buf *out, struct span before, struct span asset, struct span after)
{
	buf_put_span(out, before);
	ui_asset_put_url(out, asset);
	buf_put_span(out, after);
}

void ui_page_head(struct buf *out, struct span title, bool with_script)
{
	buf_put_span(out,
		SPAN("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width\">\n"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n"
		     "<meta name=\"referrer\" content=\"same-origin\">\n<title>"));
	escape_markup(out, title);
	buf_put_span(out, SPAN("</title>\n"));
	put_asset_link(out, SPAN("<link rel=\"icon\" type=\"image/svg+xml\" href=\""),
		SPAN("favicon.svg"), SPAN("\">\n"));
	put_asset_link(out, SPAN("<link rel=\"stylesheet\" href=\""), SPAN("drive.css"),
		SPAN("\">\n"));
	if (with_script)
		put_asset_link(out, SPAN("<script type=\"module\" src=\""),
			SPAN("drive.js"), SPAN("\"></script>\n"));
	buf_put_span(out, SPAN("</head>\n"));
}

/* The last part of a path that ends in '/'; empty for the root. */
static struct span last_part(struct span path)
{
	size_t end = path.n ? path.n - 1 : 0, start = end;

	while (start && path.p[start - 1] != '/')
		start--;
	return span_of(path.p + start, end - start);
}

static void put_crumb(struct buf *out, struct span path, struct span name)
{
	buf_put_span(out, SPAN("<li><a href=\""));
	escape_path(out, path);
	buf_put_span(out, SPAN("\">"));
	escape_markup(out, name);
	buf_put_span(out, SPAN("</a></li>"));
}

/* The folders above this one, and its own name as the heading. */
static void put_place(struct buf *out, const struct ui_page *page, struct span name)
{
	buf_put_span(out, SPAN("<nav aria-label=\"Folders above\"><ol>"));
	for (size_t i = 0; i + 1 < page->path.n; i++) {
		struct span above = span_of(page->path.p, i + 1);

		if (page->path.p[i] == '/')
			put_crumb(out, above, i ? last_part(above) : page->site);
	}
	buf_put_span(out, SPAN("</ol></nav>\n<h1>"));
	escape_markup(out, name);
	buf_put_span(out, SPAN("</h1>\n"));
}

/* A column's heading is a link that sorts by it, or turns its order round. */
static void put_column(struct buf *out, const struct ui_page *page, enum ui_sort_key key,
	struct span heading)
{
	struct ui_order now = page->order;
	bool is_now = now.key == key && !page->unsorted_past;

	buf_put_span(out, SPAN("<th scope=\"col\""));
	if (is_now)
		buf_put_span(out, now.descending ? SPAN(" aria-sort=\"descending\"")
						 : SPAN(" aria-sort=\"ascending\""));
	buf_put_span(out, SPAN("><a href=\"?sort="));
	buf_put_span(out, ui_sort_key_name(key));
	buf_put_span(out, is_now && !now.descending ? SPAN("&amp;order=desc\">")
						    : SPAN("&amp;order=asc\">"));
	buf_put_span(out, heading);
	buf_put_span(out, SPAN("</a></th>"));
}

static void put_unsorted(struct buf *out, size_t most)
{
	buf_put_span(out, SPAN("<p id=\"unsorted\">There are more than "));
	ui_text_number(out, most);
	buf_put_span(out,
		SPAN(" files and folders here, too many to sort: they come as they lie on the disk.</p>\n"));
}

void ui_page_begin(struct buf *out, const struct ui_page *page)
{
	struct span name = last_part(page->path);

	if (!name.n)
		name = page->site;
	ui_page_head(out, name, true);
	buf_put_span(
		out, page->read_only ? SPAN("<body>\n") : SPAN("<body data-writable>\n"));
	buf_put_span(out, SPAN("<header>\n<div>\n"));
	put_place(out, page, name);
	buf_put_span(out, SPAN("</div>\n<div id=\"tools\"></div>\n</header>\n<main>\n"));
	if (page->unsorted_past)
		put_unsorted(out, page->unsorted_past);
	buf_put_span(out, SPAN("<table>\n<thead><tr>"));
	put_column(out, page, UI_SORT_NAME, SPAN("Name"));
	put_column(out, page, UI_SORT_SIZE, SPAN("Size"));
	put_column(out, page, UI_SORT_DATE, SPAN("Changed"));
	buf_put_span(out, SPAN("</tr></thead>\n<tbody>\n"));
}

static void put_size_cell(struct buf *out, const struct ui_entry *entry)
{
	if (entry->is_dir) {
		buf_put_span(out, SPAN("<td></td>"));
		return;
	}
	buf_put_span(out, SPAN("<td data-n=\""));
	buf_put_u64(out, entry->size_bytes);
	buf_put_span(out, SPAN("\" title=\""));
	ui_text_bytes(out, entry->size_bytes);
	buf_put_span(out, SPAN("\">"));
	ui_text_size(out, entry->size_bytes);
	buf_put_span(out, SPAN("</td>"));
}

void ui_page_row(struct buf *out, struct ui_page *page, const struct ui_entry *entry)
{
	if (entry->is_dir) {
		page->n_dirs++;
	} else {
		page->n_files++;
		page->n_bytes += entry->size_bytes;
	}

	buf_put_span(out, SPAN("<tr><td><a class=\""));
	buf_put_span(out, entry->is_dir ? SPAN("dir") : ui_text_kind(entry->name));
	/* "./", or a name with a colon would be a URL of another scheme. */
	buf_put_span(out, SPAN("\" href=\"./"));
	escape_path(out, entry->name);
	buf_put_span(out, entry->is_dir ? SPAN("/\"") : SPAN("\""));
	if (entry->name.n > NAME_MAY_BE_CUT) {
		buf_put_span(out, SPAN(" title=\""));
		escape_markup(out, entry->name);
		buf_put_byte(out, '"');
	}
	buf_put_byte(out, '>');
	escape_markup(out, entry->name);
	buf_put_span(out, SPAN("</a></td>"));
	put_size_cell(out, entry);
	buf_put_span(out, SPAN("<td><time datetime=\""));
	date_put_iso(out, entry->mtime_sec);
	buf_put_span(out, SPAN("\">"));
	ui_text_date(out, entry->mtime_sec);
	buf_put_span(out, SPAN("</time></td></tr>\n"));
}

static void put_count(struct buf *out, size_t n, struct span one, struct span many)
{
	buf_put_u64(out, n);
	buf_put_byte(out, ' ');
	buf_put_span(out, n == 1 ? one : many);
}

static void put_sums(struct buf *out, const struct ui_page *page)
{
	if (page->n_dirs)
		put_count(out, page->n_dirs, SPAN("folder"), SPAN("folders"));
	if (page->n_dirs && page->n_files)
		buf_put_span(out, SPAN(", "));
	if (page->n_files) {
		put_count(out, page->n_files, SPAN("file"), SPAN("files"));
		buf_put_span(out, SPAN(", <span title=\""));
		ui_text_bytes(out, page->n_bytes);
		buf_put_span(out, SPAN("\">"));
		ui_text_size(out, page->n_bytes);
		buf_put_span(out, SPAN("</span>"));
	}
}

void ui_page_end(struct buf *out, const struct ui_page *page)
{
	buf_put_span(out, SPAN("</tbody>\n</table>\n"));
	if (page->n_dirs || page->n_files) {
		buf_put_span(out, SPAN("<p id=\"sums\">"));
		put_sums(out, page);
		buf_put_span(out, SPAN("</p>\n"));
	} else {
		buf_put_span(out, SPAN("<p id=\"empty\">This folder is empty.</p>\n"));
	}
	if (page->read_only || !page->has_trash)
		buf_put_span(out, SPAN("</main>\n<footer>"));
	else
		buf_put_span(out,
			SPAN("</main>\n<footer><span><a href=\"/~/trash/\">Trash</a></span>"));
	if (page->read_only)
		buf_put_span(out, SPAN("<span>Read only</span>"));
	ui_page_foot(out, page->user, page->version);
}

void ui_page_foot(struct buf *out, struct span user, struct span version)
{
	if (user.p) {
		buf_put_span(out, SPAN("<span>Signed in as "));
		escape_markup(out, user);
		buf_put_span(out, SPAN("</span>"));
	}
	buf_put_span(out, SPAN("<span>Prefork "));
	escape_markup(out, version);
	buf_put_span(out, SPAN("</span></footer>\n</body>\n</html>\n"));
}

static struct span usual_sentence(unsigned status)
{
	static const struct {
		unsigned status;
		struct span sentence;
	} usual[] = {
		{400, SPAN("The request was not understood.")},
		{401, SPAN("Sign in with your name and password to see this.")},
		{403, SPAN("You may not see this.")},
		{404, SPAN("There is nothing at this address. It may have been moved or deleted.")},
		{405, SPAN("That cannot be done here.")},
		{413, SPAN("That is larger than this server takes.")},
		{423, SPAN("Someone else has locked this.")},
		{429, SPAN("Too many requests came from your address. Wait a moment.")},
		{503, SPAN("The server is busy. Try again in a moment.")},
		{507, SPAN("The drive is full.")},
	};

	for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
		if (usual[i].status == status)
			return usual[i].sentence;
	}
	return SPAN("This cannot be shown.");
}

/* One of the drive's own sentences, which begin small and end bare, as prose. */
static void put_sentence(struct buf *out, struct span sentence)
{
	char first = sentence.p[0];

	if (first >= 'a' && first <= 'z')
		first = (char)(first - 'a' + 'A');
	escape_markup(out, span_of(&first, 1));
	escape_markup(out, span_from(sentence, 1));
	if (sentence.p[sentence.n - 1] != '.')
		buf_put_byte(out, '.');
}

void ui_page_error(struct buf *out, struct span site, unsigned status, struct span sentence)
{
	struct span phrase = http_status_phrase(status);

	ui_page_head(out, phrase, false);
	buf_put_span(out, SPAN("<body>\n<main class=\"error\">\n<h1>"));
	escape_markup(out, phrase);
	buf_put_span(out, SPAN("</h1>\n<p>"));
	put_sentence(out, sentence.n ? sentence : usual_sentence(status));
	buf_put_span(out, SPAN("</p>\n<p><a href=\"/\">"));
	if (status == 401) { /* what the folder is called is not for strangers */
		buf_put_span(out, SPAN("Sign in"));
	} else {
		buf_put_span(out, SPAN("Go to "));
		escape_markup(out, site);
	}
	buf_put_span(out, SPAN("</a> <span>"));
	buf_put_u64(out, status);
	buf_put_span(out, SPAN("</span></p>\n</main>\n</body>\n</html>\n"));
}
