/* SPDX-License-Identifier: MIT */

#include "fs_room.h"

#include "service/drive/fs/copy.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/publish.h"
#include "service/drive/fs/remove.h"

/* A fence that counts, and answers as it is told. */
struct recorder {
	enum fs_result answer;
	int n_entered, n_asked, n_left;
};

static enum fs_result enter(void *ctx, bool *asks)
{
	struct recorder *recorder = ctx;

	recorder->n_entered++;
	*asks = true;
	return FS_OK;
}

static enum fs_result allows(void *ctx)
{
	struct recorder *recorder = ctx;

	assert_int_equal(recorder->n_entered, recorder->n_left + 1);
	recorder->n_asked++;
	return recorder->answer;
}

static void leave(void *ctx)
{
	struct recorder *recorder = ctx;

	recorder->n_left++;
}

static enum fs_result put(const struct room *room, const struct fs_condition *condition)
{
	struct fs_publish pub;
	struct fs_published done;

	enum fs_result result = fs_publish_begin(&pub, &room->root, "file", 3);
	if (result != FS_OK)
		return result;
	result = fs_publish_write(&pub, "new", 3, 0);
	if (result == FS_OK)
		result = fs_publish_commit(&pub, condition, FS_MTIME_NOW, &done);
	fs_publish_end(&pub);
	return result;
}

static enum fs_result remove_file(
	const struct room *room, const struct fs_condition *condition)
{
	return fs_remove(&room->root, "file", condition, FS_NO_WATCH);
}

static enum fs_result move_file(
	const struct room *room, const struct fs_condition *condition)
{
	bool created;

	return fs_move(
		&room->root, "file", "moved", true, condition, FS_NO_WATCH, &created);
}

static enum fs_result copy_file(
	const struct room *room, const struct fs_condition *condition)
{
	const struct fs_copy_how how = {.overwrite = true, .fence = condition->fence};
	bool created;

	return fs_copy(&room->root, "file", "copied", &how, FS_NO_WATCH, &created);
}

static enum fs_result make_dir(
	const struct room *room, const struct fs_condition *condition)
{
	return fs_make_dir(&room->root, "dir", condition);
}

static void every_change_of_names_is_made_inside_the_fence(void **state)
{
	struct room *room = *state;
	enum fs_result (*const changes[])(
		const struct room *, const struct fs_condition *) = {
		put, copy_file, make_dir, move_file, put, remove_file};

	drop_file(room, "file", "old");
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct recorder recorder = {.answer = FS_OK};
		const struct fs_fence fence = {enter, allows, leave, &recorder};
		const struct fs_condition fenced = {.fence = &fence};

		assert_int_equal(changes[i](room, &fenced), FS_OK);
		assert_int_equal(recorder.n_entered, 1);
		assert_int_equal(recorder.n_asked, 1);
		assert_int_equal(recorder.n_left, 1);
	}
	assert_file(room, "moved", "new");
	assert_file(room, "copied", "new");
	assert_false(is_there(room, "file"));
	assert_no_litter(room);
}

static void what_the_fence_refuses_changes_nothing(void **state)
{
	struct room *room = *state;
	enum fs_result (*const changes[])(
		const struct room *, const struct fs_condition *) = {
		put, copy_file, make_dir, move_file, remove_file};

	drop_file(room, "file", "old");
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct recorder recorder = {.answer = FS_LOCKED};
		const struct fs_fence fence = {enter, allows, leave, &recorder};
		const struct fs_condition fenced = {.fence = &fence};

		assert_int_equal(changes[i](room, &fenced), FS_LOCKED);
		assert_int_equal(recorder.n_left, 1);
		assert_file(room, "file", "old");
	}
	assert_int_equal(count_entries(room, ""), 2); /* the file, and .prefork */
	assert_no_litter(room);
}

static void assert_named(const struct room *room, const char *path, const char *want)
{
	char got[FS_PATH_MAX];

	assert_int_equal(fs_resolve_name(&room->root, path, got), FS_OK);
	assert_string_equal(got, want);
}

static void a_name_is_the_same_by_whatever_links_one_comes(void **state)
{
	struct room *room = *state;
	char got[FS_PATH_MAX];

	drop_dir(room, "real");
	drop_dir(room, "real/in");
	drop_file(room, "real/f", "x");
	drop_link(room, "way", "real");
	drop_link(room, "real/self", "f");
	drop_link(room, "out", "/etc");

	assert_named(room, "", "");
	assert_named(room, "real/f", "real/f");
	assert_named(room, "real/none", "real/none");
	assert_named(room, "way", "real");
	assert_named(room, "way/in", "real/in");
	assert_named(room, "way/f", "real/f");
	assert_named(room, "way/none", "real/none");
	assert_named(room, "way/self", "real/self");
	assert_named(room, "out", "out");
	assert_int_equal(fs_resolve_name(&room->root, "none/x", got), FS_NOT_FOUND);
	assert_int_equal(fs_resolve_name(&room->root, "out/x", got), FS_OUTSIDE);
}

static void an_empty_file_is_made_where_nothing_is(void **state)
{
	struct room *room = *state;
	struct fs_info info;

	assert_int_equal(fs_make_file(&room->root, "f", &info), FS_OK);
	assert_int_equal(info.size, 0);
	assert_int_equal(fs_make_file(&room->root, "f", &info), FS_EXISTS);
	assert_int_equal(fs_make_file(&room->root, "none/f", &info), FS_NO_PARENT);
	assert_int_equal(fs_make_file(&room->root, "~", &info), FS_FORBIDDEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(every_change_of_names_is_made_inside_the_fence),
		EVERYWHERE(what_the_fence_refuses_changes_nothing),
		EVERYWHERE(a_name_is_the_same_by_whatever_links_one_comes),
		EVERYWHERE(an_empty_file_is_made_where_nothing_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
