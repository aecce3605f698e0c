/* SPDX-License-Identifier: MIT */

#include "fs_room.h"

#include "service/drive/fs/place.h"

static int open_descriptors(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* Which folder the place of @path is in, as a look from outside says. */
static void assert_place_in(const struct room *room, const char *path, const char *folder)
{
	AUTO_PLACE place = FS_PLACE_NONE;
	struct stat st;

	assert_int_equal(fs_place_open(&place, &room->root, path), FS_OK);
	assert_int_equal(fstatat(room->root.fd, folder, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(place.inode, st.st_ino);
	assert_int_equal(fstatat(place.dir, "", &st, AT_EMPTY_PATH), 0);
	assert_int_equal(place.inode, st.st_ino);
	assert_string_equal(place.name, path + fs_path_last(path));
}

static void a_folder_stays_open_for_the_next_change(void **state)
{
	struct room *room = *state;
	int n = open_descriptors();

	drop_dir(room, "a");
	assert_place_in(room, "a/x", "a");
	int kept = room->root.kept->dir;
	assert_true(kept >= 0);
	assert_place_in(room, "a/y", "a");
	assert_int_equal(room->root.kept->dir, kept);
	assert_int_equal(open_descriptors(), n + 1);

	assert_place_in(room, "x", ".");
	assert_place_in(room, "y", ".");
	assert_int_equal(open_descriptors(), n + 1);
}

static void another_folder_of_the_same_name_is_another(void **state)
{
	struct room *room = *state;

	drop_dir(room, "a");
	assert_place_in(room, "a/x", "a");
	assert_int_equal(renameat(room->root.fd, "a", room->root.fd, "b"), 0);
	drop_dir(room, "a");
	assert_place_in(room, "a/x", "a");
	assert_place_in(room, "b/x", "b");

	assert_int_equal(unlinkat(room->root.fd, "b", AT_REMOVEDIR), 0);
	struct fs_place place;
	assert_int_equal(fs_place_open(&place, &room->root, "b/x"), FS_NO_PARENT);
	drop_dir(room, "b");
	assert_place_in(room, "b/x", "b");
}

static void a_link_in_the_folders_way_is_never_kept(void **state)
{
	struct room *room = *state;

	drop_dir(room, "a");
	drop_link(room, "link", "a");
	assert_place_in(room, "link/x", "a");
	assert_int_equal(room->root.kept->dir, -1);
	assert_place_in(room, "a/x", "a");

	/* It is moved out of the root, and a link leads there. */
	char outside[128];
	(void)snprintf(outside, sizeof(outside), "%s.outside", room->dir);
	assert_int_equal(mkdir(outside, 0700), 0);
	drop_dir(room, "d");
	drop_dir(room, "d/e");
	assert_place_in(room, "d/e/x", "d/e");
	char target[160];
	(void)snprintf(target, sizeof(target), "%s/d", outside);
	assert_int_equal(renameat(room->root.fd, "d", AT_FDCWD, target), 0);
	drop_link(room, "d", target);
	room->root.kept->resolved_ns -= FS_PLACE_TRUST_NS;
	struct fs_place place;
	assert_int_equal(fs_place_open(&place, &room->root, "d/e/x"), FS_OUTSIDE);
	assert_int_equal(nftw(outside, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void places_that_are_open_at_once_keep_to_their_own_folders(void **state)
{
	struct room *room = *state;

	drop_dir(room, "a");
	drop_dir(room, "b");
	for (int first = 0; first < 2; first++) {
		int n = open_descriptors() - (room->root.kept->dir >= 0);
		struct fs_place a, b, again;
		assert_int_equal(fs_place_open(&a, &room->root, "a/x"), FS_OK);
		assert_int_equal(fs_place_open(&b, &room->root, "b/x"), FS_OK);
		assert_int_equal(fs_place_open(&again, &room->root, "b/x"), FS_OK);
		fs_place_close(first ? &a : &b);
		assert_place_in(room, "a/y", "a");
		assert_place_in(room, "b/y", "b");
		fs_place_close(first ? &b : &a);
		fs_place_close(&again);
		assert_place_in(room, "a/y", "a");
		assert_place_in(room, "b/y", "b");
		assert_int_equal(open_descriptors(), n + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_folder_stays_open_for_the_next_change),
		EVERYWHERE(another_folder_of_the_same_name_is_another),
		EVERYWHERE(a_link_in_the_folders_way_is_never_kept),
		EVERYWHERE(places_that_are_open_at_once_keep_to_their_own_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
