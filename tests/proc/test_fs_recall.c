/* SPDX-License-Identifier: MIT */

#include "fs_room.h"

#include "base/util.h"
#include "service/drive/fs/recall.h"

#include <errno.h>
#include <sys/xattr.h>

#define ENOUGH  (1024u * 1024u) /* bytes: thousands of files */
#define NOWHERE (-EBADF)        /* what is read there was remembered, or is not there */

/* A clock may tell a fraction of a tick less than the last change. */
#define AT_ONCE (-(int64_t)NS_PER_SEC)

/* What a file holds, of one byte each; 0: none. */
struct holds {
	char digest, prop;
};

static struct fs_info seen(const struct room *room, const char *name)
{
	struct fs_info info;

	assert_int_equal(fs_stat_at(&room->root, room->root.fd, name, &info), FS_OK);
	return info;
}

static void give(const struct room *room, const char *name, struct holds holds)
{
	struct fs_digests digests = {.n = 1, .bytes = {holds.digest}};

	AUTO_CLOSE int fd = file_open(room->root.fd, name, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	struct fs_info info = seen(room, name);
	assert_int_equal(fs_digests_write(&room->root, fd, &info, &digests), FS_OK);
	assert_int_equal(file_attr_set(fd, FS_PROPS_ATTR, &holds.prop, 1, 0), 0);
}

static struct holds ask(const struct room *room, struct fs_recall *recall, int dir,
	const char *name, const struct fs_info *info)
{
	struct fs_digests digests;
	AUTO_BUF props = BUF_INIT(FS_PROPS_MAX);
	struct holds found = {0};

	fs_recall_digests(recall, &room->root, dir, name, info, &digests);
	if (digests.n == 1)
		found.digest = digests.bytes[0];
	if (fs_recall_props(recall, &room->root, dir, name, info, &props) == FS_OK
		&& props.n == 1)
		found.prop = props.p[0];
	return found;
}

static void assert_holds(struct holds found, char digest, char prop)
{
	assert_int_equal(found.digest, digest);
	assert_int_equal(found.prop, prop);
}

static void what_has_not_changed_is_not_read_again(void **state)
{
	struct room *room = *state;
	struct fs_recall recall;

	give(room, "f", (struct holds){'d', 'p'});
	struct fs_info info = seen(room, "f");
	assert_int_equal(fs_recall_init(&recall, ENOUGH, AT_ONCE), FS_OK);
	assert_holds(ask(room, &recall, NOWHERE, "f", &info), 0, 0);
	assert_holds(ask(room, &recall, room->root.fd, "f", &info), 'd', 'p');
	assert_holds(ask(room, &recall, NOWHERE, "f", &info), 'd', 'p');
	fs_recall_fini(&recall);
}

static void what_has_changed_is(void **state)
{
	struct room *room = *state;
	struct fs_recall recall;

	give(room, "f", (struct holds){'d', 'p'});
	struct fs_info before = seen(room, "f");
	assert_int_equal(fs_recall_init(&recall, ENOUGH, AT_ONCE), FS_OK);
	assert_holds(ask(room, &recall, room->root.fd, "f", &before), 'd', 'p');
	struct fs_info now = before;
	while (now.ctime_ns == before.ctime_ns) { /* until the clock has ticked */
		give(room, "f", (struct holds){'D', 'P'});
		now = seen(room, "f");
	}
	assert_holds(ask(room, &recall, room->root.fd, "f", &now), 'D', 'P');
	fs_recall_fini(&recall);
}

static void what_is_young_is_not_kept_nor_anything_without_room(void **state)
{
	struct room *room = *state;
	struct fs_recall young, none;

	give(room, "f", (struct holds){'d', 'p'});
	struct fs_info info = seen(room, "f");
	assert_int_equal(fs_recall_init(&young, ENOUGH, 3600 * (int64_t)NS_PER_SEC), FS_OK);
	assert_int_equal(fs_recall_init(&none, 0, AT_ONCE), FS_OK);
	assert_holds(ask(room, &young, room->root.fd, "f", &info), 'd', 'p');
	assert_holds(ask(room, &young, NOWHERE, "f", &info), 0, 0);
	assert_holds(ask(room, &none, room->root.fd, "f", &info), 'd', 'p');
	assert_holds(ask(room, &none, NOWHERE, "f", &info), 0, 0);
	fs_recall_fini(&young);
	fs_recall_fini(&none);
}

/* One place for two files. */
static void a_file_takes_anothers_place_and_not_its_properties(void **state)
{
	struct room *room = *state;
	struct fs_recall recall;
	char names[2][2] = {"a", "b"};
	struct fs_info info[2];

	assert_int_equal(fs_recall_init(&recall, 400, AT_ONCE), FS_OK);
	assert_int_equal(recall.n_slots, 1);
	for (int i = 0; i < 2; i++) {
		give(room, names[i], (struct holds){(char)('0' + i), (char)('p' + i)});
		info[i] = seen(room, names[i]);
	}
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 2; i++)
			assert_holds(ask(room, &recall, room->root.fd, names[i], &info[i]),
				(char)('0' + i), (char)('p' + i));
	assert_holds(ask(room, &recall, NOWHERE, "a", &info[0]), 0, 0);
	assert_holds(ask(room, &recall, NOWHERE, "b", &info[1]), '1', 'q');
	fs_recall_fini(&recall);
}

/* Asks for @n files twice; how many of them had to be read again. Only the number of a file
 * counts here, so one file stands for all. */
static size_t read_again(const struct room *room, struct fs_recall *recall, uint64_t first,
	size_t n, size_t step)
{
	struct fs_info info = seen(room, "f");
	size_t n_kept = 0;

	for (size_t i = 0; i < 2 * n; i++) {
		size_t number = i % n;
		info.inode = first + (number % 4 << 32) + number * step;
		n_kept +=
			ask(room, recall, i < n ? room->root.fd : NOWHERE, "f", &info).prop
			== 'p';
	}
	return 2 * n - n_kept;
}

/* Numbers as file systems give them out: in steps, and in ranges. */
static void a_listing_that_fits_is_remembered_whole(void **state)
{
	static const size_t steps[] = {1, 3, 100, 8192};
	struct room *room = *state;
	struct fs_recall recall;

	give(room, "f", (struct holds){'d', 'p'});
	for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
		assert_int_equal(fs_recall_init(&recall, ENOUGH, AT_ONCE), FS_OK);
		size_t n = recall.n_slots * 6 / 10;
		assert_in_range(read_again(room, &recall, 1, n, steps[s]), 0, n / 50);
		fs_recall_fini(&recall);
	}
}

static void a_new_listing_drives_an_old_one_out(void **state)
{
	struct room *room = *state;
	struct fs_recall recall;
	size_t n_missed = SIZE_MAX;

	give(room, "f", (struct holds){'d', 'p'});
	assert_int_equal(fs_recall_init(&recall, ENOUGH, AT_ONCE), FS_OK);
	size_t n = recall.n_slots * 6 / 10;
	(void)read_again(room, &recall, 1, n, 3);
	for (int round = 0; round < 20; round++)
		n_missed = read_again(room, &recall, 1u << 30, n, 100);
	assert_in_range(n_missed, 0, n / 50);
	fs_recall_fini(&recall);
}

static enum fs_result make_large(void *ctx, struct fs_props_edit *edit)
{
	const char *byte = ctx;

	buf_clear(edit->props);
	for (int i = 0; i < 10'000; i++)
		buf_put_byte(edit->props, *byte);
	return FS_OK;
}

/* They change beside the file: its own attribute is empty before and after. */
static void large_properties_are_read_every_time(void **state)
{
	struct room *room = *state;
	struct fs_recall recall;
	AUTO_BUF props = BUF_INIT(FS_PROPS_MAX + 1024);

	drop_file(room, "f", "x");
	assert_int_equal(fs_recall_init(&recall, ENOUGH, AT_ONCE), FS_OK);
	for (char byte = 'a'; byte < 'e'; byte++) {
		assert_int_equal(fs_props_change(&room->root, "f", FS_NO_CONDITION,
					 make_large, &byte),
			FS_OK);
		struct fs_info info = seen(room, "f");
		assert_int_equal(fs_recall_props(&recall, &room->root, room->root.fd, "f",
					 &info, &props),
			FS_OK);
		assert_int_equal(props.n, 10'000);
		assert_int_equal(props.p[0], byte);
	}
	fs_recall_fini(&recall);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(what_has_not_changed_is_not_read_again),
		EVERYWHERE(what_has_changed_is),
		EVERYWHERE(what_is_young_is_not_kept_nor_anything_without_room),
		EVERYWHERE(a_file_takes_anothers_place_and_not_its_properties),
		EVERYWHERE(a_listing_that_fits_is_remembered_whole),
		EVERYWHERE(a_new_listing_drives_an_old_one_out),
		EVERYWHERE(large_properties_are_read_every_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
