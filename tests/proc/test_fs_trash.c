/* SPDX-License-Identifier: MIT */

#include "fs_trash_room.h"

#include "os/clock.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/trim.h"

static void a_deleted_file_is_kept_with_all_that_is_known(void **state)
{
	const struct room *room = *state;
	int64_t before_ns = (int64_t)clock_wall_ns();

	drop_dir(room, "a");
	drop_file(room, "a/f", "text");
	delete (room, "a/f");

	assert_false(is_there(room, "a/f"));
	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->paths[0], "a/f");
	assert_string_equal(seen->at[0].user, "an/n%");
	assert_true(seen->at[0].is_deleted);
	assert_true(seen->at[0].is_measured);
	assert_int_equal(seen->at[0].size, 4);
	assert_true(seen->at[0].time_ns >= before_ns);
	assert_kept(room, &seen->at[0], "text");
	assert_no_litter(room);
}

static void a_replaced_file_is_kept(void **state)
{
	const struct room *room = *state;

	put(room, "f", "one");
	put(room, "f", "two");

	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 1);
	assert_false(seen->at[0].is_deleted);
	assert_kept(room, &seen->at[0], "one");
	assert_file(room, "f", "two");
	assert_no_litter(room);
}

static void an_empty_file_that_is_replaced_is_not_kept(void **state)
{
	const struct room *room = *state;

	put(room, "f", "");
	put(room, "f", "two");

	assert_int_equal(look(room)->n, 0);
}

static void copies_and_moves_keep_what_they_replace(void **state)
{
	const struct room *room = *state;
	const struct fs_copy_how how = {.overwrite = true, .by = "ann"};
	bool created;

	drop_file(room, "from", "new");
	drop_file(room, "to", "old");
	assert_result(
		fs_copy(&room->root, "from", "to", &how, FS_NO_WATCH, &created), FS_OK);
	assert_int_equal(look(room)->n, 1);
	assert_kept(room, &look(room)->at[0], "old");
	drop_file(room, "other", "newer");
	assert_result(
		fs_move(&room->root, "other", "to", true, &by_ann, FS_NO_WATCH, &created),
		FS_OK);
	assert_int_equal(look(room)->n, 2);
	drop_dir(room, "tree");
	drop_file(room, "tree/in", "in");
	assert_result(
		fs_move(&room->root, "from", "tree", true, &by_ann, FS_NO_WATCH, &created),
		FS_OK);

	assert_int_equal(look(room)->n, 3);
	assert_file(room, "to", "newer");
	assert_file(room, "tree", "new");
	assert_no_litter(room);
}

static void a_deleted_tree_is_kept_whole_and_measured(void **state)
{
	const struct room *room = *state;

	drop_dir(room, "t");
	drop_dir(room, "t/u");
	drop_file(room, "t/u/f", "12345");
	drop_file(room, "t/g", "123");
	delete (room, "t");

	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 1);
	assert_true(seen->at[0].is_measured);
	assert_int_equal(seen->at[0].size, 8);
	assert_no_litter(room);
}

static enum fs_result restore(const struct room *room, const struct fs_trashed *kept,
	const char *to, bool overwrite)
{
	bool created;

	return fs_trash_restore(
		&room->root, kept, to, overwrite, FS_NO_CONDITION, &created);
}

static void what_is_restored_is_where_it_was(void **state)
{
	const struct room *room = *state;
	struct fs_trashed kept;
	char path[FS_PATH_MAX];

	drop_file(room, "f", "text");
	delete (room, "f");
	assert_result(fs_trash_find(&room->root, look(room)->at[0].id, &kept, path), FS_OK);
	assert_string_equal(path, "f");
	assert_result(restore(room, &kept, path, false), FS_OK);

	assert_file(room, "f", "text");
	assert_int_equal(look(room)->n, 0);
	assert_int_equal(count_entries(room, ".prefork/trash"), 0);
}

static void restoring_over_a_file_asks_and_then_keeps_that(void **state)
{
	const struct room *room = *state;
	struct fs_trashed kept;

	put(room, "f", "one");
	put(room, "f", "two");
	kept = look(room)->at[0];
	assert_result(restore(room, &kept, "f", false), FS_EXISTS);
	assert_file(room, "f", "two");
	assert_result(restore(room, &kept, "f", true), FS_OK);

	assert_file(room, "f", "one");
	assert_int_equal(look(room)->n, 1);
	assert_kept(room, &look(room)->at[0], "two");
}

/* Whoever kept it died before he replaced it: it has both names. */
static void restoring_what_never_left_takes_it_from_the_trash(void **state)
{
	const struct room *room = *state;
	struct fs_trashed kept;

	put(room, "f", "one");
	put(room, "f", "two");
	kept = look(room)->at[0];
	char both[FS_TRASH_WHERE_MAX + 32];
	(void)snprintf(both, sizeof(both), ".prefork/trash/%s", kept.where);
	assert_int_equal(unlinkat(room->root.fd, both, 0), 0);
	assert_int_equal(linkat(room->root.fd, "f", room->root.fd, both, 0), 0);
	assert_result(restore(room, &kept, "f", false), FS_EXISTS);
	assert_int_equal(look(room)->n, 1);
	assert_result(restore(room, &kept, "f", true), FS_OK);

	assert_file(room, "f", "two");
	assert_int_equal(look(room)->n, 0);
}

static void the_oldest_version_can_be_restored_however_many_there_are(void **state)
{
	const struct room *room = *state;
	struct fs_trashed kept;
	char where[FS_TRASH_WHERE_MAX + 32], path[FS_PATH_MAX];

	put(room, "f", "one");
	put(room, "f", "two");
	char key[17];
	(void)snprintf(key, sizeof(key), "%.16s", look(room)->at[0].where);
	for (unsigned round = 0; round < 100; round++) { /* one in eight trims */
		for (unsigned i = 1; i < 20; i++) {
			(void)snprintf(where, sizeof(where), ".prefork/trash/%s/%016x-r-3-",
				key, i);
			drop_file(room, where, "old");
		}
		(void)snprintf(where, sizeof(where), "%s-%016x", key, 1);
		assert_result(fs_trash_find(&room->root, where, &kept, path), FS_OK);
		assert_result(restore(room, &kept, "f", true), FS_OK);
	}
	assert_file(room, "f", "old");
}

static void a_path_of_four_thousand_bytes_is_told_whole(void **state)
{
	const struct room *room = *state;
	char path[FS_PATH_MAX] = "", name[201];
	struct fs_trashed kept;
	char told[FS_PATH_MAX];

	memset(name, 'n', 200);
	name[200] = '\0';
	int dir = dup(room->root.fd);
	for (unsigned i = 0; i < 18; i++) {
		assert_int_equal(mkdirat(dir, name, 0755), 0);
		int next = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(dir);
		dir = next;
		(void)snprintf(
			path + strlen(path), sizeof(path) - strlen(path), "%s/", name);
	}
	close(dir);
	(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "f");
	put(room, path, "text");
	delete (room, path);

	assert_result(fs_trash_find(&room->root, look(room)->at[0].id, &kept, told), FS_OK);
	assert_string_equal(told, path);
}

static void who_rewrites_a_file_all_day_keeps_a_few_versions(void **state)
{
	const struct room *room = *state;
	char text[16];

	for (unsigned i = 0; i < 400; i++) {
		(void)snprintf(text, sizeof(text), "%u", i);
		put(room, "f", text);
	}
	/* The odds that more remain are one in a million. */
	char bucket[64];
	struct fs_trash_walk *walk = malloc(sizeof(*walk));
	struct fs_trashed kept;
	assert_non_null(walk);
	assert_result(fs_trash_walk_open(walk, &room->root), FS_OK);
	assert_result(fs_trash_walk_next(walk, &kept), FS_OK);
	(void)snprintf(bucket, sizeof(bucket), ".prefork/trash/%.16s", kept.where);
	fs_trash_walk_close(walk);
	free(walk);
	assert_true(count_entries(room, bucket) < FS_TRASH_VERSIONS_MOST + 110);
}

static struct fs_trimmed trim(
	const struct room *room, int64_t before_ns, uint64_t most, uint64_t free_bytes)
{
	const struct fs_trim_limits limits = {before_ns, most, free_bytes, 0};
	struct fs_trimmed trimmed;

	assert_result(fs_trim(&room->root, &limits, FS_NO_WATCH, &trimmed), FS_OK);
	return trimmed;
}

/* Time for one thing in every turn. */
static bool has_one_left(void *ctx)
{
	unsigned *n_left = ctx;

	return (*n_left)-- > 0;
}

static void turns_however_short_come_to_an_end(void **state)
{
	const struct room *room = *state;
	const struct fs_trim_limits all = {INT64_MAX, UINT64_MAX, 0, 0};
	struct fs_trimmed trimmed = {0};
	unsigned n_turns = 0;
	char name[] = "a";

	for (; name[0] < 'g'; name[0]++) {
		drop_file(room, name, "1234");
		delete (room, name);
	}
	struct fs_trim *trim = fs_trim_new(&room->root, &all);
	assert_non_null(trim);
	enum fs_result result = FS_CANCELLED;
	while (result == FS_CANCELLED && n_turns++ < 100) {
		unsigned n_left = 1;
		const struct fs_watch watch = {.go_on = has_one_left, .ctx = &n_left};
		result = fs_trim_go(trim, &watch, &trimmed);
	}
	fs_trim_free(trim);

	assert_result(result, FS_OK);
	assert_int_equal(trimmed.n_removed, 6);
	assert_true(n_turns > 2);
}

static void the_oldest_goes_first(void **state)
{
	const struct room *room = *state;
	const char *const names[] = {"c", "a", "d", "b"};

	for (unsigned i = 0; i < 4; i++) {
		drop_file(room, names[i], "1234");
		delete (room, names[i]);
	}

	assert_int_equal(trim(room, 0, 12, 0).n_removed, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_string_not_equal(look(room)->paths[i], "c");
	assert_int_equal(trim(room, 0, UINT64_MAX, 5).n_removed, 2);
	assert_int_equal(look(room)->n, 1);
	assert_string_equal(look(room)->paths[0], "b");
	assert_int_equal(trim(room, (int64_t)clock_wall_ns(), UINT64_MAX, 0).n_removed, 1);
	assert_int_equal(look(room)->n, 0);
	assert_int_equal(count_entries(room, ".prefork/trash"), 0);
}

static void what_came_to_a_bucket_as_it_went_is_found_again(void **state)
{
	const struct room *room = *state;

	put(room, "f", "one");
	put(room, "f", "two");
	char old[64], gone[80];
	(void)snprintf(old, sizeof(old), ".prefork/trash/%.16s", look(room)->at[0].where);
	(void)snprintf(gone, sizeof(gone), "%s.gone", old);
	assert_int_equal(renameat(room->root.fd, old, room->root.fd, gone), 0);
	put(room, "f", "three");

	(void)look(room); /* tidies up */
	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 2);
	assert_int_equal(count_entries(room, ".prefork/trash"), 1);
}

static void two_paths_of_one_hash_have_two_buckets(void **state)
{
	const struct room *room = *state;

	put(room, "f", "one");
	put(room, "f", "two");
	char link[80];
	(void)snprintf(
		link, sizeof(link), ".prefork/trash/%.16s/0", look(room)->at[0].where);
	assert_int_equal(unlinkat(room->root.fd, link, 0), 0);
	assert_int_equal(symlinkat("another", room->root.fd, link), 0);
	put(room, "f", "three");

	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 2);
	assert_string_not_equal(seen->paths[0], seen->paths[1]);
}

static void no_stranger_names_what_is_no_version(void **state)
{
	const struct room *room = *state;
	struct fs_trashed kept;
	char path[FS_PATH_MAX];
	const char *const bad[] = {"", "..", "../../f", "0123456789abcdef",
		"0123456789abcdef-", "0123456789abcdef-0123456789abcdef",
		"0123456789abcdef-0123456789abcde/"};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_result(
			fs_trash_find(&room->root, bad[i], &kept, path), FS_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE_KEPT(a_deleted_file_is_kept_with_all_that_is_known),
		EVERYWHERE_KEPT(a_replaced_file_is_kept),
		EVERYWHERE_KEPT(an_empty_file_that_is_replaced_is_not_kept),
		EVERYWHERE_KEPT(copies_and_moves_keep_what_they_replace),
		EVERYWHERE_KEPT(a_deleted_tree_is_kept_whole_and_measured),
		EVERYWHERE_KEPT(what_is_restored_is_where_it_was),
		EVERYWHERE_KEPT(restoring_over_a_file_asks_and_then_keeps_that),
		EVERYWHERE_KEPT(restoring_what_never_left_takes_it_from_the_trash),
		KEPT_IN(the_oldest_version_can_be_restored_however_many_there_are,
			in_memory),
		EVERYWHERE_KEPT(a_path_of_four_thousand_bytes_is_told_whole),
		KEPT_IN(who_rewrites_a_file_all_day_keeps_a_few_versions, in_memory),
		EVERYWHERE_KEPT(turns_however_short_come_to_an_end),
		EVERYWHERE_KEPT(the_oldest_goes_first),
		EVERYWHERE_KEPT(what_came_to_a_bucket_as_it_went_is_found_again),
		EVERYWHERE_KEPT(two_paths_of_one_hash_have_two_buckets),
		KEPT_IN(no_stranger_names_what_is_no_version, on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
