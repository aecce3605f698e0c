/* SPDX-License-Identifier: MIT */

/* The kinds of disk that are not like the others: they are mounted for the test, or
 * imitated. */

#include "fs_race.h"
#include "fs_room.h"

#include "service/drive/fs/list.h"
#include "service/drive/fs/open.h"
#include "service/drive/fs/publish.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static void a_disk_mounted_read_only_is_served_and_the_probe_says_so(void **state)
{
	struct room *room = *state;
	struct fs_options options = {0};
	struct fs_root root;
	char path[ROOM_PATH_MAX];

	if (!mount_disk(room, "disk", "tmpfs", "size=64k", path))
		return;
	drop_file(room, "disk/a", "one");
	assert_int_equal(mount("none", path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	assert_int_equal(fs_root_open(&root, path, &options, NULL), 0);

	struct fs_file file;
	assert_int_equal(fs_open(&root, "a", &file), FS_OK);
	fd_close(&file.fd);
	assert_false(root.can.writable);
	assert_int_equal(upload(&root, "a", "two"), FS_READ_ONLY);
	fs_root_close(&root);
	assert_int_equal(umount(path), 0);
}

static void a_disk_without_attributes_is_served_with_less(void **state)
{
	struct room *room = *state;
	struct fs_options options = {0};
	struct fs_root root;
	char path[ROOM_PATH_MAX];

	if (!mount_disk(room, "disk", "ramfs", "", path))
		return;
	assert_int_equal(fs_root_open(&root, path, &options, NULL), 0);
	assert_true(root.can.writable);
	assert_false(root.can.attributes);
	assert_int_equal(upload(&root, "a", "one"), FS_OK);
	assert_int_equal(upload(&root, "a", "two"), FS_OK);
	assert_file(room, "disk/a", "two");
	fs_root_close(&root);
	assert_int_equal(umount(path), 0);
}

static void on_a_coarse_clock_a_generation_tells_versions_apart(void **state)
{
	struct room *room = *state;
	struct fs_info info;
	char a[FS_ETAG_MAX], b[FS_ETAG_MAX];

	room->root.can.coarse_clock = true; /* as the probe would find it */
	assert_int_equal(upload(&room->root, "a", "one"), FS_OK);
	assert_int_equal(fs_stat(&room->root, "a", &info), FS_OK);
	assert_true(info.generation != 0);
	uint64_t first = info.generation;
	assert_false(fs_etag(&room->root, &info, info.ctime_ns, a));
	assert_true(fs_etag(&room->root, &info, info.ctime_ns + 2'000'000'000, b));
	assert_string_equal(a, b);

	assert_int_equal(upload(&room->root, "a", "two"), FS_OK);
	assert_int_equal(fs_stat_at(&room->root, room->root.fd, "a", &info), FS_OK);
	assert_true(info.generation != 0 && info.generation != first);
}

static void where_letters_have_no_case_prefork_has_no_second_name(void **state)
{
	struct room *room = *state;
	struct fs_options options = {0};
	struct fs_root root;
	struct fs_info info;
	struct fs_list *list = malloc(sizeof(*list));
	struct fs_entry entry;
	char path[ROOM_PATH_MAX];
	int flags = FS_CASEFOLD_FL;

	assert_non_null(list);
	if (!mount_disk(room, "disk", "tmpfs", "casefold", path)) {
		free(list);
		return;
	}
	drop_dir(room, "disk/d");
	AUTO_CLOSE int dir = openat(room->root.fd, "disk/d", O_RDONLY | O_CLOEXEC);
	assert_int_equal(ioctl(dir, FS_IOC_SETFLAGS, &flags), 0);
	assert_int_equal(mkdirat(dir, ".PREFORK", 0700), 0);
	fd_close(&dir);
	(void)snprintf(path, sizeof(path), "%s/disk/d", room->dir);
	assert_int_equal(fs_root_open(&root, path, &options, NULL), 0);

	assert_true(root.can.case_blind);
	assert_int_equal(fs_stat(&root, ".PreFork", &info), FS_NOT_FOUND);
	assert_int_equal(fs_stat(&root, ".prefor\xe2\x84\xaa/tmp", &info), FS_NOT_FOUND);
	assert_int_equal(upload(&root, ".Prefork/tmp/x", "1"), FS_FORBIDDEN);
	assert_int_equal(upload(&root, "a", "1"), FS_OK);
	assert_int_equal(fs_list_open(list, &root, ""), FS_OK);
	assert_int_equal(fs_list_next(list, false, &entry), FS_OK);
	assert_string_equal(entry.name, "a");
	assert_int_equal(fs_list_next(list, false, &entry), FS_END);
	fs_list_close(list);
	free(list);
	fs_root_close(&root);
	(void)snprintf(path, sizeof(path), "%s/disk", room->dir);
	assert_int_equal(umount(path), 0);
}

/* As a user whom nothing belongs to: what he may not read, is forbidden, and says so. */
static int try_as_nobody(void *arg)
{
	const struct room *room = arg;
	struct fs_file file = FS_FILE_NONE;
	struct fs_options options = {0};
	struct fs_root root;

	if (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
		return 1;
	if (fs_root_open(&root, room->dir, &options, NULL) != 0 || root.can.writable)
		return 2;
	if (fs_open(&root, "secret", &file) != FS_FORBIDDEN)
		return 3;
	if (fs_open(&root, "open", &file) != FS_OK)
		return 4;
	return upload(&root, "new", "1") == FS_READ_ONLY ? 0 : 5;
}

static void permissions_are_the_kernels(void **state)
{
	struct room *room = *state;
	int how = 0;

	if (getuid() != 0) {
		print_message("# SKIPPED: only root can become somebody else\n");
		return;
	}
	assert_int_equal(chmod(room->dir, 0755), 0);
	drop_file(room, "secret", "1");
	drop_file(room, "open", "1");
	assert_int_equal(fchmodat(room->root.fd, "secret", 0600, 0), 0);
	pid_t child = start_child(try_as_nobody, room);
	assert_int_equal(waitpid(child, &how, 0), child);
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_disk_mounted_read_only_is_served_and_the_probe_says_so, on_disk),
		IN_ROOM(a_disk_without_attributes_is_served_with_less, on_disk),
		EVERYWHERE(on_a_coarse_clock_a_generation_tells_versions_apart),
		IN_ROOM(where_letters_have_no_case_prefork_has_no_second_name, on_disk),
		EVERYWHERE(permissions_are_the_kernels),
	};
	return cmocka_run_group_tests_name("fs_disks", tests, NULL, NULL);
}
