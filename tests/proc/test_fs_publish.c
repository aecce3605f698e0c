/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "base/util.h"
#include "os/pipe.h"
#include "service/drive/fs/open.h"
#include "service/drive/fs/publish.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

static enum fs_result put(const struct room *room, const char *path, const char *text,
	const struct fs_condition *condition, struct fs_published *out)
{
	struct fs_publish pub;

	enum fs_result result = fs_publish_begin(&pub, &room->root, path, strlen(text));
	if (result != FS_OK)
		return result;
	result = fs_publish_write(&pub, text, strlen(text), 0);
	if (result == FS_OK)
		result = fs_publish_commit(&pub, condition, FS_MTIME_NOW, out);
	fs_publish_end(&pub);
	return result;
}

static void assert_puts(const struct room *room, const char *path, const char *text)
{
	struct fs_published done;

	assert_int_equal(put(room, path, text, FS_NO_CONDITION, &done), FS_OK);
	assert_int_equal(done.info.size, strlen(text));
}

static bool is_version(void *ctx, const struct fs_info *now)
{
	return now && fs_info_same_version(ctx, now);
}

static void new_contents_take_the_place_of_old_ones(void **state)
{
	struct room *room = *state;
	struct fs_published done;
	struct fs_info info;

	assert_int_equal(put(room, "new", "first", FS_NO_CONDITION, &done), FS_OK);
	assert_true(done.created);
	assert_file(room, "new", "first");
	assert_int_equal(put(room, "new", "second", FS_NO_CONDITION, &done), FS_OK);
	assert_false(done.created);
	assert_file(room, "new", "second");
	assert_int_equal(fs_stat(&room->root, "new", &info), FS_OK);
	assert_true(fs_info_same_version(&info, &done.info));
	assert_puts(room, "empty", "");
	assert_file(room, "empty", "");
	assert_no_litter(room);
}

static void an_upload_has_no_place_where_it_may_not_stand(void **state)
{
	struct room *room = *state;
	struct fs_published done;
	static const struct {
		const char *path;
		enum fs_result want;
	} cases[] = {
		{"none/x", FS_NO_PARENT},
		{"file/x", FS_NO_PARENT},
		{"dir", FS_IS_DIRECTORY},
		{"todir", FS_IS_DIRECTORY},
		{"", FS_FORBIDDEN},
		{"~", FS_FORBIDDEN},
		{".prefork", FS_FORBIDDEN},
		{".prefork/x", FS_FORBIDDEN},
		{"..", FS_FORBIDDEN},
		{"dir/../x", FS_FORBIDDEN},
		{"out/x", FS_OUTSIDE},
		{"in/x", FS_NO_PARENT},
		{"dir/.prefork-tmp-1", FS_FORBIDDEN},
	};

	drop_file(room, "file", "1");
	drop_dir(room, "dir");
	drop_link(room, "todir", "dir");
	drop_link(room, "out", "/var/tmp");
	drop_link(room, "in", ".prefork/tmp");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum fs_result got = put(room, cases[i].path, "x", FS_NO_CONDITION, &done);
		if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].path, fs_result_name(got));
	}
	assert_no_litter(room);
}

static void a_replaced_file_keeps_its_mode_and_properties_and_a_link_its_target(
	void **state)
{
	struct room *room = *state;
	struct fs_published done;
	char value[16];

	drop_file(room, "file", "old");
	assert_int_equal(fchmodat(room->root.fd, "file", 0640, 0), 0);
	AUTO_CLOSE int old = openat(room->root.fd, "file", O_RDWR | O_CLOEXEC);
	assert_int_equal(fsetxattr(old, "user.color", "red", 3, 0), 0);

	assert_int_equal(put(room, "file", "new", FS_NO_CONDITION, &done), FS_OK);
	assert_int_equal(done.info.mode, 0640);
	AUTO_CLOSE int now = openat(room->root.fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fgetxattr(now, "user.color", value, sizeof(value)), 3);
	assert_int_equal(read(old, value, sizeof(value)), 3);
	assert_memory_equal(value, "old", 3);

	drop_file(room, "target", "safe");
	drop_link(room, "link", "target");
	assert_puts(room, "link", "mine");
	assert_file(room, "target", "safe");
	assert_file(room, "link", "mine");
}

static void a_condition_is_checked_when_the_name_changes_hands(void **state)
{
	struct room *room = *state;
	struct fs_published done;
	struct fs_publish pub;
	struct fs_info seen;
	struct fs_condition same = {FS_IF_HOLDS, is_version, &seen};
	struct fs_condition absent = {.kind = FS_IF_ABSENT},
			    present = {.kind = FS_IF_PRESENT};

	assert_int_equal(put(room, "a", "x", &present, &done), FS_CHANGED);
	assert_int_equal(put(room, "a", "x", &absent, &done), FS_OK);
	assert_int_equal(put(room, "a", "x", &absent, &done), FS_EXISTS);
	assert_int_equal(put(room, "a", "old", &present, &done), FS_OK);

	seen = done.info;
	assert_int_equal(fs_publish_begin(&pub, &room->root, "a", FS_SIZE_UNKNOWN), FS_OK);
	assert_int_equal(fs_publish_write(&pub, "mine", 4, 0), FS_OK);
	assert_puts(room, "a", "theirs");
	assert_int_equal(fs_publish_commit(&pub, &same, FS_MTIME_NOW, &done), FS_CHANGED);
	assert_file(room, "a", "theirs");

	assert_int_equal(fs_stat(&room->root, "a", &seen), FS_OK);
	assert_int_equal(fs_publish_commit(&pub, &same, FS_MTIME_NOW, &done), FS_OK);
	assert_file(room, "a", "mine");
	fs_publish_end(&pub);
	assert_no_litter(room);
}

static void an_upload_given_up_leaves_the_old_file_and_no_litter(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;

	drop_file(room, "a", "old");
	int before = count_entries(room, "");
	assert_int_equal(fs_publish_begin(&pub, &room->root, "a", 100), FS_OK);
	assert_int_equal(fs_publish_write(&pub, "half", 4, 0), FS_OK);
	fs_publish_end(&pub);
	assert_int_equal(fs_publish_begin(&pub, &room->root, "b", 100), FS_OK);
	fs_publish_end(&pub);

	assert_file(room, "a", "old");
	assert_int_equal(count_entries(room, ""), before);
	assert_no_litter(room);
}

static void a_set_time_is_kept_to_the_second_and_tells_versions_apart(void **state)
{
	struct room *room = *state;
	struct fs_published done;
	int64_t seen[2];

	for (int i = 0; i < 2; i++) {
		struct fs_publish pub;
		assert_int_equal(fs_publish_begin(&pub, &room->root, "t", 0), FS_OK);
		assert_int_equal(fs_publish_commit(&pub, FS_NO_CONDITION,
					 1'000'000'007 * (int64_t)NS_PER_SEC, &done),
			FS_OK);
		fs_publish_end(&pub);
		seen[i] = done.info.mtime_ns;
		assert_int_equal(seen[i] / (int64_t)NS_PER_SEC, 1'000'000'007);
		int64_t tick = file_clock_ns();
		while (file_clock_ns() == tick) /* the next tick of the file clock */
			continue;
	}
	assert_true(room->root.can.coarse_clock || seen[0] != seen[1]);
}

static int create_once(void *arg, int me)
{
	struct fs_published done;
	char text[16];

	(void)snprintf(text, sizeof(text), "racer %d", me);
	return put(arg, "prize", text, &(struct fs_condition){.kind = FS_IF_ABSENT}, &done);
}

static void of_many_who_create_one_file_exactly_one_wins(void **state)
{
	struct room *room = *state;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(race(create_once, room, FS_OK), 1);
		assert_int_equal(unlinkat(room->root.fd, "prize", 0), 0);
	}
	assert_no_litter(room);
}

struct replace_race {
	struct room *room;
	struct fs_info seen;
};

static int replace_version(void *arg, int me)
{
	struct replace_race *one = arg;
	struct fs_condition same = {FS_IF_HOLDS, is_version, &one->seen};
	struct fs_published done;
	char text[16];

	(void)snprintf(text, sizeof(text), "racer %d", me);
	return put(one->room, "prize", text, &same, &done);
}

static void of_many_who_replace_one_version_exactly_one_wins(void **state)
{
	struct replace_race one = {.room = *state};

	assert_puts(one.room, "prize", "0");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(fs_stat(&one.room->root, "prize", &one.seen), FS_OK);
		assert_int_equal(race(replace_version, &one, FS_OK), 1);
	}
	assert_no_litter(one.room);
}

#define BIG (64u << 10)

/* Writes files all of one letter, each time another, and no two of one size. */
static int replace_for_ever(void *arg)
{
	static char text[BIG + 26];
	struct fs_published done;

	for (unsigned i = 0;; i = (i + 1) % 26) {
		memset(text, (char)('a' + i), BIG + i);
		text[BIG + i] = '\0';
		if (put(arg, "whole", text, FS_NO_CONDITION, &done) != FS_OK)
			return 1;
	}
}

static void a_reader_sees_an_old_or_a_new_file_and_never_a_part(void **state)
{
	struct room *room = *state;
	static char text[BIG + 26];

	room->root.durable = false;
	memset(text, 'a', BIG);
	text[BIG] = '\0'; /* the room before left its bytes there */
	assert_puts(room, "whole", text);
	pid_t writers[2];
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		writers[i] = start_child(replace_for_ever, room);

	for (int i = 0; i < 2000; i++) {
		struct fs_file file;
		assert_int_equal(fs_open(&room->root, "whole", &file), FS_OK);
		ssize_t n = file_read_at(file.fd, text, sizeof(text), 0);
		fd_close(&file.fd);
		assert_int_equal(n, file.info.size);
		assert_int_equal(n, BIG + (unsigned)(text[0] - 'a'));
		for (ssize_t at = 1; at < n; at++)
			assert_true(text[at] == text[0]);
	}
	for (size_t i = 0; i < ARRAY_LEN(writers); i++)
		stop_child(writers[i]);
}

static void a_full_disk_says_so_at_once_and_keeps_the_old_file(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	char path[ROOM_PATH_MAX];
	static char much[512 << 10];

	if (!mount_disk(room, "small", "tmpfs", "size=256k", path))
		return;
	drop_file(room, "small/a", "old");
	assert_int_equal(
		fs_publish_begin(&pub, &room->root, "small/a", sizeof(much)), FS_NO_SPACE);
	assert_int_equal(
		fs_publish_begin(&pub, &room->root, "small/a", FS_SIZE_UNKNOWN), FS_OK);
	assert_int_equal(fs_publish_write(&pub, much, sizeof(much), 0), FS_NO_SPACE);
	fs_publish_end(&pub);
	assert_file(room, "small/a", "old");
	assert_int_equal(count_entries(room, "small"), 1);
	assert_no_litter(room);
	assert_int_equal(umount(path), 0);
}

/* Fills an empty pipe of ours with @n times @letter. */
static void fill(int pipe, char letter, size_t n)
{
	static char text[512 << 10];

	assert_true(n <= sizeof(text));
	memset(text, letter, n);
	assert_int_equal(write(pipe, text, n), n);
}

static void what_is_in_a_pipe_is_published_like_anything_else(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	struct fs_published done;
	char got[5];
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int in = -1;

	assert_int_equal(pipe_open_large(1 << 20, &out, &in), 0);
	assert_int_equal(fs_publish_begin(&pub, &room->root, "a", FS_SIZE_UNKNOWN), FS_OK);
	assert_int_equal(fs_publish_splices(&pub), room->root.can.unnamed);
	assert_int_equal(fs_publish_write(&pub, "head", 4, 0), FS_OK);
	fill(in, 'x', 200'000);
	assert_int_equal(fs_publish_splice(&pub, out, 150'000, 4), FS_OK);
	assert_int_equal(fs_publish_splice(&pub, out, 50'000, 150'004), FS_OK);
	assert_int_equal(
		fs_publish_commit(&pub, FS_NO_CONDITION, FS_MTIME_NOW, &done), FS_OK);
	fs_publish_end(&pub);

	assert_int_equal(done.info.size, 200'004);
	AUTO_CLOSE int fd = openat(room->root.fd, "a", O_RDONLY | O_CLOEXEC);
	assert_int_equal(pread(fd, got, 5, 0), 5);
	assert_memory_equal(got, "headx", 5);
	assert_int_equal(pread(fd, got, 5, 200'000), 4);
	assert_memory_equal(got, "xxxx", 4);
}

static void a_full_disk_keeps_the_old_file_and_leaves_the_rest_in_the_pipe(void **state)
{
	struct room *room = *state;
	struct fs_options options = {0};
	struct fs_publish pub;
	struct fs_root root;
	char path[ROOM_PATH_MAX];
	int n_left;
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int in = -1;

	if (!mount_disk(room, "small", "tmpfs", "size=256k", path))
		return;
	drop_file(room, "small/a", "old");
	assert_int_equal(fs_root_open(&root, path, &options, NULL), 0);
	assert_int_equal(pipe_open_large(1 << 20, &out, &in), 0);
	assert_int_equal(fs_publish_begin(&pub, &root, "a", FS_SIZE_UNKNOWN), FS_OK);
	assert_true(fs_publish_splices(&pub));
	fill(in, 'x', 512 << 10);
	assert_int_equal(fs_publish_splice(&pub, out, 512 << 10, 0), FS_NO_SPACE);
	assert_int_equal(ioctl(out, FIONREAD, &n_left), 0);
	assert_in_range(n_left, 256 << 10, (512 << 10) - 1);
	fs_publish_end(&pub);
	fs_root_close(&root);
	assert_file(room, "small/a", "old");
	assert_int_equal(umount(path), 0);
}

static void past_a_mount_point_nothing_is_spliced(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	char path[ROOM_PATH_MAX];

	if (!mount_disk(room, "small", "tmpfs", "size=256k", path))
		return;
	assert_int_equal(fs_publish_begin(&pub, &room->root, "small/a", 1), FS_OK);
	assert_false(fs_publish_splices(&pub));
	fs_publish_end(&pub);
	assert_int_equal(umount(path), 0);
}

static void past_a_mount_point_the_temporary_is_there_too(void **state)
{
	struct room *room = *state;
	char path[ROOM_PATH_MAX];

	if (!mount_disk(room, "small", "tmpfs", "size=256k", path))
		return;
	assert_puts(room, "small/a", "first");
	assert_puts(room, "small/a", "second");
	assert_file(room, "small/a", "second");
	assert_int_equal(count_entries(room, "small"), 1);
	assert_no_litter(room);
	assert_int_equal(umount(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(new_contents_take_the_place_of_old_ones),
		EVERYWHERE(an_upload_has_no_place_where_it_may_not_stand),
		EVERYWHERE(
			a_replaced_file_keeps_its_mode_and_properties_and_a_link_its_target),
		EVERYWHERE(a_condition_is_checked_when_the_name_changes_hands),
		EVERYWHERE(an_upload_given_up_leaves_the_old_file_and_no_litter),
		EVERYWHERE(a_set_time_is_kept_to_the_second_and_tells_versions_apart),
		EVERYWHERE(of_many_who_create_one_file_exactly_one_wins),
		EVERYWHERE(of_many_who_replace_one_version_exactly_one_wins),
		EVERYWHERE(a_reader_sees_an_old_or_a_new_file_and_never_a_part),
		EVERYWHERE(a_full_disk_says_so_at_once_and_keeps_the_old_file),
		EVERYWHERE(past_a_mount_point_the_temporary_is_there_too),
		EVERYWHERE(what_is_in_a_pipe_is_published_like_anything_else),
		IN_ROOM(a_full_disk_keeps_the_old_file_and_leaves_the_rest_in_the_pipe,
			on_disk),
		IN_ROOM(past_a_mount_point_nothing_is_spliced, on_disk),
	};
	return cmocka_run_group_tests_name("fs_publish", tests, NULL, NULL);
}
