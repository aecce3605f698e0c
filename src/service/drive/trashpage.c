/* SPDX-License-Identifier: MIT */

#include "service/drive/trashpage.h"

#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/trash_walk.h"
#include "service/drive/request.h"
#include "service/drive/trashfind.h"
#include "service/drive/ui/ui_trash.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MOST   1000u      /* on one page; WebDAV and the command show all */
#define PIECE_BYTES (32 * KIB) /* of the page, written at a time */
#define TURN_MOST   256u       /* versions looked at in a turn */

struct trashpage {
	struct ui_trash page;
	struct fs_trash_walk *walk; /* owned; NULL: all is gathered */
	bool is_begun;
	/* The newest of what was seen, and others; gathered, newest first. Each owns the
	 * memory that its id begins. */
	struct ui_trash_row rows[2 * ROWS_MOST];
	size_t n, at;
	int64_t least_ns; /* what is older is on no page */
};

static void drop_rows(struct trashpage *p, size_t n)
{
	while (p->n > n)
		free((char *)p->rows[--p->n].id.p);
}

static void end_walk(struct trashpage *p)
{
	if (p->walk)
		fs_trash_walk_close(p->walk);
	free(p->walk);
	p->walk = NULL;
}

static void trashpage_fini(void *task)
{
	struct trashpage *p = task;

	end_walk(p);
	drop_rows(p, 0);
}

static int newest_first(const void *a, const void *b)
{
	const struct ui_trash_row *x = a, *y = b;

	return (x->time_ns < y->time_ns) - (x->time_ns > y->time_ns);
}

/* Leaves the newest, in their order. */
static void choose(struct trashpage *p)
{
	qsort(p->rows, p->n, sizeof(p->rows[0]), newest_first);
	drop_rows(p, ROWS_MOST);
	if (p->n == ROWS_MOST)
		p->least_ns = p->rows[ROWS_MOST - 1].time_ns;
}

static struct span copy(char **to, const char *text)
{
	struct span copied = span_of(*to, strlen(text));

	memcpy(*to, text, copied.n);
	*to += copied.n;
	return copied;
}

/* False without memory. */
static bool add(struct trashpage *p, const struct fs_root *root,
	const struct fs_trashed *kept, const char *path)
{
	struct fs_info info;

	p->page.n_all++;
	p->page.n_bytes += kept->size;
	if (kept->time_ns < p->least_ns
		|| fs_stat_at(root, root->trash, kept->where, &info) != FS_OK)
		return true; /* old, or gone by now */
	if (p->n == 2 * ROWS_MOST)
		choose(p);
	char *to = malloc(strlen(kept->id) + strlen(path) + strlen(kept->user) + 1);
	if (!to)
		return false;
	struct ui_trash_row *row = &p->rows[p->n++];
	*row = (struct ui_trash_row){
		.time_ns = kept->time_ns,
		.is_deleted = kept->is_deleted,
		.is_dir = info.type == FS_DIRECTORY,
		.has_size = kept->is_measured,
		.size_bytes = kept->size,
	};
	row->id = copy(&to, kept->id);
	row->path = copy(&to, path);
	row->user = copy(&to, kept->user);
	return true;
}

/* Looks at some more. FS_CANCELLED where there are others; FS_OK when all are gathered. */
static enum fs_result gather(struct trashpage *p, const struct fs_root *root)
{
	struct fs_trashed kept;

	for (unsigned i = 0; i < TURN_MOST; i++) {
		enum fs_result result = fs_trash_walk_next(p->walk, &kept);
		if (result != FS_OK)
			return result == FS_END ? FS_OK : result;
		if (!add(p, root, &kept, p->walk->path))
			return FS_NO_MEMORY;
	}
	return FS_CANCELLED;
}

static enum task_more trashpage_more(struct request *r)
{
	struct trashpage *p = r->task;
	struct buf *out = &r->answer.out;

	if (!p->is_begun)
		ui_trash_begin(out, &p->page);
	p->is_begun = true;
	while (p->at < p->n) {
		ui_trash_row(out, &p->rows[p->at++]);
		if (out->n > PIECE_BYTES)
			return TASK_MORE;
	}
	ui_trash_end(out, &p->page);
	return TASK_LAST;
}

static void trashpage_go(struct request *r)
{
	static const struct task_ops ops = {
		.end = trashpage_go, .more = trashpage_more, .fini = trashpage_fini};
	struct trashpage *p = r->task;

	enum fs_result result = gather(p, &r->drive->root);
	if (result == FS_CANCELLED)
		return request_yield(r, &ops);
	r->task_ops = &ops;
	end_walk(p);
	if (result != FS_OK)
		return answer_result(r, result);
	choose(p);
	p->page.n_shown = p->n;
	answer_begin_page(r, SPAN(UI_TRASH_CSP), SPAN("no-store"));
	answer_stream(r, &ops, ANSWER_UNKNOWN);
}

void trashpage_begin(struct request *r)
{
	struct trashpage *p = request_task(r, sizeof(*p));
	if (!p)
		return;
	p->page = (struct ui_trash){
		.site = r->drive->site,
		.user = r->user[0] ? span_str(r->user) : SPAN_NONE,
		.version = SPAN(PREFORK_VERSION),
		.keep_sec = r->drive->trash.keep_ns / NS_PER_SEC,
	};
	struct fs_trash_walk *walk = malloc(sizeof(*walk));
	enum fs_result result =
		walk ? fs_trash_walk_open(walk, &r->drive->root) : FS_NO_MEMORY;
	if (result != FS_OK) {
		free(walk);
		return answer_result(r, result);
	}
	p->walk = walk;
	trashpage_go(r);
}
