/* SPDX-License-Identifier: MIT */

#include "service/drive/propget.h"

#include "base/date.h"
#include "base/escape.h"
#include "core/worker.h"
#include "dav/headers.h"
#include "dav/multistatus.h"
#include "dav/propfind.h"
#include "http/media.h"
#include "http/prefer.h"
#include "http/resp.h"
#include "os/fd.h"
#include "service/drive/answer.h"
#include "service/drive/digests.h"
#include "service/drive/drive.h"
#include "service/drive/fs/open.h"
#include "service/drive/fs/space.h"
#include "service/drive/fs/walk.h"
#include "service/drive/lockview.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"
#include "service/drive/version.h"
#include "service/drive/where.h"

#include <stdlib.h>

#define PIECE_BYTES (32 * KIB) /* of the answer, written at a time */

struct propget {
	struct propfind want;
	enum depth depth;
	struct fs_info top;
	bool is_begun;
	struct fs_list *list; /* owned; DEPTH_1 */
	struct fs_walk *walk; /* owned; DEPTH_INFINITY */
	uint64_t n_entries; /* there will be; of a list, ANSWER_FEW_PARTS stands for many */
	struct buf folder;  /* the encoded path of the folder that entries are in */
	struct fs_space space;
	bool has_space;
	struct lockview locks;
	bool wants_dead;
	bool is_minimal; /* what is missing is not named */
	bool is_rootless;
	struct buf dead;    /* the properties of the entry being put */
	struct buf digests; /* and its contents' checksums */
};

static void propget_fini(void *task)
{
	struct propget *get = task;

	propfind_fini(&get->want);
	lockview_fini(&get->locks);
	buf_fini(&get->dead);
	buf_fini(&get->digests);
	buf_fini(&get->folder);
	if (get->list) {
		fs_list_close(get->list);
		free(get->list);
	}
	if (get->walk) {
		fs_walk_close(get->walk);
		free(get->walk);
	}
}

/* -- one entry -- */

#define OF_ALL                                                        \
	(PROP_BIT(PROP_GETLASTMODIFIED) | PROP_BIT(PROP_RESOURCETYPE) \
		| PROP_BIT(PROP_CURRENT_USER_PRIVILEGE_SET)           \
		| PROP_BIT(PROP_SUPPORTED_PRIVILEGE_SET))
#define OF_FILES                                                         \
	(PROP_BIT(PROP_GETCONTENTLENGTH) | PROP_BIT(PROP_GETCONTENTTYPE) \
		| PROP_BIT(PROP_GETETAG) | PROP_BIT(PROP_EXECUTABLE))
#define OF_LOCKS (PROP_BIT(PROP_LOCKDISCOVERY) | PROP_BIT(PROP_SUPPORTEDLOCK))
#define OF_SPACE (PROP_BIT(PROP_QUOTA_AVAILABLE_BYTES) | PROP_BIT(PROP_QUOTA_USED_BYTES))

/* Where an entry is, and what is known of it. */
struct place {
	int dir; /* the open directory it is in, by its own name; or -1 */
	const char *path;
	const struct fs_info *info;
};

/* What cannot be read is not there. */
static struct span read_dead(struct request *r, const struct place *place)
{
	struct propget *get = r->task;
	const struct fs_root *root = &r->drive->root;

	if (!get->wants_dead)
		return SPAN_NONE;
	enum fs_result result =
		place->dir < 0 ? fs_props_read(root, place->path, &get->dead)
			       : fs_recall_props(&r->drive->recall, root, place->dir,
				       place->path + fs_path_last(place->path), place->info,
				       &get->dead);
	return result == FS_OK ? buf_span(&get->dead) : SPAN_NONE;
}

/* The checksums of a file, as ownCloud writes them; SPAN_NONE if none are known. */
static struct span read_digests(struct request *r, const struct place *place)
{
	struct propget *get = r->task;
	const struct fs_root *root = &r->drive->root;
	struct fs_file file = FS_FILE_NONE;
	struct fs_digests kept = {0};
	struct http_digests digests;

	if (place->dir >= 0)
		fs_recall_digests(&r->drive->recall, root, place->dir,
			place->path + fs_path_last(place->path), place->info, &kept);
	else if (fs_open(root, place->path, &file) == FS_OK)
		fs_digests_read(root, file.fd, &file.info, &kept);
	fd_close(&file.fd);
	digests_unpack(&kept, &digests);
	buf_clear(&get->digests);
	http_digest_put_owncloud(&get->digests, &digests);
	return get->digests.n > 0 ? buf_span(&get->digests) : SPAN_NONE;
}

static void put_entry(
	struct request *r, const struct multistatus_href *href, const struct place *place)
{
	const struct fs_info *info = place->info;
	const char *path = place->path;
	struct propget *get = r->task;
	bool is_dir = info->type == FS_DIRECTORY;
	struct multistatus_facts facts = {
		.has = OF_ALL | (is_dir ? 0 : OF_FILES),
		.is_dir = is_dir,
		.is_executable = info->mode & 0100,
		.is_read_only = !r->may_write,
		.mtime_sec = date_sec(info->mtime_ns),
		.size_bytes = info->size,
	};
	char etag[VERSION_ETAG_MAX];

	if (info->birth_ns != 0) {
		facts.has |= PROP_BIT(PROP_CREATIONDATE);
		facts.birth_sec = date_sec(info->birth_ns);
	}
	if (is_dir && get->has_space) {
		facts.has |= OF_SPACE;
		facts.quota_used_bytes = get->space.used_bytes;
		facts.quota_available_bytes = get->space.available_bytes;
	}
	if (r->drive->locks.tree >= 0)
		facts.has |= OF_LOCKS;
	if (get->want.known & PROP_BIT(PROP_LOCKDISCOVERY))
		facts.active_locks = lockview_of(&get->locks, path);
	if (!is_dir && get->want.known & PROP_BIT(PROP_GETETAG))
		facts.etag = version_etag(r->drive, info, etag);
	if (!is_dir && get->want.known & PROP_BIT(PROP_GETCONTENTTYPE))
		facts.type = http_media_of(r->drive->media, href->name);
	if (!is_dir && get->want.known & PROP_BIT(PROP_OC_CHECKSUMS))
		facts.checksums = read_digests(r, place);
	if (facts.checksums.p)
		facts.has |= PROP_BIT(PROP_OC_CHECKSUMS);
	facts.dead = read_dead(r, place);
	multistatus_answer(&r->answer.out, href, &get->want, &facts, get->is_minimal);
}

/* -- the answer, piece by piece -- */

static void put_top(struct request *r)
{
	struct propget *get = r->task;
	struct multistatus_href href =
		where_href(&get->folder, r->path, get->top.type == FS_DIRECTORY);

	multistatus_begin(&r->answer.out,
		get->want.kind == PROPFIND_PROPNAME ? UINT64_MAX : get->want.known);
	if (!get->is_rootless)
		put_entry(r, &href, &(struct place){-1, r->path, &get->top});
	get->is_begun = true;
	/* From here on the folder is the one that entries of a list are in. */
	buf_clear(&get->folder);
	buf_put_byte(&get->folder, '/');
	escape_path(&get->folder, span_str(r->path));
	if (r->path[0])
		buf_put_byte(&get->folder, '/');
}

/* Puts the next entry of the folder. */
static enum fs_result put_listed(struct request *r)
{
	struct propget *get = r->task;
	struct fs_entry entry;
	char path[FS_PATH_MAX];

	enum fs_result result = fs_list_next(get->list, true, &entry);
	if (result != FS_OK)
		return result;
	const struct multistatus_href href = {
		.folder = buf_span(&get->folder),
		.name = span_str(entry.name),
		.is_dir = entry.info.type == FS_DIRECTORY,
	};
	if (fs_path_join(
		    path, r->path, entry.name)) /* what is too long nobody can ask for */
		put_entry(r, &href,
			&(struct place){
				entry.is_link ? -1 : get->list->fd, path, &entry.info});
	return FS_OK;
}

/* Puts the next entry of the tree. */
static enum fs_result put_walked(struct request *r)
{
	struct propget *get = r->task;
	struct fs_walk_entry entry;

	enum fs_result result = fs_walk_next(get->walk, &entry);
	if (result != FS_OK)
		return result;
	if (entry.event != FS_WALK_ENTRY && entry.event != FS_WALK_ENTER)
		return FS_OK;
	struct multistatus_href href =
		where_href(&get->folder, entry.path, entry.info.type == FS_DIRECTORY);
	put_entry(r, &href,
		&(struct place){entry.is_link ? -1 : entry.dir, entry.path, &entry.info});
	return FS_OK;
}

static enum task_more propget_more(struct request *r)
{
	struct propget *get = r->task;
	enum fs_result result = FS_OK;

	if (!get->is_begun)
		put_top(r);
	while (result == FS_OK && r->answer.out.n < PIECE_BYTES) {
		if (get->list)
			result = put_listed(r);
		else if (get->walk)
			result = put_walked(r);
		else
			result = FS_END;
	}
	if (result == FS_OK)
		return TASK_MORE;
	multistatus_end(&r->answer.out);
	return result == FS_END ? TASK_LAST : TASK_FAILED;
}

/* -- the beginning -- */

/* Whether the tree has no more entries than an answer may, nor more levels than a walk. */
static enum fs_result count(struct request *r, struct fs_walk *walk)
{
	struct propget *get = r->task;
	struct fs_walk_entry entry;
	enum fs_result result;

	while ((result = fs_walk_next(walk, &entry)) == FS_OK)
		if (++get->n_entries > r->drive->policy->propfind_entries
			|| entry.event == FS_WALK_TOO_DEEP)
			return FS_TOO_DEEP;
	return result == FS_END ? FS_OK : result;
}

static enum fs_result open_walk(struct request *r)
{
	struct propget *get = r->task;
	struct worker *worker = r->conn->worker;

	get->walk = calloc(1, sizeof(*get->walk));
	if (!get->walk)
		return FS_NO_MEMORY;
	enum fs_result result = fs_walk_open(get->walk, &r->drive->root, r->path);
	if (result != FS_OK)
		return result;
	worker_blocking(worker);
	result = count(r, get->walk);
	worker_unblocked(worker);
	fs_walk_close(get->walk);
	return result == FS_OK ? fs_walk_open(get->walk, &r->drive->root, r->path) : result;
}

static enum fs_result open_list(struct request *r)
{
	struct propget *get = r->task;

	get->list = malloc(sizeof(*get->list));
	if (!get->list)
		return FS_NO_MEMORY;
	enum fs_result result = fs_list_open(get->list, &r->drive->root, r->path);
	if (result == FS_OK) {
		get->n_entries = fs_list_count(get->list, ANSWER_FEW_PARTS);
	} else {
		free(get->list);
		get->list = NULL;
	}
	return result;
}

static enum fs_result prepare(struct request *r)
{
	struct propget *get = r->task;

	enum fs_result result = fs_stat(&r->drive->root, r->path, &get->top);
	if (result != FS_OK)
		return result;
	if (get->want.known & OF_SPACE)
		get->has_space = fs_space(&r->drive->root, r->path, &get->space) == FS_OK;
	if (get->top.type != FS_DIRECTORY)
		return r->is_slashed ? FS_NOT_FOUND : FS_OK;
	if (get->depth == DEPTH_1)
		return open_list(r);
	return get->depth == DEPTH_INFINITY ? open_walk(r) : FS_OK;
}

static void propget_take(struct request *r, struct span piece)
{
	struct propget *get = r->task;

	(void)answer_parsed(r, propfind_feed(&get->want, piece), "propfind");
}

static void propget_end(struct request *r)
{
	struct propget *get = r->task;

	if (!answer_parsed(r, propfind_end(&get->want), "propfind"))
		return;
	get->wants_dead = get->want.has_unknown || get->want.kind != PROPFIND_PROP;
	enum fs_result result = prepare(r);
	if (result == FS_TOO_DEEP)
		return answer_condition(r, 403, "propfind-finite-depth", SPAN_NONE);
	if (result != FS_OK)
		return answer_result(r, result);

	struct buf *head = answer_begin(r, 207);
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	if (get->is_minimal || get->is_rootless)
		http_resp_field(head, SPAN("Preference-Applied"),
			!get->is_rootless ? SPAN("return=minimal")
			: get->is_minimal ? SPAN("return=minimal, depth-noroot")
					  : SPAN("depth-noroot"));
	answer_text(r, r->task_ops, get->n_entries);
}

void propget_begin(struct request *r)
{
	static const struct task_ops ops = {
		.take = propget_take,
		.end = propget_end,
		.more = propget_more,
		.fini = propget_fini,
	};
	struct span depth = request_field(r, HTTP_H_DEPTH);

	struct propget *get = request_task(r, sizeof(*get));
	if (!get)
		return;
	get->depth = DEPTH_INFINITY;
	if (depth.p && !headers_depth(depth, &get->depth))
		return answer_sentence(r, 400, "Depth is none of 0, 1 and infinity");
	get->folder = BUF_INIT(3 * FS_PATH_MAX);
	propfind_init(&get->want);
	lockview_init(&get->locks, r);
	get->dead = BUF_INIT(FS_PROPS_MAX + KIB);
	get->digests = BUF_INIT(KIB);
	get->is_minimal = http_prefer(&r->head, SPAN("return"), SPAN("minimal"));
	get->is_rootless = get->depth != DEPTH_0
			   && http_prefer(&r->head, SPAN("depth-noroot"), SPAN_NONE);
	request_read_body(r, &ops);
}
