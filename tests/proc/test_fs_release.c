/* SPDX-License-Identifier: MIT */

/* What becomes of a file that has no name any more. A close that takes long stands before it,
 * so that it can be looked for. */

#include "fs_room.h"
#include "slow_close.h"

#include "service/drive/fs/copy.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/publish.h"
#include "service/drive/fs/release.h"
#include "service/drive/fs/remove.h"

#include <dirent.h>
#include <errno.h>
#include <sys/mount.h>

#define LARGE_BYTES (4 << 20)

/* How many descriptors of ours are of files below @dir without a name. */
static int count_held(const char *dir)
{
	char path[ROOM_PATH_MAX], at[512];
	int n = 0;
	DIR *fds = opendir("/proc/self/fd");

	assert_non_null(fds);
	for (struct dirent *entry; (entry = readdir(fds));) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%.16s", entry->d_name);
		ssize_t len = readlink(path, at, sizeof(at) - 1);
		at[len > 0 ? len : 0] = '\0';
		n += strncmp(at, dir, strlen(dir)) == 0 && strstr(at, " (deleted)");
	}
	(void)closedir(fds);
	return n;
}

static void drop_large(const struct room *room, const char *path)
{
	AUTO_CLOSE int fd =
		openat(room->root.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(posix_fallocate(fd, 0, LARGE_BYTES), 0);
}

/* From now on, for @seconds or until slow_close_end. */
static struct slow_close close_nothing(const struct room *room, int seconds)
{
	struct slow_close slow = slow_close_begin(seconds);

	fs_release_close(&room->root, &slow.fd); /* where sockets are there is no limit */
	return slow;
}

/* An upload that is large, and given up. */
static void give_up(const struct room *room, const char *path)
{
	struct fs_publish pub;

	assert_int_equal(fs_publish_begin(&pub, &room->root, path, FS_SIZE_UNKNOWN), FS_OK);
	assert_int_equal(fs_publish_write(&pub, "end", 3, LARGE_BYTES), FS_OK);
	fs_publish_end(&pub);
}

static void a_large_file_without_a_name_is_freed_aside(void **state)
{
	struct room *room = *state;
	bool created;

	for (const char *name = "a\0b\0c\0d\0"; *name; name += 2)
		drop_large(room, name);
	drop_file(room, "e", "new");
	struct slow_close slow = close_nothing(room, 30);

	assert_int_equal(fs_remove(&room->root, "a", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(room->dir), 1);
	assert_int_equal(upload(&room->root, "b", "new"), FS_OK);
	assert_int_equal(count_held(room->dir), 2);
	assert_int_equal(fs_copy(&room->root, "b", "c",
				 &(const struct fs_copy_how){.overwrite = true},
				 FS_NO_WATCH, &created),
		FS_OK);
	assert_int_equal(count_held(room->dir), 3);
	assert_int_equal(fs_move(&room->root, "e", "d", true, FS_NO_CONDITION, FS_NO_WATCH,
				 &created),
		FS_OK);
	assert_int_equal(count_held(room->dir), 4);
	give_up(room, "f");
	assert_int_equal(count_held(room->dir), 5);

	slow_close_end(&slow);
	(void)fs_release_wait(&room->root);
	assert_int_equal(count_held(room->dir), 0);
	assert_file(room, "b", "new");
	assert_file(room, "c", "new");
	assert_file(room, "d", "new");
	assert_no_litter(room);
}

static void a_small_file_is_held_after_one_that_took_long(void **state)
{
	struct room *room = *state;

	/* Small by its length alone. */
	drop_file(room, "long", "");
	AUTO_CLOSE int fd = openat(room->root.fd, "long", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 128 << 20), 0);
	fd_close(&fd);
	drop_file(room, "a", "small");
	struct slow_close slow = close_nothing(room, 30);

	assert_int_equal(
		fs_remove(&room->root, "long", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(room->dir), 0);
	assert_int_equal(fs_remove(&room->root, "a", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(room->dir), 1);
	slow_close_end(&slow);
}

static void a_file_with_another_name_is_not_held(void **state)
{
	struct room *room = *state;

	drop_large(room, "a");
	assert_int_equal(linkat(room->root.fd, "a", room->root.fd, "b", 0), 0);
	struct slow_close slow = close_nothing(room, 30);

	assert_int_equal(fs_remove(&room->root, "a", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(room->dir), 0);
	slow_close_end(&slow);
}

/* A small disk at "small", with a large file on it; false, loudly, where we may not mount one. */
static bool mount_small(const struct room *room, const char *size, char path[ROOM_PATH_MAX])
{
	if (!mount_disk(room, "small", "tmpfs", size, path))
		return false;
	drop_large(room, "small/a");
	return true;
}

static void who_deletes_on_a_full_disk_gets_the_room_at_once(void **state)
{
	struct room *room = *state;
	char path[ROOM_PATH_MAX];

	if (!mount_small(room, "size=4100k", path))
		return;
	struct slow_close slow = close_nothing(room, 30);

	assert_int_equal(
		fs_remove(&room->root, "small/a", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(path), 0);
	slow_close_end(&slow);
	assert_int_equal(umount(path), 0);
}

static void who_finds_no_room_waits_for_what_is_about_to_be_free(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	char path[ROOM_PATH_MAX];

	if (!mount_small(room, "size=6m", path))
		return;
	struct slow_close slow = close_nothing(room, 1);
	assert_int_equal(
		fs_remove(&room->root, "small/a", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(count_held(path), 1);

	assert_int_equal(
		fs_publish_begin(&pub, &room->root, "small/b", LARGE_BYTES), FS_OK);
	fs_publish_end(&pub);
	slow_close_end(&slow);
	(void)fs_release_wait(&room->root);
	assert_int_equal(umount(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_large_file_without_a_name_is_freed_aside, in_memory),
		IN_ROOM(a_small_file_is_held_after_one_that_took_long, in_memory),
		IN_ROOM(a_file_with_another_name_is_not_held, in_memory),
		IN_ROOM(who_deletes_on_a_full_disk_gets_the_room_at_once, in_memory),
		IN_ROOM(who_finds_no_room_waits_for_what_is_about_to_be_free, in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
