/* SPDX-License-Identifier: MIT */

#include "service/drive/lockview.h"

#include "base/util.h"
#include "dav/activelock.h"
#include "os/fd.h"
#include "service/drive/drive.h"
#include "service/drive/permit.h"
#include "service/drive/request.h"
#include "service/drive/where.h"

/* Where elements go, and what comes before the paths that are met. */
struct put {
	const struct request *r;
	struct buf *out;
	const char *folder; /* "" where they are whole */
	bool only_deep;
};

static bool put_lock(void *ctx, const struct lock_found *found)
{
	const struct put *put = ctx;
	const struct lock *lock = found->lock;
	AUTO_BUF url = BUF_INIT(3 * FS_PATH_MAX);
	char path[FS_PATH_MAX], name[FS_PATH_MAX];
	struct fs_info info;

	if (put->only_deep && !lock->is_deep)
		return true;
	memcpy(name, found->path.p, found->path.n);
	name[found->path.n] = '\0';
	if (!fs_path_join(path, put->folder, name))
		return true; /* nothing has such a path */
	where_url(&url, path);
	if (*path && fs_stat(&put->r->drive->root, path, &info) == FS_OK
		&& info.type == FS_DIRECTORY)
		buf_put_byte(&url, '/');

	const struct activelock active = {
		.is_shared = lock->is_shared,
		.is_deep = lock->is_deep,
		.left_sec =
			(uint32_t)MIN(lock->ends_sec - permit_now_sec(put->r), UINT32_MAX),
		.token = lock_token(lock),
		.owner = lock->owner,
		.root = buf_span(&url),
	};
	activelock_put(put->out, &active);
	return true;
}

void lockview_init(struct lockview *view, const struct request *r)
{
	view->r = r;
	view->is_empty = lock_store_is_empty(&r->drive->locks);
	view->has_folder = false;
	view->node = -1;
	view->inherited = BUF_INIT(DRIVE_OUT_MAX);
	view->out = BUF_INIT(DRIVE_OUT_MAX);
}

void lockview_fini(struct lockview *view)
{
	fd_close(&view->node);
	buf_fini(&view->inherited);
	buf_fini(&view->out);
}

/* Everything here is for information, so what cannot be read is left out. */
static void put_covering(
	struct lockview *view, const char *name, struct buf *out, bool only_deep)
{
	struct put put = {view->r, out, "", only_deep};

	(void)!lock_store_covering(
		&view->r->drive->locks, name, permit_now_sec(view->r), put_lock, &put);
}

static void use_folder(struct lockview *view, const char *folder)
{
	const struct lock_store *store = &view->r->drive->locks;

	if (view->has_folder && strcmp(view->folder, folder) == 0)
		return;
	memcpy(view->folder, folder, strlen(folder) + 1);
	view->has_folder = true;
	fd_close(&view->node);
	buf_clear(&view->inherited);
	if (fs_resolve_name(store->root, folder, view->name) != FS_OK)
		return;
	put_covering(view, view->name, &view->inherited, true);
	if (lock_store_folder(store, view->name, &view->node) != FS_OK)
		view->node = -1;
}

struct span lockview_of(struct lockview *view, const char *path)
{
	struct put own = {view->r, &view->out, view->name, false};
	char folder[FS_PATH_MAX];

	if (view->is_empty)
		return SPAN_NONE;
	buf_clear(&view->out);
	if (!*path) {
		put_covering(view, "", &view->out, false);
		return buf_span(&view->out);
	}
	fs_path_parent(path, folder);
	use_folder(view, folder);
	buf_put_span(&view->out, buf_span(&view->inherited));
	if (view->node >= 0)
		(void)!lock_store_entry(view->node, path + fs_path_last(path),
			permit_now_sec(view->r), put_lock, &own);
	return buf_span(&view->out);
}
