/* SPDX-License-Identifier: MIT */

#include "interp/files.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define CHANGE_MASK (IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define APPEAR_MASK (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct state {
	bool there;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct entry {
	char *path; /* owned, absolute */
	struct state was;
	/* What is absent is waited for in the nearest directory there is. */
	int parent_watch;    /* -1: it was there */
	const char *awaited; /* the first missing name, to the next '/', in path */
};

struct files {
	struct entry *at; /* owned */
	size_t n, cap;
	int notify; /* owned; -1: none */
	bool blind;
};

static struct state look(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return (struct state){0};
	return (struct state){
		.there = true,
		.dev = st.st_dev,
		.ino = st.st_ino,
		.size = st.st_size,
		.mtime = st.st_mtim,
		.ctime = st.st_ctim,
	};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same(const struct state *a, const struct state *b)
{
	return a->there == b->there && a->dev == b->dev && a->ino == b->ino
	       && a->size == b->size && same_time(a->mtime, b->mtime)
	       && same_time(a->ctime, b->ctime);
}

struct files *files_new(void)
{
	struct files *files = calloc(1, sizeof(*files));

	if (files)
		files->notify = -1;
	return files;
}

void files_close(struct files *files)
{
	fd_close(&files->notify);
}

char *files_absolute(const char *path)
{
	char here[PATH_MAX], *whole = NULL;

	if (path[0] == '/')
		return strdup(path);
	if (strncmp(path, "./", 2) == 0)
		path += 2;
	if (!getcwd(here, sizeof(here)) || asprintf(&whole, "%s/%s", here, path) < 0)
		return NULL;
	return whole;
}

int files_add(struct files *files, const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (files->n == files->cap) {
		size_t cap = files->cap ? 2 * files->cap : 64;
		struct entry *at = realloc(files->at, cap * sizeof(*at));
		if (!at)
			return -ENOMEM;
		files->at = at;
		files->cap = cap;
	}

	char *whole = files_absolute(path);
	if (!whole)
		return -ENOMEM;
	files->at[files->n++] = (struct entry){
		.path = whole,
		.was = look(whole),
		.parent_watch = -1,
	};
	return 0;
}

size_t files_count(const struct files *files)
{
	return files->n;
}

/* File systems that others change without this kernel's knowing. */
static bool is_remote(const char *path)
{
	static const unsigned remote[] = {
		0x6969,     /* NFS */
		0xff534d42, /* CIFS */
		0xfe534d42, /* SMB2 */
		0x65735546, /* FUSE */
		0x00c36400, /* Ceph */
		0x01021997, /* 9p */
		0x5346414f, /* AFS */
		0x0bd00bd0, /* Lustre */
	};
	struct statfs st;

	if (statfs(path, &st) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(remote); i++)
		if ((unsigned)st.f_type == remote[i])
			return true;
	return false;
}

static bool watch_present(int notify, const struct entry *entry)
{
	struct stat st;

	if (inotify_add_watch(notify, entry->path, CHANGE_MASK) < 0)
		return false;
	/* What a link leads to was watched; now the link itself. */
	return lstat(entry->path, &st) < 0 || !S_ISLNK(st.st_mode)
	       || inotify_add_watch(notify, entry->path, CHANGE_MASK | IN_DONT_FOLLOW) >= 0;
}

/* Watches the nearest directory above what is absent, for the name that would lead to it.
 */
static bool watch_absent(int notify, struct entry *entry)
{
	char dir[PATH_MAX];
	size_t n = strlen(entry->path);

	memcpy(dir, entry->path, n + 1);
	for (char *slash; (slash = strrchr(dir, '/'));) {
		*slash = '\0';
		entry->awaited = entry->path + (slash - dir) + 1;
		entry->parent_watch = inotify_add_watch(
			notify, slash == dir ? "/" : dir, APPEAR_MASK | IN_MASK_ADD);
		if (entry->parent_watch >= 0)
			return true;
		if (errno != ENOENT && errno != ENOTDIR)
			return false;
	}
	return false;
}

int files_watch(struct files *files)
{
	files->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	files->blind = files->notify < 0;

	for (size_t i = 0; i < files->n && files->notify >= 0; i++) {
		struct entry *entry = &files->at[i];
		bool watched = entry->was.there ? watch_present(files->notify, entry)
						: watch_absent(files->notify, entry);
		if (!watched || is_remote(entry->path))
			files->blind = true;
	}
	return files->notify;
}

bool files_blind(const struct files *files)
{
	return files->blind;
}

/* Whether an event in a directory is about something that was absent. */
static bool is_awaited(const struct files *files, const struct inotify_event *event)
{
	size_t n = event->len ? strlen(event->name) : 0;

	for (size_t i = 0; i < files->n; i++) {
		const struct entry *entry = &files->at[i];
		if (entry->parent_watch != event->wd)
			continue;
		if (strncmp(entry->awaited, event->name, n) == 0
			&& (entry->awaited[n] == '\0' || entry->awaited[n] == '/'))
			return true;
	}
	return false;
}

bool files_news(struct files *files)
{
	alignas(struct inotify_event) char buf[4096];
	bool look_again = false;

	for (ssize_t n; (n = read(files->notify, buf, sizeof(buf))) > 0;) {
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const void *)(buf + at);
			at += (ssize_t)(sizeof(*event) + event->len);
			look_again |= event->len == 0 || is_awaited(files, event);
		}
	}
	return look_again;
}

const char *files_changed(const struct files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		struct state is = look(files->at[i].path);
		if (!same(&is, &files->at[i].was))
			return files->at[i].path;
	}
	return NULL;
}

const char *files_changed_since(const struct files *files, int64_t since_ns)
{
	int64_t now_ns = (int64_t)clock_wall_ns();

	for (size_t i = 0; i < files->n; i++) {
		const struct state *was = &files->at[i].was;
		int64_t changed_ns =
			was->ctime.tv_sec * (int64_t)NS_PER_SEC + was->ctime.tv_nsec;
		if (was->there && changed_ns > since_ns && changed_ns <= now_ns)
			return files->at[i].path;
	}
	return NULL;
}
