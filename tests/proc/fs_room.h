/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fs_room - a fresh folder for each test of the drive's file system room.
 *
 * What a machine does not allow (mounts, mostly) is said in a line "# SKIPPED", and the
 * test returns: cmocka 1.1 reports skip() to TAP as a failure.
 *
 * EVERYWHERE(test) runs a test on a disk (/var/tmp), in memory (/dev/shm), and on
 * the disk again with only what every file system has, so that the ways round a
 * missing O_TMPFILE or rename flag are walked too.
 */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/publish.h"
#include "service/drive/fs/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_PATH_MAX 128

struct room_kind {
	const char *base;
	bool plain;
};

static const struct room_kind on_disk = {"/var/tmp", false};
static const struct room_kind in_memory = {"/dev/shm", false};
static const struct room_kind on_plain_disk = {"/var/tmp", true};

struct room {
	char dir[64];
	struct fs_root root;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int room_setup(void **state)
{
	const struct room_kind *kind = *state;
	struct room *room = calloc(1, sizeof(*room));
	struct reason reason;

	assert_non_null(room);
	/* What a failed test leaves mounted goes with the process. Before the room is opened:
	 * its descriptors see what is mounted where they were made. */
	if (unshare(CLONE_NEWNS) == 0)
		(void)mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	(void)snprintf(room->dir, sizeof(room->dir), "%s/fs.XXXXXX", kind->base);
	assert_non_null(mkdtemp(room->dir));
	struct fs_options options = {.plain = kind->plain};
	if (fs_root_open(&room->root, room->dir, &options, &reason) < 0)
		fail_msg("%s", reason.text);
	*state = room;
	return 0;
}

static int room_teardown(void **state)
{
	struct room *room = *state;

	fs_root_close(&room->root);
	assert_int_equal(nftw(room->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(room);
	return 0;
}

/* clang-format off */
#define IN_ROOM(test, kind) {#test " (" #kind ")", test, room_setup, room_teardown, (void *)&(kind)}
#define EVERYWHERE(test) IN_ROOM(test, on_disk), IN_ROOM(test, in_memory), IN_ROOM(test, on_plain_disk)
/* clang-format on */

/* Uploads @text as @path. */
[[maybe_unused]] static enum fs_result upload(
	const struct fs_root *root, const char *path, const char *text)
{
	struct fs_publish pub;
	struct fs_published done;

	enum fs_result result = fs_publish_begin(&pub, root, path, strlen(text));
	if (result != FS_OK)
		return result;
	result = fs_publish_write(&pub, text, strlen(text), 0);
	if (result == FS_OK)
		result = fs_publish_commit(&pub, FS_NO_CONDITION, FS_MTIME_NOW, &done);
	fs_publish_end(&pub);
	return result;
}

/* Mounts a file system at the room's @at, which is @path then. False, loudly, where we may
 * not. */
[[maybe_unused]] static bool mount_disk(const struct room *room, const char *at,
	const char *type, const char *options, char path[ROOM_PATH_MAX])
{
	(void)snprintf(path, ROOM_PATH_MAX, "%s/%s", room->dir, at);
	(void)mkdir(path, 0755); /* or it is there */
	if (mount("none", path, type, 0, options) == 0)
		return true;
	print_message(
		"# SKIPPED: cannot mount %s %s here: %s\n", type, options, strerror(errno));
	return false;
}

/* Puts a file there behind the drive's back, as another program would. */
[[maybe_unused]] static void drop_file(
	const struct room *room, const char *path, const char *text)
{
	AUTO_CLOSE int fd =
		openat(room->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

[[maybe_unused]] static void drop_dir(const struct room *room, const char *path)
{
	assert_int_equal(mkdirat(room->root.fd, path, 0755), 0);
}

[[maybe_unused]] static void drop_link(
	const struct room *room, const char *path, const char *to)
{
	assert_int_equal(symlinkat(to, room->root.fd, path), 0);
}

[[maybe_unused]] static bool is_there(const struct room *room, const char *path)
{
	return faccessat(room->root.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

[[maybe_unused]] static void assert_file(
	const struct room *room, const char *path, const char *text)
{
	char got[4096];
	AUTO_CLOSE int fd = openat(room->root.fd, path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	ssize_t n = read(fd, got, sizeof(got) - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

/* How many entries a directory has, ours included. */
[[maybe_unused]] static int count_entries(const struct room *room, const char *path)
{
	int fd = openat(
		room->root.fd, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int n = 0;
	DIR *dir = fdopendir(fd);

	assert_non_null(dir);
	for (struct dirent *at; (at = readdir(dir));)
		n += strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0;
	(void)closedir(dir);
	return n;
}

[[maybe_unused]] static void assert_no_litter(const struct room *room)
{
	assert_int_equal(count_entries(room, ".prefork/tmp"), 0);
	assert_int_equal(count_entries(room, ".prefork/notes"), 0);
}
