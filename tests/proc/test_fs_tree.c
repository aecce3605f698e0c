/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "base/util.h"
#include "os/clock.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/publish.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/space.h"
#include "service/drive/fs/sweep.h"
#include "service/drive/fs/walk.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/xattr.h>

static void assert_result(enum fs_result got, enum fs_result want)
{
	if (got != want)
		fail_msg("%s, not %s", fs_result_name(got), fs_result_name(want));
}

static enum fs_result move(
	const struct room *room, const char *from, const char *to, bool over)
{
	bool created;

	return fs_move(&room->root, from, to, over, FS_NO_CONDITION, FS_NO_WATCH, &created);
}

static enum fs_result copy(
	const struct room *room, const char *from, const char *to, bool over)
{
	bool created;

	return fs_copy(&room->root, from, to, &(struct fs_copy_how){.overwrite = over},
		FS_NO_WATCH, &created);
}

static enum fs_result remove_path(const struct room *room, const char *path)
{
	return fs_remove(&room->root, path, FS_NO_CONDITION, FS_NO_WATCH);
}

/* t/{file,empty/,sub/{deep,link -> ../file,in/}} */
static void drop_tree(const struct room *room)
{
	drop_dir(room, "t");
	drop_file(room, "t/file", "top");
	drop_dir(room, "t/empty");
	drop_dir(room, "t/sub");
	drop_file(room, "t/sub/deep", "deep");
	drop_link(room, "t/sub/link", "../file");
	drop_dir(room, "t/sub/in");
}

/* A chain of @n directories "d" below @top. */
static void drop_chain(const struct room *room, const char *top, int n)
{
	drop_dir(room, top);
	int at = openat(room->root.fd, top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		assert_int_equal(mkdirat(at, "d", 0755), 0);
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
		assert_true(at >= 0);
	}
	(void)close(at);
}

static void a_directory_is_made_once_and_where_there_is_a_parent(void **state)
{
	struct room *room = *state;

	assert_result(fs_make_dir(&room->root, "a", FS_NO_CONDITION), FS_OK);
	assert_result(fs_make_dir(&room->root, "a", FS_NO_CONDITION), FS_EXISTS);
	assert_result(fs_make_dir(&room->root, "", FS_NO_CONDITION), FS_EXISTS);
	assert_result(fs_make_dir(&room->root, "x/y", FS_NO_CONDITION), FS_NO_PARENT);
	assert_result(fs_make_dir(&room->root, ".prefork", FS_NO_CONDITION), FS_FORBIDDEN);
	assert_result(fs_make_dir(&room->root, "~", FS_NO_CONDITION), FS_FORBIDDEN);
	assert_result(fs_make_dir(&room->root, "a/~", FS_NO_CONDITION), FS_OK);
	drop_file(room, "f", "1");
	assert_result(fs_make_dir(&room->root, "f", FS_NO_CONDITION), FS_EXISTS);
	assert_result(fs_make_dir(&room->root, "f/x", FS_NO_CONDITION), FS_NO_PARENT);
}

static void a_walk_enters_every_directory_and_no_link(void **state)
{
	struct room *room = *state;
	struct fs_walk walk;
	struct fs_walk_entry entry;
	int n[5] = {0};

	drop_tree(room);
	drop_link(room, "t/sub/up", "..");
	assert_result(fs_walk_open(&walk, &room->root, ""), FS_OK);
	while (fs_walk_next(&walk, &entry) == FS_OK) {
		n[entry.event]++;
		if (entry.event == FS_WALK_ENTRY && strcmp(entry.name, "up") == 0)
			assert_true(entry.is_link && entry.info.type == FS_DIRECTORY);
		if (entry.event == FS_WALK_LEAVE && strcmp(entry.name, "in") == 0)
			assert_string_equal(entry.path, "t/sub/in");
	}
	fs_walk_close(&walk);
	assert_int_equal(n[FS_WALK_ENTER], 4);
	assert_int_equal(n[FS_WALK_LEAVE], 4);
	assert_int_equal(n[FS_WALK_ENTRY], 4);
	assert_int_equal(n[FS_WALK_TOO_DEEP] + n[FS_WALK_FAILED], 0);
}

static void a_walk_names_what_is_too_deep_and_goes_no_further(void **state)
{
	struct room *room = *state;
	struct fs_walk walk;
	struct fs_walk_entry entry;
	int n[5] = {0};

	drop_chain(room, "t", FS_WALK_LEVELS + 10);
	assert_result(fs_walk_open(&walk, &room->root, ""), FS_OK);
	while (fs_walk_next(&walk, &entry) == FS_OK)
		n[entry.event]++;
	fs_walk_close(&walk);
	assert_int_equal(n[FS_WALK_ENTER], FS_WALK_LEVELS - 1);
	assert_int_equal(n[FS_WALK_TOO_DEEP], 1);
	assert_result(remove_path(room, "t"), FS_OK);
	assert_false(is_there(room, "t"));
	assert_no_litter(room);
}

static void removing_takes_a_file_a_link_or_a_tree(void **state)
{
	struct room *room = *state;

	drop_tree(room);
	drop_link(room, "link", "t");
	assert_result(remove_path(room, "link"), FS_OK);
	assert_true(is_there(room, "t/sub/deep"));
	assert_result(remove_path(room, "t/file"), FS_OK);
	assert_result(remove_path(room, "t/file"), FS_NOT_FOUND);
	assert_result(remove_path(room, "none/x"), FS_NOT_FOUND);
	assert_result(remove_path(room, ""), FS_FORBIDDEN);
	assert_result(remove_path(room, ".prefork"), FS_FORBIDDEN);
	assert_result(remove_path(room, "t"), FS_OK);
	assert_false(is_there(room, "t"));
	assert_no_litter(room);
}

static void a_tree_of_many_files_and_three_thousand_levels_is_removed(void **state)
{
	struct room *room = *state;
	char name[64];

	drop_chain(room, "t", 3000);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "t/d/d/file-%d", i);
		drop_file(room, name, "");
	}
	assert_result(remove_path(room, "t"), FS_OK);
	assert_false(is_there(room, "t"));
	assert_no_litter(room);
}

static bool never(void *ctx, const struct fs_info *now)
{
	(void)ctx;
	(void)now;
	return false;
}

static void a_condition_holds_a_removal_and_a_move_back(void **state)
{
	struct room *room = *state;
	struct fs_condition no = {.kind = FS_IF_HOLDS, .holds = never};
	bool created;

	drop_file(room, "a", "1");
	assert_result(fs_remove(&room->root, "a", &no, FS_NO_WATCH), FS_CHANGED);
	assert_result(fs_move(&room->root, "a", "b", true, &no, FS_NO_WATCH, &created),
		FS_CHANGED);
	assert_file(room, "a", "1");
	assert_false(is_there(room, "b"));
}

struct failures {
	int n;
	char last[256];
	enum fs_result why;
};

static void note_failure(void *ctx, const char *path, enum fs_result why)
{
	struct failures *seen = ctx;

	seen->n++;
	seen->why = why;
	(void)snprintf(seen->last, sizeof(seen->last), "%s", path);
}

static void what_cannot_be_removed_is_named_and_comes_back(void **state)
{
	struct room *room = *state;
	struct failures seen = {0};
	struct fs_watch watch = {.failed = note_failure, .ctx = &seen};
	char path[ROOM_PATH_MAX];

	drop_tree(room);
	if (!mount_disk(room, "t/sub/in", "tmpfs", "size=64k", path))
		return;
	drop_file(room, "t/sub/in/precious", "kept");

	assert_result(fs_remove(&room->root, "t", FS_NO_CONDITION, &watch), FS_PARTIAL);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.last, "t/sub/in");
	assert_int_equal(seen.why, FS_BUSY);
	assert_file(room, "t/sub/in/precious", "kept");
	assert_false(is_there(room, "t/file"));
	assert_false(is_there(room, "t/sub/deep"));
	assert_no_litter(room);
	assert_result(remove_path(room, "t/sub/in"), FS_BUSY);
	assert_int_equal(umount(path), 0);
}

static void a_move_is_one_rename_with_or_without_a_target(void **state)
{
	struct room *room = *state;

	drop_tree(room);
	drop_file(room, "a", "a");
	assert_result(move(room, "a", "b", false), FS_OK);
	assert_file(room, "b", "a");
	assert_false(is_there(room, "a"));
	assert_result(move(room, "b", "t/file", false), FS_EXISTS);
	assert_result(move(room, "b", "t/file", true), FS_OK);
	assert_file(room, "t/file", "a");

	drop_dir(room, "u");
	drop_file(room, "u/old", "old");
	assert_result(move(room, "t", "u", false), FS_EXISTS);
	assert_result(move(room, "t", "u", true), FS_OK);
	assert_file(room, "u/sub/deep", "deep");
	assert_false(is_there(room, "u/old"));
	assert_false(is_there(room, "t"));

	drop_file(room, "f", "f");
	assert_result(move(room, "f", "u", true), FS_OK);
	assert_file(room, "u", "f");
	drop_tree(room);
	assert_result(move(room, "t", "u", true), FS_OK);
	assert_file(room, "u/file", "top");
	assert_no_litter(room);
}

static void nothing_moves_or_copies_into_itself(void **state)
{
	struct room *room = *state;

	drop_tree(room);
	drop_link(room, "alias", "t");
	assert_result(move(room, "t", "t", true), FS_SAME);
	assert_result(move(room, "alias/file", "t/file", true), FS_SAME);
	assert_result(move(room, "t", "t/sub/x", true), FS_INSIDE_ITSELF);
	assert_result(move(room, "t", "alias/sub/x", true), FS_INSIDE_ITSELF);
	assert_result(move(room, "t/sub", "t", true), FS_INSIDE_ITSELF);
	assert_result(move(room, "alias/sub", "t", true), FS_INSIDE_ITSELF);
	assert_result(copy(room, "t", "t", true), FS_SAME);
	assert_result(copy(room, "alias/file", "t/file", true), FS_SAME);
	assert_result(copy(room, "t", "alias/sub/x", true), FS_INSIDE_ITSELF);
	assert_result(copy(room, "t/sub", "t", true), FS_INSIDE_ITSELF);
	assert_result(copy(room, "", "t/x", true), FS_INSIDE_ITSELF);
	assert_result(move(room, "", "x", true), FS_FORBIDDEN);
	assert_result(move(room, "none", "x", true), FS_NOT_FOUND);
	assert_result(move(room, "t", "none/x", true), FS_NO_PARENT);
	assert_result(move(room, "t", ".prefork/x", true), FS_FORBIDDEN);
	assert_result(copy(room, ".prefork/tmp", "x", true), FS_NOT_FOUND);
	assert_file(room, "t/sub/deep", "deep");
	assert_no_litter(room);
}

static void a_hard_link_moved_over_its_other_name_is_gone(void **state)
{
	struct room *room = *state;

	drop_file(room, "a", "one");
	assert_int_equal(linkat(room->root.fd, "a", room->root.fd, "b", 0), 0);
	assert_result(move(room, "a", "b", false), FS_EXISTS);
	assert_result(copy(room, "a", "b", true), FS_SAME);
	assert_result(move(room, "a", "b", true), FS_OK);
	assert_false(is_there(room, "a"));
	assert_file(room, "b", "one");
	assert_no_litter(room);
}

static void a_copy_has_contents_time_mode_and_properties(void **state)
{
	struct room *room = *state;
	struct fs_info old, new;
	char value[8];

	drop_tree(room);
	AUTO_CLOSE int fd = openat(room->root.fd, "t/sub/deep", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(fd, "user.color", "red", 3, 0), 0);
	assert_int_equal(fchmod(fd, 0604), 0);
	assert_int_equal(file_set_mtime(fd, 1'111'111'111'222'333'444), 0);
	assert_int_equal(fchmodat(room->root.fd, "t/sub", 0705, 0), 0);

	assert_result(copy(room, "t", "u", false), FS_OK);
	assert_result(copy(room, "t/sub/deep", "single", false), FS_OK);
	static const char *const copies[] = {"u/sub/deep", "single"};
	for (size_t i = 0; i < ARRAY_LEN(copies); i++) {
		assert_result(fs_stat(&room->root, "t/sub/deep", &old), FS_OK);
		assert_result(fs_stat(&room->root, copies[i], &new), FS_OK);
		assert_int_equal(new.mode, 0604);
		assert_true(new.mtime_ns == old.mtime_ns &&new.inode != old.inode);
		assert_file(room, copies[i], "deep");
		AUTO_CLOSE int copied =
			openat(room->root.fd, copies[i], O_RDONLY | O_CLOEXEC);
		assert_int_equal(fgetxattr(copied, "user.color", value, sizeof(value)), 3);
	}
	assert_result(fs_stat(&room->root, "u/sub", &new), FS_OK);
	assert_int_equal(new.mode, 0705);
	assert_file(room, "u/sub/link", "top");
	assert_true(is_there(room, "u/empty"));
	assert_no_litter(room);
}

static void a_copy_replaces_only_where_it_may_and_then_whole(void **state)
{
	struct room *room = *state;
	bool created = true;

	drop_tree(room);
	drop_dir(room, "u");
	drop_file(room, "u/old", "old");
	drop_file(room, "f", "f");
	assert_result(copy(room, "t", "u", false), FS_EXISTS);
	assert_result(copy(room, "f", "u/old", false), FS_EXISTS);
	assert_file(room, "u/old", "old");
	assert_result(copy(room, "t", "u", true), FS_OK);
	assert_false(is_there(room, "u/old"));
	assert_file(room, "u/sub/deep", "deep");
	assert_result(copy(room, "f", "u", true), FS_OK);
	assert_file(room, "u", "f");
	assert_result(fs_copy(&room->root, "t", "u",
			      &(struct fs_copy_how){.overwrite = true, .shallow = true},
			      FS_NO_WATCH, &created),
		FS_OK);
	assert_false(created);
	assert_int_equal(count_entries(room, "u"), 0);
	assert_no_litter(room);
}

static bool stop_at_once(void *ctx)
{
	(void)ctx;
	return false;
}

static void a_broken_copy_changes_nothing(void **state)
{
	struct room *room = *state;
	struct failures seen = {0};
	struct fs_watch watch = {.failed = note_failure, .ctx = &seen};
	struct fs_copy_how how = {.overwrite = true};
	bool created;

	drop_tree(room);
	drop_dir(room, "u");
	drop_file(room, "u/old", "old");
	assert_int_equal(mkfifoat(room->root.fd, "t/sub/fifo", 0666), 0);
	assert_result(fs_copy(&room->root, "t", "u", &how, &watch, &created), FS_PARTIAL);
	assert_string_equal(seen.last, "t/sub/fifo");
	assert_int_equal(seen.why, FS_FORBIDDEN);
	watch.go_on = stop_at_once;
	assert_result(fs_copy(&room->root, "t", "u", &how, &watch, &created), FS_CANCELLED);
	assert_file(room, "u/old", "old");
	assert_int_equal(count_entries(room, "u"), 1);
	assert_no_litter(room);
}

/* Somebody who adds to a tree while it is copied: at the first entry, so all are known. */
struct adder {
	const struct room *room;
	bool has_added;
};

static bool add_one(void *ctx)
{
	struct adder *adder = ctx;
	int64_t now_ns = (int64_t)clock_wall_ns();

	if (adder->has_added)
		return true;
	while (file_clock_ns() <= now_ns) /* the next tick of that clock */
		continue;
	drop_file(adder->room, "t/late", "not copied");
	return adder->has_added = true;
}

static void what_is_added_to_a_tree_while_it_moves_to_another_disk_is_not_lost(void **state)
{
	struct room *room = *state;
	struct adder adder = {.room = room};
	const struct fs_watch watch = {.go_on = add_one, .ctx = &adder};
	char path[ROOM_PATH_MAX];
	bool created;

	drop_tree(room);
	if (!mount_disk(room, "disk", "tmpfs", "size=1m", path))
		return;
	assert_result(fs_move(&room->root, "t", "disk/t", false, FS_NO_CONDITION, &watch,
			      &created),
		FS_CHANGED);
	assert_file(room, "disk/t/sub/deep", "deep");
	assert_file(room, "t/late", "not copied");
	assert_file(room, "t/sub/deep", "deep");
	assert_no_litter(room);
	assert_int_equal(umount(path), 0);
}

static void a_move_to_another_disk_is_a_copy_and_a_removal(void **state)
{
	struct room *room = *state;
	char path[ROOM_PATH_MAX];

	drop_tree(room);
	if (!mount_disk(room, "disk", "tmpfs", "size=1m", path))
		return;
	assert_result(move(room, "t", "disk/t", false), FS_OK);
	assert_false(is_there(room, "t"));
	assert_file(room, "disk/t/sub/deep", "deep");
	assert_result(move(room, "disk/t/file", "back", false), FS_OK);
	assert_file(room, "back", "top");
	assert_result(remove_path(room, "disk/t"), FS_OK);
	assert_int_equal(count_entries(room, "disk"), 0);
	assert_no_litter(room);
	assert_int_equal(umount(path), 0);
}

static void the_space_is_that_of_the_disk(void **state)
{
	struct room *room = *state;
	struct fs_space space;

	assert_result(fs_space(&room->root, "", &space), FS_OK);
	assert_true(space.used_bytes + space.available_bytes > 0);
	assert_result(fs_space(&room->root, "none", &space), FS_NOT_FOUND);
}

struct victim {
	struct room *room;
	const char *path;
	int ready; /* a byte is written when the work is half done */
};

/* Uploads half a file with a name, so that there is litter, and waits to be killed. */
static int upload_half(void *arg)
{
	struct victim *victim = arg;
	struct fs_publish pub;
	char byte;

	victim->room->root.can.unnamed = false;
	if (fs_publish_begin(&pub, &victim->room->root, victim->path, 4) != FS_OK
		|| fs_publish_write(&pub, "half", 4, 0) != FS_OK
		|| write(victim->ready, "x", 1) != 1)
		return 1;
	return read(victim->ready, &byte, 1) == 0; /* never */
}

static void sweep_around_a_victim(struct room *room, const char *path)
{
	struct fs_swept swept;
	int ready[2];
	char byte;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ready), 0);
	struct victim victim = {room, path, ready[1]};
	pid_t child = start_child(upload_half, &victim);
	assert_int_equal(read(ready[0], &byte, 1), 1);

	assert_result(fs_sweep(&room->root, FS_NO_WATCH, &swept), FS_OK);
	assert_int_equal(swept.n_held, 1);
	assert_int_equal(swept.n_removed, 0);
	stop_child(child);
	assert_result(fs_sweep(&room->root, FS_NO_WATCH, &swept), FS_OK);
	assert_int_equal(swept.n_held + swept.n_failed, 0);
	assert_int_equal(swept.n_removed, 1);
	assert_no_litter(room);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void the_sweep_takes_what_the_dead_left_and_nothing_else(void **state)
{
	struct room *room = *state;
	struct fs_swept swept;
	char path[ROOM_PATH_MAX];

	drop_file(room, "a", "old");
	sweep_around_a_victim(room, "a");
	assert_file(room, "a", "old");

	drop_dir(room, ".prefork/tmp/tree");
	drop_file(room, ".prefork/tmp/tree/file", "1");
	drop_link(room, ".prefork/tmp/link", "/etc");
	assert_result(fs_sweep(&room->root, FS_NO_WATCH, &swept), FS_OK);
	assert_int_equal(swept.n_removed, 2);
	assert_no_litter(room);

	if (!mount_disk(room, "disk", "tmpfs", "size=1m", path))
		return;
	sweep_around_a_victim(room, "disk/a");
	assert_int_equal(count_entries(room, "disk"), 0);
	assert_int_equal(umount(path), 0);
}

enum { SAME, OTHER, SWEPT, FAILED };

/* Half of the racers start as workers do, the other half sweep all the while. */
static int start_or_sweep(void *arg, int me)
{
	const struct room *room = arg;
	struct reason reason;

	for (int i = 0; i < (me % 2 ? 1'000 : 20); i++) {
		struct fs_root root;
		struct fs_swept swept;

		if (me % 2 && fs_sweep(&room->root, FS_NO_WATCH, &swept) != FS_OK)
			return FAILED;
		if (me % 2)
			continue;
		if (fs_root_open(&root, room->dir, &(struct fs_options){0}, &reason) < 0)
			return FAILED;
		bool is_same = memcmp(&root.can, &room->root.can, sizeof(root.can)) == 0;
		fs_root_close(&root);
		if (!is_same)
			return OTHER;
	}
	return me % 2 ? SWEPT : SAME;
}

static void a_sweep_does_not_change_what_another_worker_finds_the_disk_can(void **state)
{
	struct room *room = *state;

	assert_int_equal(race(start_or_sweep, room, SAME), RACERS / 2);
	assert_no_litter(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_directory_is_made_once_and_where_there_is_a_parent),
		EVERYWHERE(a_walk_enters_every_directory_and_no_link),
		EVERYWHERE(a_walk_names_what_is_too_deep_and_goes_no_further),
		EVERYWHERE(removing_takes_a_file_a_link_or_a_tree),
		EVERYWHERE(a_tree_of_many_files_and_three_thousand_levels_is_removed),
		EVERYWHERE(a_condition_holds_a_removal_and_a_move_back),
		EVERYWHERE(what_cannot_be_removed_is_named_and_comes_back),
		EVERYWHERE(a_move_is_one_rename_with_or_without_a_target),
		EVERYWHERE(nothing_moves_or_copies_into_itself),
		EVERYWHERE(a_hard_link_moved_over_its_other_name_is_gone),
		EVERYWHERE(a_copy_has_contents_time_mode_and_properties),
		EVERYWHERE(a_copy_replaces_only_where_it_may_and_then_whole),
		EVERYWHERE(a_broken_copy_changes_nothing),
		EVERYWHERE(
			what_is_added_to_a_tree_while_it_moves_to_another_disk_is_not_lost),
		EVERYWHERE(a_move_to_another_disk_is_a_copy_and_a_removal),
		EVERYWHERE(the_space_is_that_of_the_disk),
		EVERYWHERE(the_sweep_takes_what_the_dead_left_and_nothing_else),
		IN_ROOM(a_sweep_does_not_change_what_another_worker_finds_the_disk_can,
			on_disk),
	};
	return cmocka_run_group_tests_name("fs_tree", tests, NULL, NULL);
}
