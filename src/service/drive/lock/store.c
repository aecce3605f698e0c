/* SPDX-License-Identifier: MIT */

#include "service/drive/lock/store.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/list.h"
#include "service/drive/fs/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

/* Names that fs_path_hides, so that no path's own name is one of them. */
#define HERE     FS_TEMP_PREFIX "locks"
#define HERE_NEW FS_TEMP_PREFIX "locks-new"

#define HERE_MAX (LOCK_STORE_SHARED_MAX * (LOCK_OWNER_MAX + LOCK_USER_MAX + 256))
#define TODO_MAX (64 * MIB) /* paths of the tree that are still to be walked */
#define TEND_SEC 3600

#define COARSEST_NS (2 * (int64_t)NS_PER_SEC) /* a tick of the coarsest clock, FAT's */

/* -- the locks of one path -- */

/* Reads the locks in the directory @dir of the tree; none is no failure. */
static enum fs_result read_here(int dir, const char *name, struct buf *out)
{
	struct statx st;

	buf_clear(out);
	AUTO_CLOSE int fd = file_open(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd == -ENOENT)
		return FS_OK;
	int err = fd < 0 ? fd : file_stat(fd, "", &st);
	if (err < 0)
		return fs_result_of(err);

	size_t n = (size_t)MIN(st.stx_size, HERE_MAX);
	char *room = buf_reserve(out, n);
	if (!room)
		return FS_NO_MEMORY;
	ssize_t got = file_read_at(fd, room, n, 0);
	out->n += got > 0 ? (size_t)got : 0;
	return fs_result_of((int)got);
}

/* Takes the next lock that has not ended. */
static bool next_live(struct span *rest, int64_t now_sec, struct lock *out)
{
	while (lock_next(rest, out))
		if (out->ends_sec > now_sec)
			return true;
	return false;
}

/* Writes the locks of the directory @dir. Alone at the gate, so the name of the new file
 * is nobody else's; one that a crash left is written over. */
static enum fs_result write_here(int dir, struct span bytes)
{
	if (bytes.n == 0) {
		(void)file_unlink(dir, HERE_NEW); /* usually there is none */
		int err = file_unlink(dir, HERE);
		return err == -ENOENT ? FS_OK : fs_result_of(err);
	}

	AUTO_CLOSE int fd =
		file_open(dir, HERE_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	int err = fd < 0 ? fd : file_write_at(fd, bytes.p, bytes.n, 0);
	if (err == 0)
		err = file_rename(dir, HERE_NEW, dir, HERE, 0);
	if (err < 0)
		(void)file_unlink(dir, HERE_NEW); /* or the next one writes over it */
	return fs_result_of(err);
}

/* Writes them again: less what has ended and what has @token, and with @added (or NULL). */
static enum fs_result rewrite_here(
	int dir, int64_t now_sec, struct span token, const struct lock *added)
{
	AUTO_BUF old = BUF_INIT(HERE_MAX);
	AUTO_BUF new = BUF_INIT(HERE_MAX);
	struct lock lock;
	unsigned n = 0;

	enum fs_result result = read_here(dir, HERE, &old);
	if (result != FS_OK)
		return result;
	struct span rest = buf_span(&old);
	while (next_live(&rest, now_sec, &lock)) {
		if (span_eq(lock_token(&lock), token))
			continue;
		lock_put(&new, &lock);
		n++;
	}
	if (added && n == LOCK_STORE_SHARED_MAX)
		return FS_NO_SPACE;
	if (added)
		lock_put(&new, added);
	if (new.failed)
		return FS_NO_MEMORY;
	return write_here(dir, buf_span(&new));
}

/* False in *@goes_on when @visit has had enough. */
static enum fs_result visit_here(int dir, const char *name, int64_t now_sec,
	struct span path, bool only_deep, lock_visit *visit, void *ctx, bool *goes_on)
{
	AUTO_BUF bytes = BUF_INIT(HERE_MAX);
	struct lock lock;

	enum fs_result result = read_here(dir, name, &bytes);
	if (result != FS_OK)
		return result;
	struct span rest = buf_span(&bytes);
	while (*goes_on && next_live(&rest, now_sec, &lock)) {
		const struct lock_found found = {.lock = &lock, .path = path};
		if (lock.is_deep || !only_deep)
			*goes_on = visit(ctx, &found);
	}
	return FS_OK;
}

/* -- the tree -- */

/* Opens the entry @name of the directory *@dir (owned unless it is @tree) in its place. */
static int step(int tree, int *dir, struct span name, bool make)
{
	char text[FS_NAME_MAX];

	if (name.n >= sizeof(text))
		return -ENAMETOOLONG;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';

	int err = make ? file_make_dir(*dir, text, 0700) : 0;
	if (err < 0 && err != -EEXIST)
		return err;
	int next = file_open(*dir, text, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	if (next < 0)
		return next;
	if (*dir != tree)
		fd_close(dir);
	*dir = next;
	return 0;
}

/* The place of @path in the tree; the caller's. */
static enum fs_result open_node(
	const struct lock_store *store, const char *path, bool make, int *out)
{
	struct span rest = *path ? span_str(path) : SPAN_NONE, name;
	int dir = store->tree, err = 0;

	while (err == 0 && span_cut(&rest, '/', &name))
		err = step(store->tree, &dir, name, make);
	if (err == 0 && dir == store->tree) {
		dir = file_open(store->tree, ".", O_PATH | O_DIRECTORY, 0);
		err = dir < 0 ? dir : 0;
	}
	if (err < 0 && dir != store->tree)
		fd_close(&dir);
	if (err == 0)
		*out = dir;
	return fs_result_of(err);
}

/* Removes the directory @path of the tree, and those above it, as far as they are empty. */
static void prune(const struct lock_store *store, const char *path)
{
	char at[FS_PATH_MAX];

	memcpy(at, path, strlen(path) + 1); /* a checked path fits */
	while (*at && file_remove_dir(store->tree, at) == 0)
		fs_path_parent(at, at);
}

/* What is done with each directory of a part of the tree. False ends it. */
typedef enum fs_result node_visit(void *ctx, const char *path, int dir, bool *goes_on);

/* Adds the directories in @dir, which stands at @path, to what is to be walked. */
static enum fs_result push_children(const struct lock_store *store, struct fs_list *list,
	const char *path, int adopted_dir, struct buf *todo)
{
	char child[FS_PATH_MAX];
	struct fs_entry entry;

	enum fs_result result = fs_list_adopt(list, store->root, adopted_dir, "", true);
	if (result != FS_OK)
		return result;
	while ((result = fs_list_next(list, false, &entry)) == FS_OK)
		if (entry.info.type == FS_DIRECTORY
			&& fs_path_join(child, path, entry.name))
			buf_put(todo, child, strlen(child) + 1);
	fs_list_close(list);
	if (todo->failed)
		return FS_NO_MEMORY;
	/* Not found: the visit has removed it. */
	return result == FS_END || result == FS_NOT_FOUND ? FS_OK : result;
}

/* Takes the last path off @todo. */
static void pop(struct buf *todo, char out[FS_PATH_MAX])
{
	size_t at = todo->n - 1; /* the NUL behind it */

	while (at > 0 && todo->p[at - 1])
		at--;
	memcpy(out, todo->p + at, todo->n - at);
	todo->n = at;
}

/* Visits @path and all below it that the tree has. Holds one descriptor, however deep it
 * is. */
static enum fs_result walk(
	const struct lock_store *store, const char *top, node_visit *visit, void *ctx)
{
	AUTO_BUF todo = BUF_INIT(TODO_MAX);
	enum fs_result result = FS_OK;
	bool goes_on = true;
	char path[FS_PATH_MAX];

	struct fs_list *list = malloc(sizeof(*list));
	if (!list)
		return FS_NO_MEMORY;
	buf_put(&todo, top, strlen(top) + 1);
	while (result == FS_OK && goes_on && todo.n > 0) {
		pop(&todo, path);
		AUTO_CLOSE int dir = file_open_beneath(store->tree, *path ? path : ".",
			O_RDONLY | O_DIRECTORY, FILE_NO_LINKS);
		if (dir == -ENOENT)
			continue; /* pruned meanwhile, or never there */
		result = fs_result_of(dir);
		if (result == FS_OK)
			result = visit(ctx, path, dir, &goes_on);
		if (result == FS_OK && goes_on)
			result = push_children(store, list, path, fd_take(&dir), &todo);
	}
	free(list);
	return result;
}

/* -- what the header says -- */

enum fs_result lock_store_open(struct lock_store *out, const struct fs_root *root)
{
	*out = LOCK_STORE_NONE;
	out->root = root;
	out->gate = latch_at(root->locks, "gate");
	out->bare_mtime_ns = INT64_MIN;
	if (root->locks < 0)
		return FS_OK;
	int err = file_make_dir(root->locks, "tree", 0700);
	if (err < 0 && err != -EEXIST)
		return fs_result_of(err);
	int tree = file_open(root->locks, "tree", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (tree >= 0)
		out->tree = tree;
	return fs_result_of(tree);
}

void lock_store_close(struct lock_store *store)
{
	latch_fini(&store->gate);
	fd_close(&store->tree);
}

enum fs_result lock_store_enter(struct lock_store *store, bool alone)
{
	return fs_result_of(latch_lock(&store->gate, alone ? LOCK_EX : LOCK_SH));
}

void lock_store_leave(struct lock_store *store)
{
	latch_unlock(&store->gate);
}

/*
 * Every change of a folder asks, so it is one call as a rule. Two links: no
 * directory is in the tree (file systems that do not count say 1). A file that
 * was not in it is not in it as long as its time stays the same: unless that
 * is so young that a change now would be stamped with it too.
 */
bool lock_store_is_empty(struct lock_store *store)
{
	struct statx tree, here;

	if (store->tree < 0)
		return true;
	if (file_stat(store->tree, "", &tree) < 0 || tree.stx_nlink != 2)
		return false;
	int64_t mtime_ns =
		tree.stx_mtime.tv_sec * (int64_t)NS_PER_SEC + tree.stx_mtime.tv_nsec;
	if (mtime_ns == store->bare_mtime_ns)
		return true;

	int64_t now_ns = file_clock_ns();
	if (file_stat(store->tree, HERE, &here) != -ENOENT)
		return false;
	if (now_ns - mtime_ns >= COARSEST_NS)
		store->bare_mtime_ns = mtime_ns;
	return true;
}

enum fs_result lock_store_covering(const struct lock_store *store, const char *path,
	int64_t now_sec, lock_visit *visit, void *ctx)
{
	struct span rest = *path ? span_str(path) : SPAN_NONE, name = SPAN_NONE;
	int dir = store->tree;
	enum fs_result result = FS_OK;
	bool goes_on = store->tree >= 0;
	size_t n = 0; /* of the path, that is behind us */

	while (result == FS_OK && goes_on) {
		result = visit_here(
			dir, HERE, now_sec, span_of(path, n), rest.p, visit, ctx, &goes_on);
		if (!span_cut(&rest, '/', &name))
			break;
		if (result == FS_OK)
			result = fs_result_of(step(store->tree, &dir, name, false));
		n = (size_t)(name.p + name.n - path);
	}
	if (dir != store->tree)
		fd_close(&dir);
	return result == FS_NOT_FOUND ? FS_OK : result;
}

struct below {
	const char *top;
	int64_t now_sec;
	lock_visit *visit;
	void *ctx;
};

static enum fs_result visit_below(void *ctx, const char *path, int dir, bool *goes_on)
{
	const struct below *below = ctx;

	if (strcmp(path, below->top) == 0)
		return FS_OK;
	return visit_here(dir, HERE, below->now_sec, span_str(path), false, below->visit,
		below->ctx, goes_on);
}

enum fs_result lock_store_below(const struct lock_store *store, const char *path,
	int64_t now_sec, lock_visit *visit, void *ctx)
{
	struct below below = {path, now_sec, visit, ctx};

	return store->tree < 0 ? FS_OK : walk(store, path, visit_below, &below);
}

enum fs_result lock_store_folder(
	const struct lock_store *store, const char *path, int *folder)
{
	return store->tree < 0 ? FS_NOT_FOUND : open_node(store, path, false, folder);
}

enum fs_result lock_store_entry(
	int folder, const char *name, int64_t now_sec, lock_visit *visit, void *ctx)
{
	char file[FS_NAME_MAX + sizeof(HERE)];
	bool goes_on = true;
	size_t n = strlen(name);

	if (n >= FS_NAME_MAX)
		return FS_OK; /* nothing has such a name */
	memcpy(file, name, n);
	memcpy(file + n, "/" HERE, sizeof("/" HERE));
	return visit_here(
		folder, file, now_sec, span_of(name, n), false, visit, ctx, &goes_on);
}

enum fs_result lock_store_put(const struct lock_store *store, const char *path,
	const struct lock *lock, int64_t now_sec)
{
	AUTO_CLOSE int dir = -1;

	if (store->tree < 0)
		return FS_READ_ONLY;
	enum fs_result result = open_node(store, path, true, &dir);
	if (result == FS_OK)
		result = rewrite_here(dir, now_sec, lock_token(lock), lock);
	if (result != FS_OK)
		prune(store, path);
	return result;
}

enum fs_result lock_store_remove(const struct lock_store *store, const char *path,
	struct span token, int64_t now_sec)
{
	AUTO_CLOSE int dir = -1;

	enum fs_result result = lock_store_folder(store, path, &dir);
	if (result != FS_OK)
		return result == FS_NOT_FOUND ? FS_OK : result;
	result = rewrite_here(dir, now_sec, token, NULL);
	prune(store, path);
	return result;
}

/* Removes what is in the directory @dir of the tree, but for its own locks. */
static enum fs_result empty_node(const struct lock_store *store, int dir)
{
	struct fs_entry entry;
	enum fs_result result;

	struct fs_list *list = malloc(sizeof(*list));
	if (!list)
		return FS_NO_MEMORY;
	int fd = file_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	result = fs_result_of(fd);
	if (result == FS_OK)
		result = fs_list_adopt(list, store->root, fd, "", true);
	if (result == FS_OK) {
		while ((result = fs_list_next(list, false, &entry)) == FS_OK)
			if (entry.info.type == FS_DIRECTORY)
				(void)!fs_remove_at(store->root, dir, entry.name, "",
					FS_NO_WATCH); /* what stays has its end */
		fs_list_close(list);
	}
	free(list);
	return result == FS_END ? FS_OK : result;
}

enum fs_result lock_store_drop(
	const struct lock_store *store, const char *path, bool keep_own)
{
	AUTO_CLOSE int dir = -1;

	enum fs_result result = lock_store_folder(store, path, &dir);
	if (result != FS_OK)
		return result == FS_NOT_FOUND ? FS_OK : result;
	result = empty_node(store, dir);
	if (result == FS_OK && !keep_own)
		result = write_here(dir, SPAN_NONE);
	prune(store, path);
	return result;
}

struct tend {
	const struct lock_store *store;
	int64_t now_sec;
};

static enum fs_result tend_node(void *ctx, const char *path, int dir, bool *)
{
	const struct tend *tend = ctx;

	/* No lock has that token, but what has ended goes. */
	enum fs_result result = rewrite_here(dir, tend->now_sec, SPAN(""), NULL);
	prune(tend->store, path);
	return result;
}

enum fs_result lock_store_tend(const struct lock_store *store, int64_t now_sec)
{
	struct tend tend = {store, now_sec};

	return store->tree < 0 ? FS_OK : walk(store, "", tend_node, &tend);
}

bool lock_store_is_due(const struct lock_store *store, int64_t now_sec)
{
	struct statx st;

	if (store->tree < 0)
		return false;
	AUTO_CLOSE int fd = file_open(
		store->root->locks, "tended", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0 || file_stat(fd, "", &st) < 0
		|| now_sec - st.stx_mtime.tv_sec < TEND_SEC)
		return false; /* just made: there is nothing to tend yet */
	return file_set_mtime(fd, now_sec * (int64_t)NS_PER_SEC) == 0;
}
