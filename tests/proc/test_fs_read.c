/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "base/util.h"
#include "service/drive/fs/list.h"
#include "service/drive/fs/open.h"
#include "service/drive/fs/place.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static void assert_opens_as(const struct room *room, const char *path, enum fs_result want)
{
	struct fs_file file = FS_FILE_NONE;
	enum fs_result got = fs_open(&room->root, path, &file);

	if (got != want)
		fail_msg("%s: %s, not %s", path, fs_result_name(got), fs_result_name(want));
	fd_close(&file.fd);
}

static void a_file_opens_with_what_is_known_of_it(void **state)
{
	struct room *room = *state;
	struct fs_file file;
	struct fs_info info;
	char a[FS_ETAG_MAX], b[FS_ETAG_MAX];

	drop_dir(room, "a");
	drop_file(room, "a/b c\n\xff", "hello");
	assert_int_equal(fs_open(&room->root, "a/b c\n\xff", &file), FS_OK);
	AUTO_CLOSE int fd = file.fd;

	assert_int_equal(file.info.size, 5);
	assert_int_equal(file.info.mode, 0644);
	assert_false(file.by_link);
	assert_int_equal(fs_stat(&room->root, "a/b c\n\xff", &info), FS_OK);
	assert_true(fs_info_same_version(&info, &file.info));
	assert_true(
		fs_etag(&room->root, &info, file_clock_ns() + 3 * (int64_t)NS_PER_SEC, a));
	drop_file(room, "a/b c\n\xff", "hello!");
	assert_int_equal(fs_stat(&room->root, "a/b c\n\xff", &info), FS_OK);
	assert_true(
		fs_etag(&room->root, &info, file_clock_ns() + 3 * (int64_t)NS_PER_SEC, b));
	assert_string_not_equal(a, b);

	assert_opens_as(room, "", FS_IS_DIRECTORY);
	assert_opens_as(room, "a", FS_IS_DIRECTORY);
	assert_opens_as(room, "a/none", FS_NOT_FOUND);
	assert_opens_as(room, "none/none", FS_NOT_FOUND);
	assert_opens_as(room, "a/b c\n\xff/x", FS_NOT_FOUND);
}

static void what_is_ours_has_no_name(void **state)
{
	struct room *room = *state;
	static const char *const names[] = {".prefork", ".prefork/tmp", ".prefork/tmp/x",
		"~", "~/x", "a/../.prefork", "./.prefork", "..", ".", "a/..", "/", "/etc",
		"a//b", "a/", ".prefork-tmp-0123", "a/.prefork-tmp-0123",
		"a/.PREFORK-tmp-1", "in", "in/x", "deep", "a/up"};

	drop_dir(room, "a");
	drop_file(room, ".prefork/tmp/x", "secret");
	drop_dir(room, "~");
	drop_file(room, "~/x", "reserved");
	drop_file(room, "a/.prefork-tmp-0123", "half");
	drop_link(room, "in", ".prefork/tmp");
	drop_link(room, "deep", ".prefork/tmp/x");
	drop_link(room, "a/up", "../.prefork/tmp/x");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct fs_info info;
		struct fs_place place = FS_PLACE_NONE;
		assert_opens_as(room, names[i], FS_NOT_FOUND);
		assert_int_equal(fs_stat(&room->root, names[i], &info), FS_NOT_FOUND);
		if (names[i][0] == '.' || names[i][0] == '~')
			assert_int_equal(
				fs_place_open(&place, &room->root, names[i]), FS_FORBIDDEN);
		fs_place_close(&place);
	}

	drop_dir(room, "a/.prefork");
	drop_dir(room, "a/~");
	assert_opens_as(room, "a/.prefork", FS_IS_DIRECTORY);
	assert_opens_as(room, "a/~", FS_IS_DIRECTORY);
	assert_true(fs_path_hides("~", true));
}

static void a_link_is_followed_inside_and_never_out(void **state)
{
	struct room *room = *state;
	char absolute[128];
	struct fs_file file;

	drop_dir(room, "a");
	drop_file(room, "a/real", "yes");
	drop_link(room, "a/near", "real");
	drop_link(room, "a/over", "../a/real");
	drop_link(room, "dir", "a");
	(void)snprintf(absolute, sizeof(absolute), "%s/a/real", room->dir);
	drop_link(room, "absolute", absolute);
	drop_link(room, "passwd", "/etc/passwd");
	drop_link(room, "etc", "/etc");
	drop_link(room, "above", "../../../etc/passwd");
	drop_link(room, "loop", "loop");
	drop_link(room, "magic", "/proc/self/exe");

	assert_opens_as(room, "a/near", FS_OK);
	assert_opens_as(room, "a/over", FS_OK);
	assert_opens_as(room, "dir", FS_IS_DIRECTORY);
	assert_int_equal(fs_open(&room->root, "dir/real", &file), FS_OK);
	assert_true(file.by_link);
	fd_close(&file.fd);
	assert_opens_as(room, "absolute", FS_OUTSIDE);
	assert_opens_as(room, "passwd", FS_OUTSIDE);
	assert_opens_as(room, "etc/passwd", FS_OUTSIDE);
	assert_opens_as(room, "above", FS_OUTSIDE);
	assert_opens_as(room, "loop", FS_OUTSIDE);
	assert_opens_as(room, "magic", FS_OUTSIDE);
}

/* Runs until killed: "swap" is now a directory with a file, now a link to /etc. */
static int swap_for_ever(void *arg)
{
	const struct room *room = arg;

	while (renameat2(room->root.fd, "swap", room->root.fd, "other", RENAME_EXCHANGE)
		== 0)
		continue;
	return 1;
}

static void a_link_swapped_in_while_we_look_does_not_lead_out(void **state)
{
	struct room *room = *state;
	unsigned opened = 0;

	drop_dir(room, "swap");
	drop_file(room, "swap/hostname", "ours");
	drop_link(room, "other", "/etc");
	pid_t child = start_child(swap_for_ever, room);

	for (int i = 0; i < 20000; i++) {
		struct fs_file file = FS_FILE_NONE;
		enum fs_result result = fs_open(&room->root, "swap/hostname", &file);
		AUTO_CLOSE int fd = file.fd;
		if (result == FS_OK) {
			assert_int_equal(file.info.dev, room->root.dev);
			assert_int_equal(file.info.size, 4);
			opened++;
		} else {
			assert_true(result == FS_OUTSIDE || result == FS_BUSY);
		}
	}
	stop_child(child);
	assert_true(opened > 0);
}

static void a_fifo_a_socket_or_a_device_neither_hangs_nor_opens(void **state)
{
	struct room *room = *state;
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct fs_info info;

	assert_int_equal(mkfifoat(room->root.fd, "fifo", 0666), 0);
	AUTO_CLOSE int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/sock", room->dir);
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);

	assert_opens_as(room, "fifo", FS_FORBIDDEN);
	assert_opens_as(room, "sock", FS_FORBIDDEN);
	assert_int_equal(fs_stat(&room->root, "fifo", &info), FS_OK);
	assert_int_equal(info.type, FS_OTHER);
	if (mknodat(room->root.fd, "null", S_IFCHR | 0666, 0x0103) == 0)
		assert_opens_as(room, "null", FS_FORBIDDEN);
}

static void a_name_may_be_as_long_as_the_kernels_and_no_longer(void **state)
{
	struct room *room = *state;
	char name[FS_NAME_MAX + 1], path[2 * FS_PATH_MAX];

	memset(name, 'n', sizeof(name));
	name[FS_NAME_MAX] = '\0';
	assert_opens_as(room, name, FS_TOO_LONG);
	name[FS_NAME_MAX - 1] = '\0';
	drop_file(room, name, "long");
	assert_opens_as(room, name, FS_OK);

	for (size_t i = 0; i < sizeof(path); i += 2)
		memcpy(path + i, "d/", 2);
	path[sizeof(path) - 1] = '\0';
	assert_opens_as(room, path, FS_TOO_LONG);
	path[FS_PATH_MAX - 1] = '\0';
	assert_opens_as(room, path, FS_NOT_FOUND);
}

/* The entries of @path as "name:type" words in no order but the disk's. */
static int list_all(
	const struct room *room, const char *path, bool with_info, char *out, size_t cap)
{
	struct fs_list *list = malloc(sizeof(*list));
	struct fs_entry entry;
	enum fs_result result;
	int n = 0;

	assert_non_null(list);
	assert_int_equal(fs_list_open(list, &room->root, path), FS_OK);
	*out = '\0';
	while ((result = fs_list_next(list, with_info, &entry)) == FS_OK) {
		size_t used = strlen(out);
		if (cap - used > 300)
			(void)snprintf(out + used, cap - used, " %s:%d", entry.name,
				entry.info.type);
		if (with_info)
			assert_true(entry.info.inode != 0);
		n++;
	}
	assert_int_equal(result, FS_END);
	fs_list_close(list);
	free(list);
	return n;
}

static void a_listing_shows_what_can_be_opened_and_nothing_of_ours(void **state)
{
	struct room *room = *state;
	char seen[4096];

	drop_file(room, "file", "1");
	drop_dir(room, "dir");
	drop_dir(room, "~");
	drop_link(room, "good", "dir");
	drop_link(room, "dangling", "nothing");
	drop_link(room, "out", "/etc");
	drop_link(room, "dir/up", "../file");
	drop_link(room, "secret", ".prefork");
	drop_file(room, ".prefork-tmp-00", "half");

	for (int with_info = 0; with_info < 2; with_info++) {
		assert_int_equal(list_all(room, "", with_info, seen, sizeof(seen)), 3);
		assert_non_null(strstr(seen, " file:0"));
		assert_non_null(strstr(seen, " dir:1"));
		assert_non_null(strstr(seen, " good:1"));
		assert_int_equal(list_all(room, "dir", with_info, seen, sizeof(seen)), 1);
		assert_string_equal(seen, " up:0");
	}
	assert_int_equal(list_all(room, "good", true, seen, sizeof(seen)), 1);
}

static void a_large_directory_is_listed_whole_and_a_file_is_none(void **state)
{
	struct room *room = *state;
	char seen[4096], name[64];
	struct fs_list *list = malloc(sizeof(*list));

	drop_dir(room, "many");
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "many/entry-number-%d", i);
		drop_file(room, name, "");
	}
	assert_int_equal(list_all(room, "many", false, seen, sizeof(seen)), 3000);

	assert_non_null(list);
	assert_int_equal(
		fs_list_open(list, &room->root, "many/entry-number-7"), FS_NOT_DIRECTORY);
	assert_int_equal(fs_list_open(list, &room->root, "none"), FS_NOT_FOUND);
	assert_int_equal(fs_list_open(list, &room->root, ".prefork"), FS_NOT_FOUND);
	free(list);
}

static void without_descriptors_it_says_so(void **state)
{
	struct room *room = *state;
	struct rlimit old, none;

	drop_file(room, "file", "1");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	struct fs_file file;
	enum fs_result result = fs_open(&room->root, "file", &file);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

	assert_int_equal(result, FS_NO_DESCRIPTORS);
}

static void a_read_only_root_is_served_and_left_alone(void **state)
{
	struct room *room = *state;
	struct fs_options options = {.read_only = true};
	struct fs_place place = FS_PLACE_NONE;
	struct fs_root root;
	char sub[128];

	drop_dir(room, "sub");
	drop_file(room, "sub/file", "1");
	(void)snprintf(sub, sizeof(sub), "%s/sub", room->dir);
	assert_int_equal(fs_root_open(&root, sub, &options, NULL), 0);

	struct fs_file file;
	assert_int_equal(fs_open(&root, "file", &file), FS_OK);
	fd_close(&file.fd);
	assert_false(root.can.writable);
	assert_int_equal(fs_place_open(&place, &root, "new"), FS_READ_ONLY);
	assert_int_equal(count_entries(room, "sub"), 1);
	fs_root_close(&root);

	struct reason reason;
	assert_int_equal(
		fs_root_open(&root, "/nowhere/at/all", &options, &reason), -ENOENT);
	assert_non_null(strstr(reason.text, "/nowhere/at/all"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_file_opens_with_what_is_known_of_it),
		EVERYWHERE(what_is_ours_has_no_name),
		EVERYWHERE(a_link_is_followed_inside_and_never_out),
		EVERYWHERE(a_link_swapped_in_while_we_look_does_not_lead_out),
		EVERYWHERE(a_fifo_a_socket_or_a_device_neither_hangs_nor_opens),
		EVERYWHERE(a_name_may_be_as_long_as_the_kernels_and_no_longer),
		EVERYWHERE(a_listing_shows_what_can_be_opened_and_nothing_of_ours),
		EVERYWHERE(a_large_directory_is_listed_whole_and_a_file_is_none),
		EVERYWHERE(without_descriptors_it_says_so),
		EVERYWHERE(a_read_only_root_is_served_and_left_alone),
	};
	return cmocka_run_group_tests_name("fs_read", tests, NULL, NULL);
}
