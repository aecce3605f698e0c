/* SPDX-License-Identifier: MIT */
#pragma once

/* fs_trash_room - a room with a trash: what its tests do and look at. */

#include "fs_room.h"

#include "service/drive/fs/publish.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/trash.h"
#include "service/drive/fs/trash_walk.h"

[[maybe_unused]] static void assert_result(enum fs_result got, enum fs_result want)
{
	if (got != want)
		fail_msg("%s, not %s", fs_result_name(got), fs_result_name(want));
}

static const struct fs_condition by_ann = {.kind = FS_IF_ANY, .by = "an/n%"};

/* A room with a trash. */
[[maybe_unused]] static int with_trash(void **state)
{
	const struct room_kind *kind = *state;
	struct fs_options options = {.plain = kind->plain, .trash = true};
	struct reason reason;

	assert_int_equal(room_setup(state), 0);
	struct room *room = *state;
	fs_root_close(&room->root);
	assert_int_equal(fs_root_open(&room->root, room->dir, &options, &reason), 0);
	return 0;
}

[[maybe_unused]] static void put(
	const struct room *room, const char *path, const char *text)
{
	struct fs_publish pub;
	struct fs_published published;

	assert_result(fs_publish_begin(&pub, &room->root, path, FS_SIZE_UNKNOWN), FS_OK);
	assert_result(fs_publish_write(&pub, text, strlen(text), 0), FS_OK);
	assert_result(fs_publish_commit(&pub, &by_ann, FS_MTIME_NOW, &published), FS_OK);
	fs_publish_end(&pub);
}

[[maybe_unused]] static void delete (const struct room *room, const char *path)
{
	assert_result(fs_remove(&room->root, path, &by_ann, FS_NO_WATCH), FS_OK);
}

#define MOST 64u

struct seen {
	unsigned n;
	struct fs_trashed at[MOST];
	char paths[MOST][64];
};

[[maybe_unused]] static struct seen *look(const struct room *room)
{
	static struct seen seen;
	struct fs_trash_walk *walk = malloc(sizeof(*walk));

	assert_non_null(walk);
	seen.n = 0;
	assert_result(fs_trash_walk_open(walk, &room->root), FS_OK);
	while (fs_trash_walk_next(walk, &seen.at[seen.n]) == FS_OK) {
		(void)snprintf(
			seen.paths[seen.n], sizeof(seen.paths[0]), "%.63s", walk->path);
		assert_true(++seen.n < MOST);
	}
	fs_trash_walk_close(walk);
	free(walk);
	return &seen;
}

[[maybe_unused]] static void assert_kept(
	const struct room *room, const struct fs_trashed *kept, const char *text)
{
	char path[FS_TRASH_WHERE_MAX + 32];

	(void)snprintf(path, sizeof(path), ".prefork/trash/%s", kept->where);
	assert_file(room, path, text);
}

/* clang-format off */
#define KEPT_IN(test, kind) {#test " (" #kind ")", test, with_trash, room_teardown, (void *)&(kind)}
#define EVERYWHERE_KEPT(test) KEPT_IN(test, on_disk), KEPT_IN(test, in_memory), KEPT_IN(test, on_plain_disk)
/* clang-format on */
