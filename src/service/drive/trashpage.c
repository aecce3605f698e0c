/* SPDX-License-Identifier: MIT */

#include "service/drive/trashpage.h"

#include "core/worker.h"
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

struct trashpage {
	struct ui_trash page;
	bool is_begun;
	struct ui_trash_row rows[ROWS_MOST]; /* newest first */
	char *texts[ROWS_MOST];              /* owned: what they borrow */
	size_t n, at;
};

static void trashpage_fini(void *task)
{
	struct trashpage *p = task;

	for (size_t i = 0; i < p->n; i++)
		free(p->texts[i]);
	p->n = 0;
}

static struct span copy(char **to, const char *text)
{
	struct span copied = span_of(*to, strlen(text));

	memcpy(*to, text, copied.n);
	*to += copied.n;
	return copied;
}

/* Puts it among the newest, if it is one of them. False without memory. */
static bool add(
	struct trashpage *p, const struct fs_trashed *kept, const char *path, bool is_dir)
{
	size_t at = p->n;

	while (at > 0 && p->rows[at - 1].time_ns < kept->time_ns)
		at--;
	p->page.n_all++;
	p->page.n_bytes += kept->size;
	if (at == ROWS_MOST)
		return true;
	char *text = malloc(strlen(kept->id) + strlen(path) + strlen(kept->user) + 1);
	char *to = text;
	if (!text)
		return false;
	struct ui_trash_row row = {
		.id = copy(&to, kept->id),
		.path = copy(&to, path),
		.user = copy(&to, kept->user),
		.time_ns = kept->time_ns,
		.is_deleted = kept->is_deleted,
		.is_dir = is_dir,
		.has_size = kept->is_measured,
		.size_bytes = kept->size,
	};
	if (p->n == ROWS_MOST)
		free(p->texts[--p->n]); /* the oldest gives way */
	memmove(&p->rows[at + 1], &p->rows[at], (p->n - at) * sizeof(row));
	memmove(&p->texts[at + 1], &p->texts[at], (p->n - at) * sizeof(text));
	p->rows[at] = row;
	p->texts[at] = text;
	p->n++;
	return true;
}

static enum fs_result gather(struct request *r, struct trashpage *p)
{
	const struct fs_root *root = &r->drive->root;
	struct fs_trashed kept;
	struct fs_info info;
	struct fs_trash_walk *walk = malloc(sizeof(*walk));
	if (!walk)
		return FS_NO_MEMORY;

	enum fs_result result = fs_trash_walk_open(walk, root);
	if (result != FS_OK) {
		free(walk);
		return result;
	}
	while ((result = fs_trash_walk_next(walk, &kept)) == FS_OK) {
		worker_progress(r->conn->worker);
		if (fs_stat_at(root, root->trash, kept.where, &info) != FS_OK)
			continue; /* gone by now */
		if (!add(p, &kept, walk->path, info.type == FS_DIRECTORY)) {
			result = FS_NO_MEMORY;
			break;
		}
	}
	fs_trash_walk_close(walk);
	free(walk);
	return result == FS_END ? FS_OK : result;
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

void trashpage_begin(struct request *r)
{
	static const struct task_ops ops = {.more = trashpage_more, .fini = trashpage_fini};

	struct trashpage *p = request_task(r, sizeof(*p));
	if (!p)
		return;
	p->page = (struct ui_trash){
		.site = r->drive->site,
		.user = r->user[0] ? span_str(r->user) : SPAN_NONE,
		.version = SPAN(PREFORK_VERSION),
		.keep_sec = r->drive->trash.keep_ns / NS_PER_SEC,
	};
	worker_blocking(r->conn->worker);
	enum fs_result result = gather(r, p);
	worker_unblocked(r->conn->worker);
	p->page.n_shown = p->n;
	if (result != FS_OK) {
		trashpage_fini(p);
		return answer_result(r, result);
	}
	answer_begin_page(r, SPAN(UI_TRASH_CSP), SPAN("no-store"));
	answer_stream(r, &ops, ANSWER_UNKNOWN);
}
