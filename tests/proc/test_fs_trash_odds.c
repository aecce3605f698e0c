/* SPDX-License-Identifier: MIT */

/*
 * What seldom happens to the trash: others who come between, disks that lack something.
 *
 * This program's own fault_step is called before each call that changes the disk.
 */

#include "fs_race.h"
#include "fs_trash_room.h"

#define FAULT_POINTS
#include "os/fault.h"
#include "service/drive/fs/bucket.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/trim.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* Somebody else, who does something once, just before that step. */
static struct {
	const char *before; /* a step's name; NULL: nobody */
	unsigned n_before;  /* of these steps that he lets pass */
	const struct room *room;
	void (*act)(const struct room *room);
} other;

static bool is_entered;         /* the names are locked, or about to be */
static unsigned n_under_lock;   /* things removed meanwhile, */
static unsigned n_without_lock; /* and otherwise */

void fault_step(const char *step)
{
	if (strcmp(step, "unlink") == 0)
		(*(is_entered ? &n_under_lock : &n_without_lock))++;
	if (!other.before || strcmp(step, other.before) != 0 || other.n_before-- > 0)
		return;
	other.before = NULL;
	other.act(other.room);
}

static int link_errno; /* what link(2) says; 0: it works */

/* In place of the C library's. */
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	if (link_errno && flags == 0) {
		errno = link_errno;
		return -1;
	}
	return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
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

enum { DONE, FAILED };

/* Half of the racers put and delete, the others empty the trash all the while. */
static int keep_or_empty(void *arg, int me)
{
	const struct room *room = arg;
	const struct fs_trim_limits all = {
		.before_ns = INT64_MAX, .most_bytes = UINT64_MAX};

	for (unsigned i = 0; i < 60; i++) {
		struct fs_trimmed trimmed;
		struct fs_publish pub;
		struct fs_published published;
		enum fs_result result;

		if (me % 2 && fs_trim(&room->root, &all, FS_NO_WATCH, &trimmed) != FS_OK)
			return FAILED;
		if (me % 2)
			continue;
		if (fs_publish_begin(&pub, &room->root, "f", 3) != FS_OK
			|| fs_publish_write(&pub, "new", 3, 0) != FS_OK)
			return FAILED;
		result = fs_publish_commit(&pub, FS_NO_CONDITION, FS_MTIME_NOW, &published);
		fs_publish_end(&pub);
		if (result == FS_OK)
			result = fs_remove(&room->root, "f", FS_NO_CONDITION, FS_NO_WATCH);
		if (result != FS_OK && result != FS_NOT_FOUND)
			return FAILED;
	}
	return DONE;
}

static void buckets_that_come_and_go_are_never_half(void **state)
{
	struct room *room = *state;
	const struct fs_trim_limits all = {
		.before_ns = INT64_MAX, .most_bytes = UINT64_MAX};
	struct fs_trimmed trimmed;

	assert_int_equal(race(keep_or_empty, room, DONE), RACERS);
	for (unsigned i = 0; i < 2; i++)
		assert_result(fs_trim(&room->root, &all, FS_NO_WATCH, &trimmed), FS_OK);

	assert_int_equal(trimmed.n_failed, 0);
	assert_int_equal(count_entries(room, ".prefork/trash"), 0);
	assert_no_litter(room);
}

/* -- keeping -- */

static void without_hard_links_what_is_replaced_is_kept_too(void **state)
{
	struct room *room = *state;
	static const int errors[] = {EPERM, EMLINK, EOPNOTSUPP, ENOSYS};

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		put(room, "f", "one");
		link_errno = errors[i];
		put(room, "f", "two");
		link_errno = 0;

		const struct seen *seen = look(room);
		assert_int_equal(seen->n, 1);
		assert_kept(room, &seen->at[0], "one");
		assert_file(room, "f", "two");
		assert_result(
			fs_trash_purge(&room->root, &seen->at[0], FS_NO_WATCH), FS_OK);
		assert_int_equal(unlinkat(room->root.fd, "f", 0), 0);
	}
}

static struct {
	unsigned n;
	char path[64];
	enum fs_result why;
} unkept;

static void note_unkept(void *, const char *path, enum fs_result why)
{
	unkept.n++;
	unkept.why = why;
	(void)snprintf(unkept.path, sizeof(unkept.path), "%s", path);
}

static void take_trash_away(struct room *room)
{
	unkept.n = 0;
	room->root.watch.failed = note_unkept;
	assert_int_equal(unlinkat(room->root.fd, ".prefork/trash", AT_REMOVEDIR), 0);
}

static void what_cannot_be_kept_is_told(void **state)
{
	struct room *room = *state;

	put(room, "f", "one");
	take_trash_away(room);
	put(room, "f", "two");
	assert_int_equal(unkept.n, 1);
	assert_string_equal(unkept.path, "f");
	assert_int_equal(unkept.why, FS_NOT_FOUND);
	assert_file(room, "f", "two");
	delete (room, "f");
	assert_int_equal(unkept.n, 2);
	assert_false(is_there(room, "f"));
	put(room, "f", "");
	put(room, "f", "three");
	assert_int_equal(unkept.n, 2); /* an empty file never is */
}

static void remove_f(const struct room *room)
{
	(void)unlinkat(room->root.fd, "f", 0);
}

static void of_what_another_deletes_nothing_is_told(void **state)
{
	struct room *room = *state;

	put(room, "f", "one");
	unkept.n = 0;
	room->root.watch.failed = note_unkept;
	other.before = "link";
	other.n_before = 0;
	other.room = room;
	other.act = remove_f;
	room->root.can.unnamed = false;
	put(room, "f", "two");

	assert_null(other.before);
	assert_int_equal(unkept.n, 0);
	assert_file(room, "f", "two");
}

static enum fs_result enter(void *, bool *asks)
{
	is_entered = true;
	n_without_lock = 0;
	*asks = false;
	return FS_OK;
}

static void leave(void *)
{
	is_entered = false;
}

static const struct fs_fence fence = {.enter = enter, .leave = leave};
static const struct fs_condition fenced = {.kind = FS_IF_ANY, .fence = &fence};

static void old_versions_are_removed_without_a_lock(void **state)
{
	struct room *room = *state;
	struct fs_publish pub;
	struct fs_published published;
	char path[96];

	put(room, "f", "one");
	drop_bucket(room, "f", bucket);
	for (unsigned i = 1; i < 40; i++) {
		(void)snprintf(
			path, sizeof(path), ".prefork/trash/%s/%016x-r-3-", bucket, i);
		drop_file(room, path, "old");
	}
	n_under_lock = n_without_lock = 0;
	while (n_under_lock + n_without_lock == 0) { /* one in eight */
		assert_result(fs_publish_begin(&pub, &room->root, "f", 3), FS_OK);
		assert_result(fs_publish_write(&pub, "new", 3, 0), FS_OK);
		assert_result(
			fs_publish_commit(&pub, &fenced, FS_MTIME_NOW, &published), FS_OK);
		fs_publish_end(&pub);
	}

	assert_int_equal(n_under_lock, 0);
	assert_true(n_without_lock >= 40 - FS_TRASH_VERSIONS_MOST);
}

/* -- mounts -- */

static bool mount_at(const struct room *room, const char *at)
{
	char path[ROOM_PATH_MAX];

	return mount_disk(room, at, "tmpfs", "size=1m,nr_inodes=200", path);
}

static void unmount_at(const struct room *room, const char *path)
{
	char whole[128];

	(void)snprintf(whole, sizeof(whole), "%s/%s", room->dir, path);
	assert_int_equal(umount2(whole, MNT_DETACH), 0);
}

static void a_folder_with_a_mount_in_it_is_not_replaced(void **state)
{
	struct room *room = *state;
	const struct fs_copy_how how = {.overwrite = true};
	struct fs_trashed kept;
	bool created;

	drop_dir(room, "t");
	drop_dir(room, "t/disk");
	drop_file(room, "t/f", "text");
	drop_dir(room, "other");
	put(room, "gone", "gone");
	delete (room, "gone");
	kept = look(room)->at[0];
	if (!mount_at(room, "t/disk"))
		return;
	drop_file(room, "t/disk/precious", "text");

	assert_result(fs_move(&room->root, "other", "t", true, FS_NO_CONDITION, FS_NO_WATCH,
			      &created),
		FS_BUSY);
	assert_result(
		fs_copy(&room->root, "other", "t", &how, FS_NO_WATCH, &created), FS_BUSY);
	assert_result(
		fs_trash_restore(&room->root, &kept, "t", true, FS_NO_CONDITION, &created),
		FS_BUSY);
	assert_file(room, "t/f", "text");
	assert_file(room, "t/disk/precious", "text");
	assert_true(is_there(room, "other"));
	assert_int_equal(look(room)->n, 1);
	assert_no_litter(room);
	unmount_at(room, "t/disk");
	assert_result(fs_move(&room->root, "other", "t", true, FS_NO_CONDITION, FS_NO_WATCH,
			      &created),
		FS_OK);
}

/* The room is a small disk of its own, until unmount_room. False where it cannot be. */
static bool mount_room(struct room *room)
{
	const struct fs_options options = {.trash = true};
	struct reason reason;

	if (!mount_at(room, ""))
		return false;
	fs_root_close(&room->root);
	assert_int_equal(fs_root_open(&room->root, room->dir, &options, &reason), 0);
	return true;
}

static void unmount_room(struct room *room)
{
	const struct fs_options options = {.trash = true};
	struct reason reason;

	fs_root_close(&room->root);
	unmount_at(room, "");
	assert_int_equal(fs_root_open(&room->root, room->dir, &options, &reason), 0);
}

static void room_to_keep_is_made_without_a_lock(void **state)
{
	struct room *room = *state;
	char path[32];

	if (!mount_room(room))
		return;
	drop_file(room, "junk", "junk");
	delete (room, "junk");
	drop_file(room, "dear", "dear");
	for (unsigned i = 0; i < 200; i++) {
		(void)snprintf(path, sizeof(path), "full%u", i);
		(void)mknodat(room->root.fd, path, S_IFREG | 0644, 0);
	}
	n_under_lock = 0;
	assert_result(fs_remove(&room->root, "dear", &fenced, FS_NO_WATCH), FS_OK);

	assert_int_equal(n_under_lock, 0);
	assert_int_equal(look(room)->n, 1);
	assert_string_equal(look(room)->paths[0], "dear");
	unmount_room(room);
}

/* Makes files in @dir until one has that inode's number. False if none gets it. */
static bool drop_inode(
	const struct room *room, const char *dir, uint64_t inode, char *path, size_t cap)
{
	for (unsigned i = 0; i < 200; i++) {
		struct stat st;
		(void)snprintf(path, cap, "%s/%u", dir, i);
		drop_file(room, path, "other");
		assert_int_equal(fstatat(room->root.fd, path, &st, 0), 0);
		if (st.st_ino == inode)
			return true;
	}
	return false;
}

static void an_inode_of_another_disk_is_not_what_was_kept(void **state)
{
	struct room *room = *state;
	struct fs_trashed kept;
	struct stat st;
	char path[96];
	bool created;

	if (!mount_room(room))
		return;
	drop_dir(room, "disk");
	assert_true(mount_at(room, "disk"));
	put(room, "f", "dear");
	delete (room, "f");
	kept = look(room)->at[0];
	assert_int_equal(fstatat(room->root.trash, kept.where, &st, 0), 0);
	if (drop_inode(room, "disk", st.st_ino, path, sizeof(path))) {
		assert_result(fs_trash_restore(&room->root, &kept, path, true,
				      FS_NO_CONDITION, &created),
			FS_OUTSIDE);
		assert_int_equal(look(room)->n, 1);
		assert_kept(room, &kept, "dear");
		assert_file(room, path, "other");
	} else {
		print_message("# SKIPPED: a tmpfs does not count its inodes here\n");
	}
	unmount_at(room, "disk");
	unmount_room(room);
}

static void a_look_goes_on_where_what_it_looks_at_goes(void **state)
{
	const struct room *room = *state;
	struct fs_trash_walk *walk = malloc(sizeof(*walk));
	struct fs_trashed kept;
	unsigned n = 0;

	for (char name[] = "a"; name[0] < 'd'; name[0]++) {
		put(room, name, "1");
		delete (room, name);
	}
	assert_non_null(walk);
	assert_result(fs_trash_walk_open(walk, &room->root), FS_OK);
	for (; fs_trash_walk_next(walk, &kept) == FS_OK; n++)
		assert_result(fs_trash_purge(&room->root, &kept, FS_NO_WATCH), FS_OK);
	fs_trash_walk_close(walk);
	free(walk);

	assert_int_equal(n, 3);
	assert_int_equal(look(room)->n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE_KEPT(what_comes_to_a_bucket_in_its_last_moment_is_kept),
		KEPT_IN(what_lost_its_path_is_kept_by_its_number, on_disk),
		KEPT_IN(buckets_that_come_and_go_are_never_half, in_memory),
		EVERYWHERE_KEPT(without_hard_links_what_is_replaced_is_kept_too),
		EVERYWHERE_KEPT(what_cannot_be_kept_is_told),
		KEPT_IN(of_what_another_deletes_nothing_is_told, on_disk),
		EVERYWHERE_KEPT(old_versions_are_removed_without_a_lock),
		KEPT_IN(room_to_keep_is_made_without_a_lock, in_memory),
		EVERYWHERE_KEPT(a_folder_with_a_mount_in_it_is_not_replaced),
		EVERYWHERE_KEPT(a_look_goes_on_where_what_it_looks_at_goes),
		KEPT_IN(an_inode_of_another_disk_is_not_what_was_kept, in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
