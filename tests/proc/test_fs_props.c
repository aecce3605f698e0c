/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "service/drive/fs/copy.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/props.h"
#include "service/drive/fs/publish.h"
#include "service/drive/fs/remove.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define LARGE 100'000u

/* Sets the properties to @n times @byte, unless @result says otherwise. */
struct order {
	char byte;
	size_t n;
	enum fs_result result;
	int64_t mtime_ns;
};

static enum fs_result carry_out(void *ctx, struct fs_props_edit *edit)
{
	const struct order *order = ctx;

	buf_clear(edit->props);
	for (size_t i = 0; i < order->n; i++)
		buf_put_byte(edit->props, order->byte);
	if (order->mtime_ns)
		edit->mtime_ns = order->mtime_ns;
	return order->result;
}

static enum fs_result set(const struct room *room, const char *path, char byte, size_t n)
{
	struct order order = {.byte = byte, .n = n};

	return fs_props_change(&room->root, path, FS_NO_CONDITION, carry_out, &order);
}

static void assert_props(const struct room *room, const char *path, char byte, size_t n)
{
	AUTO_BUF got = BUF_INIT(FS_PROPS_MAX + 64);

	assert_int_equal(fs_props_read(&room->root, path, &got), FS_OK);
	assert_int_equal(got.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got.p[i], byte);
}

static int n_aside(const struct room *room)
{
	return is_there(room, ".prefork/props") ? count_entries(room, ".prefork/props") : 0;
}

static void properties_of_any_size_are_kept_and_changed_and_removed(void **state)
{
	struct room *room = *state;
	static const size_t sizes[] = {1, 3000, 3073, LARGE, FS_PROPS_MAX, 10, LARGE, 0};

	drop_file(room, "f", "x");
	drop_dir(room, "d");
	assert_props(room, "f", 'x', 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		assert_int_equal(set(room, "f", (char)('a' + i), sizes[i]), FS_OK);
		assert_int_equal(set(room, "d", (char)('A' + i), sizes[i]), FS_OK);
		assert_int_equal(set(room, "", (char)('0' + i), sizes[i]), FS_OK);
		assert_props(room, "f", (char)('a' + i), sizes[i]);
		assert_props(room, "d", (char)('A' + i), sizes[i]);
		assert_props(room, "", (char)('0' + i), sizes[i]);
	}
	assert_int_equal(n_aside(room), 0);
	assert_int_equal(set(room, "f", 'x', FS_PROPS_MAX + 1), FS_TOO_LARGE);
	assert_int_equal(set(room, "none", 'x', 1), FS_CHANGED);
	assert_file(room, "f", "x");
	assert_no_litter(room);
}

static void a_listing_reads_them_by_the_entrys_name(void **state)
{
	struct room *room = *state;
	AUTO_BUF got = BUF_INIT(FS_PROPS_MAX + 64);
	bool is_alone;
	struct fs_info info;

	drop_file(room, "f", "x");
	assert_int_equal(fs_stat_at(&room->root, room->root.fd, "f", &info), FS_OK);
	for (size_t n = 0; n <= LARGE; n += LARGE / 2) {
		assert_int_equal(set(room, "f", 'p', n), FS_OK);
		assert_int_equal(fs_props_read_at(&room->root, room->root.fd, "f", &info,
					 &got, &is_alone),
			FS_OK);
		assert_int_equal(got.n, n);
	}
}

static void what_is_refused_changes_nothing(void **state)
{
	struct room *room = *state;
	struct order order = {.byte = 'b', .n = 5, .result = FS_FORBIDDEN, .mtime_ns = 1};
	struct fs_info before, after;

	drop_file(room, "f", "x");
	assert_int_equal(set(room, "f", 'a', 3), FS_OK);
	assert_int_equal(fs_stat(&room->root, "f", &before), FS_OK);
	assert_int_equal(
		fs_props_change(&room->root, "f", FS_NO_CONDITION, carry_out, &order),
		FS_FORBIDDEN);
	order.result = FS_OK;
	order.n = FS_PROPS_MAX + 1;
	assert_int_equal(
		fs_props_change(&room->root, "f", FS_NO_CONDITION, carry_out, &order),
		FS_TOO_LARGE);
	assert_int_equal(fs_stat(&room->root, "f", &after), FS_OK);
	assert_int_equal(after.mtime_ns, before.mtime_ns);
	assert_props(room, "f", 'a', 3);
}

static bool set_immutable(const struct room *room, const char *path, bool is_immutable)
{
	AUTO_CLOSE int fd = file_open(room->root.fd, path, O_RDONLY, 0);
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return false;
	flags = is_immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

static void what_may_not_be_changed_keeps_them_of_any_size(void **state)
{
	struct room *room = *state;
	static const size_t sizes[] = {10, LARGE};

	drop_file(room, "f", "x");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(set(room, "f", 'f', sizes[i]), FS_OK);
		if (!set_immutable(room, "f", true)) {
			print_message("# SKIPPED: nothing can be made immutable here\n");
			return;
		}
		enum fs_result small = set(room, "f", 's', 10),
			       large = set(room, "f", 'l', LARGE);
		enum fs_result none = set(room, "f", 'n', 0);
		assert_true(set_immutable(room, "f", false));
		assert_int_equal(small, FS_FORBIDDEN);
		assert_int_equal(large, FS_FORBIDDEN);
		assert_int_equal(none, FS_FORBIDDEN);
		assert_props(room, "f", 'f', sizes[i]);
	}
	assert_no_litter(room);
}

static void they_go_where_the_file_goes(void **state)
{
	struct room *room = *state;
	static const size_t sizes[] = {100, LARGE};
	const struct fs_copy_how how = {.overwrite = true};
	bool created;

	for (size_t i = 0; i < 2; i++) {
		size_t n = sizes[i];

		drop_file(room, "f", "x");
		drop_file(room, "there", "y");
		assert_int_equal(set(room, "f", 'f', n), FS_OK);
		assert_int_equal(set(room, "there", 't', n), FS_OK);
		assert_int_equal(upload(&room->root, "f", "new"), FS_OK);
		assert_props(room, "f", 'f', n);
		assert_int_equal(
			fs_copy(&room->root, "f", "there", &how, FS_NO_WATCH, &created),
			FS_OK);
		assert_props(room, "there", 'f', n);
		assert_int_equal(set(room, "there", 'c', n), FS_OK);
		assert_props(room, "f", 'f', n); /* they are two now */
		assert_int_equal(fs_move(&room->root, "f", "there", true, FS_NO_CONDITION,
					 FS_NO_WATCH, &created),
			FS_OK);
		assert_props(room, "there", 'f', n);
		assert_int_equal(n_aside(room) <= 1, 1);
		assert_int_equal(
			fs_remove(&room->root, "there", FS_NO_CONDITION, FS_NO_WATCH),
			FS_OK);
		assert_int_equal(n_aside(room), 0);
	}
	assert_no_litter(room);
}

static void they_go_where_the_tree_goes(void **state)
{
	struct room *room = *state;
	const struct fs_copy_how how = {.overwrite = true};
	bool created;

	drop_dir(room, "d");
	drop_dir(room, "d/e");
	drop_file(room, "d/e/f", "x");
	assert_int_equal(set(room, "d", 'd', LARGE), FS_OK);
	assert_int_equal(set(room, "d/e", 'e', 10), FS_OK);
	assert_int_equal(set(room, "d/e/f", 'f', LARGE), FS_OK);
	assert_int_equal(
		fs_copy(&room->root, "d", "c", &how, FS_NO_WATCH, &created), FS_OK);
	assert_int_equal(fs_move(&room->root, "c", "m", true, FS_NO_CONDITION, FS_NO_WATCH,
				 &created),
		FS_OK);
	assert_props(room, "m", 'd', LARGE);
	assert_props(room, "m/e", 'e', 10);
	assert_props(room, "m/e/f", 'f', LARGE);
	assert_int_equal(fs_remove(&room->root, "d", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(fs_remove(&room->root, "m", FS_NO_CONDITION, FS_NO_WATCH), FS_OK);
	assert_int_equal(n_aside(room), 0);
}

static void an_upload_given_up_leaves_no_properties_behind(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	struct fs_published done;

	drop_file(room, "f", "x");
	assert_int_equal(set(room, "f", 'f', LARGE), FS_OK);
	assert_int_equal(fs_publish_begin(&pub, &room->root, "f", 0), FS_OK);
	const struct fs_condition absent = {.kind = FS_IF_ABSENT};
	assert_int_equal(fs_publish_commit(&pub, &absent, FS_MTIME_NOW, &done), FS_EXISTS);
	fs_publish_end(&pub);
	assert_int_equal(n_aside(room), 1);
	assert_props(room, "f", 'f', LARGE);
}

static void a_disk_without_attributes_keeps_them_too(void **state)
{
	struct room *room = *state;

	room->root.can.attributes = false;
	they_go_where_the_file_goes(state);
	they_go_where_the_tree_goes(state);
	properties_of_any_size_are_kept_and_changed_and_removed(state);
}

static void a_new_file_does_not_inherit_from_one_whose_number_it_has(void **state)
{
	struct room *room = *state;
	struct fs_info info;
	char name[64];

	drop_file(room, "f", "x");
	assert_int_equal(set(room, "f", 'f', LARGE), FS_OK);
	assert_int_equal(fs_stat(&room->root, "f", &info), FS_OK);
	(void)snprintf(
		name, sizeof(name), ".prefork/props/%llx", (unsigned long long)info.inode);
	drop_file(room, name, "12345\nof somebody born at another time");
	assert_props(room, "f", 'f', 0);
}

/* Adds one byte, as a PROPPATCH adds a property. */
static enum fs_result add_one(void *, struct fs_props_edit *edit)
{
	buf_put_byte(edit->props, 'a');
	return FS_OK;
}

static int add_and_put(void *arg, int me)
{
	const struct room *room = arg;

	for (int i = 0; i < 10; i++) {
		if (me == 0)
			assert_int_equal(upload(&room->root, "f", "new"), FS_OK);
		else if (fs_props_change(&room->root, "f", FS_NO_CONDITION, add_one, NULL)
			 != FS_OK)
			return 1;
	}
	return 0;
}

static void of_many_changes_none_is_lost_and_an_upload_loses_none(void **state)
{
	struct room *room = *state;

	drop_file(room, "f", "x");
	assert_int_equal(race(add_and_put, room, 0), RACERS);
	assert_props(room, "f", 'a', (RACERS - 1) * 10);
}

static int change_for_ever(void *arg)
{
	for (;;)
		if (set(arg, "f", 'a', 10) != FS_OK || set(arg, "f", 'b', LARGE) != FS_OK)
			return 1;
}

static void assert_whole(const struct room *room, struct buf *got)
{
	assert_int_equal(fs_props_read(&room->root, "f", got), FS_OK);
	assert_true(got->n == 10 || got->n == LARGE);
}

static void who_is_killed_at_any_step_leaves_the_old_or_the_new(void **state)
{
	struct room *room = *state;

	drop_file(room, "f", "x");
	assert_int_equal(set(room, "f", 'a', 10), FS_OK);
	for (int round = 0; round < 60; round++) {
		AUTO_BUF got = BUF_INIT(FS_PROPS_MAX + 64);
		pid_t pid = start_child(change_for_ever, room);

		for (int i = 0; i < 20; i++)
			assert_whole(room, &got);
		stop_child(pid);
		assert_whole(room, &got);
		assert_props(room, "f", got.n == 10 ? 'a' : 'b', got.n);
	}
}

/* Whether digests of one byte, @byte, are known of the file @path. */
static bool has_digests(const struct room *room, const char *path, char byte)
{
	struct fs_digests by_fd, by_name;
	struct fs_info info;

	AUTO_CLOSE int fd = file_open(room->root.fd, path, O_RDONLY, 0);
	assert_true(fd >= 0);
	assert_int_equal(fs_stat_fd(&room->root, fd, &info), FS_OK);
	fs_digests_read(&room->root, fd, &info, &by_fd);
	assert_true(fs_digests_read_at(&room->root, room->root.fd, path, &info, &by_name));
	assert_int_equal(by_fd.n, by_name.n);
	assert_true(by_fd.n == 0 || (by_fd.n == 1 && by_fd.bytes[0] == by_name.bytes[0]));
	return by_fd.n == 1 && by_fd.bytes[0] == byte;
}

/* Publishes @path with one byte of digests; 0 for none. */
static void put_with_digests(const struct room *room, const char *path, char byte)
{
	struct fs_publish pub;
	struct fs_published out;

	assert_int_equal(fs_publish_begin(&pub, &room->root, path, FS_SIZE_UNKNOWN), FS_OK);
	assert_int_equal(fs_publish_write(&pub, "text", 4, 0), FS_OK);
	pub.digests = (struct fs_digests){.n = byte != 0, .bytes = {byte}};
	assert_int_equal(
		fs_publish_commit(&pub, FS_NO_CONDITION, FS_MTIME_NOW, &out), FS_OK);
	fs_publish_end(&pub);
}

static void digests_are_known_as_long_as_the_contents_stay(void **state)
{
	struct room *room = *state;

	put_with_digests(room, "f", 'a');
	assert_true(has_digests(room, "f", 'a'));
	bool replaced;
	assert_int_equal(fs_move(&room->root, "f", "g", false, FS_NO_CONDITION, FS_NO_WATCH,
				 &replaced),
		FS_OK);
	assert_true(has_digests(room, "g", 'a'));

	struct order order = {.byte = 'p', .n = 3, .mtime_ns = 1'000'000'000'000'000'000};
	assert_int_equal(
		fs_props_change(&room->root, "g", FS_NO_CONDITION, carry_out, &order),
		FS_OK);
	assert_true(has_digests(room, "g", 'a'));
	put_with_digests(room, "g", 'b');
	assert_true(has_digests(room, "g", 'b'));
	put_with_digests(room, "g", 0);
	assert_false(has_digests(room, "g", 'b'));
}

static void digests_of_what_another_program_changed_are_not_told(void **state)
{
	struct room *room = *state;

	/* In place, to the same size. */
	put_with_digests(room, "f", 'a');
	AUTO_CLOSE int fd = file_open(room->root.fd, "f", O_WRONLY, 0);
	assert_int_equal(file_write_at(fd, "TEXT", 4, 0), 0);
	assert_int_equal(file_set_mtime(fd, 1'100'000'000'000'000'000), 0);
	assert_false(has_digests(room, "f", 'a'));

	/* By a rename, with its time and its attribute copied, as `cp -a` does. */
	put_with_digests(room, "g", 'b');
	AUTO_CLOSE int old = file_open(room->root.fd, "g", O_RDONLY, 0);
	char value[FS_DIGESTS_MAX + 64];
	ssize_t n = file_attr_get(old, FS_DIGESTS_ATTR, value, sizeof(value));
	struct fs_info info;
	assert_true(n > 0);
	assert_int_equal(fs_stat_fd(&room->root, old, &info), FS_OK);
	drop_file(room, "h", "TEXT");
	AUTO_CLOSE int new = file_open(room->root.fd, "h", O_RDWR, 0);
	assert_int_equal(file_attr_set(new, FS_DIGESTS_ATTR, value, (size_t)n, 0), 0);
	assert_int_equal(file_set_mtime(new, info.mtime_ns), 0);
	assert_int_equal(file_rename(room->root.fd, "h", room->root.fd, "g", 0), 0);
	assert_false(has_digests(room, "g", 'b'));
}

/* One block is the contents'. */
static void one_sha256_lies_in_the_inode_itself(void **state)
{
	struct room *room = *state;
	struct fs_digests digests = {.n = 1 + 32};
	struct fs_info info;
	struct stat before, after;

	drop_file(room, "f", "x");
	AUTO_CLOSE int fd = file_open(room->root.fd, "f", O_RDWR, 0);
	assert_int_equal(file_sync(fd), 0);
	assert_int_equal(fstat(fd, &before), 0);
	assert_int_equal(fs_stat_fd(&room->root, fd, &info), FS_OK);
	assert_int_equal(fs_digests_write(&room->root, fd, &info, &digests), FS_OK);
	assert_int_equal(file_sync(fd), 0);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_blocks, before.st_blocks);
}

static void a_folder_is_made_with_properties_or_not_at_all(void **state)
{
	struct room *room = *state;
	struct order order = {.byte = 'd', .n = LARGE}, refused = {.result = FS_FORBIDDEN};
	const struct fs_root *root = &room->root;
	struct fs_info info;

	drop_dir(room, "up");
	assert_int_equal(fchmodat(root->fd, "up", 02755, 0), 0);
	assert_int_equal(
		fchownat(root->fd, "up", (uid_t)-1, getegid() + (geteuid() == 0), 0), 0);
	assert_int_equal(
		fs_make_dir_with(root, "up/d", FS_NO_CONDITION, carry_out, &order), FS_OK);
	assert_props(room, "up/d", 'd', LARGE);
	assert_int_equal(fs_stat(root, "up/d", &info), FS_OK);
	assert_int_equal(
		info.gid, getegid() + (geteuid() == 0)); /* as mkdir(2) would have it */
	assert_true(info.mode & S_ISGID);

	assert_int_equal(fs_make_dir_with(root, "up/d", FS_NO_CONDITION, carry_out, &order),
		FS_EXISTS);
	assert_int_equal(
		fs_make_dir_with(root, "up/e", FS_NO_CONDITION, carry_out, &refused),
		FS_FORBIDDEN);
	assert_int_equal(count_entries(room, "up"), 1);
	assert_int_equal(n_aside(room), 1);
	assert_no_litter(room);
}

/* Half of them with properties. */
static int make_once(void *arg, int me)
{
	struct room *room = arg;
	struct order order = {.byte = 'd', .n = 1};

	return me % 2 ? fs_make_dir(&room->root, "prize", FS_NO_CONDITION)
		      : fs_make_dir_with(
			      &room->root, "prize", FS_NO_CONDITION, carry_out, &order);
}

static void of_many_who_make_one_folder_exactly_one_wins(void **state)
{
	struct room *room = *state;

	for (int i = 0; i < 20; i++) {
		assert_int_equal(race(make_once, room, FS_OK), 1);
		assert_int_equal(unlinkat(room->root.fd, "prize", AT_REMOVEDIR), 0);
	}
	assert_no_litter(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(properties_of_any_size_are_kept_and_changed_and_removed),
		EVERYWHERE(a_listing_reads_them_by_the_entrys_name),
		EVERYWHERE(what_is_refused_changes_nothing),
		EVERYWHERE(what_may_not_be_changed_keeps_them_of_any_size),
		EVERYWHERE(they_go_where_the_file_goes),
		EVERYWHERE(they_go_where_the_tree_goes),
		EVERYWHERE(an_upload_given_up_leaves_no_properties_behind),
		EVERYWHERE(a_disk_without_attributes_keeps_them_too),
		EVERYWHERE(a_new_file_does_not_inherit_from_one_whose_number_it_has),
		EVERYWHERE(a_folder_is_made_with_properties_or_not_at_all),
		EVERYWHERE(of_many_who_make_one_folder_exactly_one_wins),
		EVERYWHERE(of_many_changes_none_is_lost_and_an_upload_loses_none),
		EVERYWHERE(digests_are_known_as_long_as_the_contents_stay),
		EVERYWHERE(digests_of_what_another_program_changed_are_not_told),
		EVERYWHERE(one_sha256_lies_in_the_inode_itself),
		EVERYWHERE(who_is_killed_at_any_step_leaves_the_old_or_the_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
