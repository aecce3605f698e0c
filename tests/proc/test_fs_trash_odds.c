/* SPDX-License-Identifier: MIT */

/*
 * What seldom happens to the trash: others who come between, disks that lack something.
 *
 * This program's own fault_step is called before each call that changes the disk.
 */

#include "fs_trash_room.h"

#define FAULT_POINTS
#include "os/fault.h"
#include "service/drive/fs/bucket.h"

/* Somebody else, who does something once, just before that step. */
static struct {
	const char *before; /* a step's name; NULL: nobody */
	unsigned n_before;  /* of these steps that he lets pass */
	const struct room *room;
	void (*act)(const struct room *room);
} other;

void fault_step(const char *step)
{
	if (!other.before || strcmp(step, other.before) != 0 || other.n_before-- > 0)
		return;
	other.before = NULL;
	other.act(other.room);
}

/* -- buckets -- */

#define KEPT "0000000000000001-d-4-"

/* The bucket of @path, with nothing in it, into @key. */
static void drop_bucket(
	const struct room *room, const char *path, char key[FS_BUCKET_KEY_MAX])
{
	assert_result(fs_bucket_open(&room->root, path, key), FS_OK);
}

static char bucket[FS_BUCKET_KEY_MAX];

/* As one who resolved the bucket's name before it was renamed. */
static void add_late(const struct room *room)
{
	char to[80];

	(void)snprintf(to, sizeof(to), ".prefork/trash/%s.gone/" KEPT, bucket);
	(void)renameat(room->root.fd, "late", room->root.fd, to);
}

/* And one who makes it anew meanwhile. */
static void add_late_and_again(const struct room *room)
{
	char key[FS_BUCKET_KEY_MAX];

	add_late(room);
	drop_bucket(room, "a/path", key);
}

static void assert_kept_late(const struct room *room, const char *path)
{
	(void)look(room); /* tidies up */
	const struct seen *seen = look(room);
	assert_int_equal(seen->n, 1);
	assert_string_equal(seen->paths[0], path);
	assert_kept(room, &seen->at[0], "late");
	assert_int_equal(count_entries(room, ".prefork/trash"), 1);
	assert_no_litter(room);
}

static void what_comes_to_a_bucket_in_its_last_moment_is_kept(void **state)
{
	struct room *room = *state;
	static const struct {
		const char *before;
		unsigned n_before;
	} moments[] = {{"unlink", 0}, {"unlink", 1}, {"unlink", 4}, {"rmdir", 0}};

	for (unsigned i = 0; i < 2 * sizeof(moments) / sizeof(moments[0]); i++) {
		drop_bucket(room, "a/path", bucket);
		drop_file(room, "late", "late");
		other.before = moments[i / 2].before;
		other.n_before = moments[i / 2].n_before;
		other.room = room;
		other.act = i % 2 ? add_late_and_again : add_late;
		fs_bucket_drop_empty(&room->root, bucket);

		assert_null(other.before);
		assert_kept_late(room, "a/path");
		assert_result(fs_trash_purge(&room->root, &look(room)->at[0], FS_NO_WATCH),
			FS_OK);
		assert_int_equal(count_entries(room, ".prefork/trash"), 0);
	}
}

/* Who removed the bucket died just after somebody had added to it. */
static void what_lost_its_path_is_kept_by_its_number(void **state)
{
	struct room *room = *state;
	char key[FS_BUCKET_KEY_MAX], old[64], gone[80], piece[96];

	drop_bucket(room, "a/path", key);
	(void)snprintf(old, sizeof(old), ".prefork/trash/%s", key);
	(void)snprintf(gone, sizeof(gone), "%s.gone", old);
	(void)snprintf(piece, sizeof(piece), "%s/0", old);
	assert_int_equal(unlinkat(room->root.fd, piece, 0), 0);
	(void)snprintf(piece, sizeof(piece), "%s/" KEPT, old);
	drop_file(room, piece, "late");
	assert_int_equal(renameat(room->root.fd, old, room->root.fd, gone), 0);

	assert_kept_late(room, key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE_KEPT(what_comes_to_a_bucket_in_its_last_moment_is_kept),
		KEPT_IN(what_lost_its_path_is_kept_by_its_number, on_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
