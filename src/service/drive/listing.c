/* SPDX-License-Identifier: MIT */

#include "service/drive/listing.h"

#include "base/arena.h"
#include "base/date.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/list.h"
#include "service/drive/request.h"
#include "service/drive/ui/ui_page.h"

#include <stdlib.h>

#define NAMES_MOST  (4 * MIB)  /* of gathered entries' names */
#define PIECE_BYTES (32 * KIB) /* of the page, written at a time */

struct listing {
	struct ui_page page;
	bool is_begun;
	/* Gathered and sorted; or NULL, and the rest comes straight from the list. */
	struct ui_entry *entries; /* owned */
	size_t n, at;
	struct arena names;
	struct fs_list list;        /* open all the time */
	char path[FS_PATH_MAX + 2]; /* what page.path points at: "/a/b/" */
};

static void listing_fini(void *task)
{
	struct listing *listing = task;
	free(listing->entries);
	arena_fini(&listing->names);
	fs_list_close(&listing->list);
}

static struct ui_entry entry_of(const struct fs_entry *from, struct span name)
{
	return (struct ui_entry){
		.name = name,
		.is_dir = from->info.type == FS_DIRECTORY,
		.size_bytes = from->info.size,
		.mtime_sec = date_sec(from->info.mtime_ns),
	};
}

/* Reads all entries. FS_OK; FS_TOO_LARGE past what may be gathered; or why not. */
static enum fs_result gather(struct listing *listing)
{
	struct fs_entry entry;
	enum fs_result result;

	while ((result = fs_list_next(&listing->list, true, &entry)) == FS_OK) {
		struct span name = arena_copy(&listing->names, span_str(entry.name));
		if (listing->n == LISTING_SORTED || !name.p)
			return FS_TOO_LARGE;
		listing->entries[listing->n++] = entry_of(&entry, name);
	}
	return result == FS_END ? FS_OK : result;
}

/* Begins to read the folder, and sorts it if it is not too large. */
static enum fs_result prepare(struct request *r, struct listing *listing)
{
	enum fs_result result = fs_list_open(&listing->list, &r->drive->root, r->path);
	if (result != FS_OK)
		return result;
	listing->entries = calloc(LISTING_SORTED, sizeof(*listing->entries));
	result = listing->entries ? gather(listing) : FS_NO_MEMORY;
	if (result == FS_OK) {
		ui_sort(listing->entries, listing->n, listing->page.order);
		return FS_OK;
	}

	free(listing->entries);
	listing->entries = NULL;
	arena_fini(&listing->names);
	fs_list_close(&listing->list);
	if (result != FS_TOO_LARGE)
		return result;
	listing->page.unsorted_past = listing->n;
	return fs_list_open(&listing->list, &r->drive->root, r->path);
}

/* Puts the next row. False after the last. */
static bool put_row(struct listing *listing, struct buf *out, enum fs_result *result)
{
	struct fs_entry entry;

	if (listing->entries) {
		if (listing->at == listing->n)
			return false;
		ui_page_row(out, &listing->page, &listing->entries[listing->at++]);
		return true;
	}
	*result = fs_list_next(&listing->list, true, &entry);
	if (*result != FS_OK)
		return false;
	struct ui_entry row = entry_of(&entry, span_str(entry.name));
	ui_page_row(out, &listing->page, &row);
	return true;
}

static enum task_more listing_more(struct request *r)
{
	struct listing *listing = r->task;
	struct buf *out = &r->answer.out;
	enum fs_result result = FS_END;

	if (!listing->is_begun)
		ui_page_begin(out, &listing->page);
	listing->is_begun = true;
	while (put_row(listing, out, &result))
		if (out->n > PIECE_BYTES)
			return TASK_MORE;
	ui_page_end(out, &listing->page);
	return result == FS_END ? TASK_LAST : TASK_FAILED;
}

/* "/a/b/" */
static struct span folder_path(struct listing *listing, const char *path)
{
	size_t n = strlen(path), at = 0;

	listing->path[at++] = '/';
	memcpy(listing->path + at, path, n);
	at += n;
	if (n > 0)
		listing->path[at++] = '/';
	return span_of(listing->path, at);
}

void listing_begin(struct request *r)
{
	static const struct task_ops ops = {.more = listing_more, .fini = listing_fini};

	struct listing *listing = request_task(r, sizeof(*listing));
	if (!listing)
		return;
	listing->names = ARENA_INIT(NAMES_MOST);
	listing->page = (struct ui_page){
		.path = folder_path(listing, r->path),
		.site = r->drive->site,
		.user = r->user[0] ? span_str(r->user) : SPAN_NONE,
		.version = SPAN(PREFORK_VERSION),
		.read_only = !r->may_write,
		.has_trash = r->drive->root.trash >= 0,
		.order = ui_sort_order(r->query),
	};
	enum fs_result result = prepare(r, listing);
	if (result != FS_OK)
		return answer_result(r, result);

	answer_begin_page(r, SPAN(UI_PAGE_CSP), SPAN("no-cache"));
	answer_text(r, &ops, listing->entries ? listing->n : LISTING_SORTED);
}
