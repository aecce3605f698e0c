/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "base/util.h"
#include "service/drive/fs/cache.h"
#include "service/drive/fs/publish.h"

#include <sys/mman.h>

/* Files are taken in at once: the tests write them and do not wait. */
static const struct fs_cache_limits small = {3, 100, 40, -10 * (int64_t)NS_PER_SEC};

/* What a worker does: from the cache, or opened and taken in. NULL where it must be sent
 * from disk. */
static const struct fs_cached *serve(
	struct fs_cache *cache, const struct room *room, const char *path, uint64_t now_ns)
{
	struct fs_file file = FS_FILE_NONE;

	const struct fs_cached *hit = fs_cache_get(cache, &room->root, path, now_ns);
	if (hit || fs_open(&room->root, path, &file) != FS_OK) {
		fd_close(&file.fd);
		return hit;
	}
	const struct fs_cached *added =
		fs_cache_add(cache, &room->root, path, &file, now_ns);
	fd_close(&file.fd);
	return added;
}

static void assert_serves(
	struct fs_cache *cache, const struct room *room, const char *path, const char *text)
{
	const struct fs_cached *got = serve(cache, room, path, 0);

	assert_non_null(got);
	assert_int_equal(got->info.size, strlen(text));
	assert_memory_equal(got->bytes, text, strlen(text));
}

static void a_file_is_served_from_memory_until_it_changes(void **state)
{
	struct room *room = *state;
	struct fs_cache cache;

	assert_int_equal(fs_cache_init(&cache, &small), FS_OK);
	drop_file(room, "a", "one");
	assert_null(fs_cache_get(&cache, &room->root, "a", 0));
	assert_serves(&cache, room, "a", "one");
	const struct fs_cached *hit = fs_cache_get(&cache, &room->root, "a", 0);
	assert_non_null(hit);
	assert_ptr_equal(hit, fs_cache_get(&cache, &room->root, "a", 0));

	drop_file(room, "a", "two"); /* in place, the same inode and size */
	assert_null(fs_cache_get(&cache, &room->root, "a", 0));
	assert_serves(&cache, room, "a", "two");
	assert_int_equal(fchmodat(room->root.fd, "a", 0600, 0), 0);
	assert_null(fs_cache_get(&cache, &room->root, "a", 0));
	assert_serves(&cache, room, "a", "two");
	assert_int_equal(unlinkat(room->root.fd, "a", 0), 0);
	assert_null(serve(&cache, room, "a", 0));
	assert_int_equal(cache.n_entries, 0);
	fs_cache_fini(&cache);
}

static void a_file_that_changed_a_moment_ago_is_not_taken_in(void **state)
{
	struct room *room = *state;
	struct fs_cache_limits limits = small;
	struct fs_cache cache;

	limits.min_age_ns = FS_CACHE_MIN_AGE_NS;
	assert_int_equal(fs_cache_init(&cache, &limits), FS_OK);
	drop_file(room, "a", "one");
	assert_null(serve(&cache, room, "a", 0));
	cache.limits.min_age_ns = -(int64_t)NS_PER_SEC;
	room->root.can.coarse_clock = true;
	assert_null(serve(&cache, room, "a", 0));
	room->root.can.coarse_clock = false;
	assert_serves(&cache, room, "a", "one");
	fs_cache_fini(&cache);
}

static void what_is_large_or_behind_a_link_stays_on_disk(void **state)
{
	struct room *room = *state;
	struct fs_cache cache;

	assert_int_equal(fs_cache_init(&cache, &small), FS_OK);
	drop_file(room, "large", "0123456789012345678901234567890123456789+");
	drop_dir(room, "d");
	drop_file(room, "d/a", "one");
	drop_link(room, "link", "d/a");
	drop_link(room, "dlink", "d");
	assert_null(serve(&cache, room, "large", 0));
	assert_null(serve(&cache, room, "link", 0));
	assert_null(serve(&cache, room, "dlink/a", 0));
	assert_null(serve(&cache, room, "d", 0));
	assert_null(serve(&cache, room, "", 0));
	assert_null(serve(&cache, room, ".prefork/tmp", 0));
	assert_serves(&cache, room, "d/a", "one");
	fs_cache_fini(&cache);
}

static void a_link_put_in_the_way_is_noticed_within_the_time_of_trust(void **state)
{
	struct room *room = *state;
	struct fs_cache cache;

	assert_int_equal(fs_cache_init(&cache, &small), FS_OK);
	drop_dir(room, "d");
	drop_file(room, "d/a", "one");
	assert_serves(&cache, room, "d/a", "one");
	assert_non_null(fs_cache_get(&cache, &room->root, "d/a", FS_CACHE_TRUST_NS));

	/* The very same file, now reached by a link that leads where nobody may go. */
	assert_int_equal(renameat(room->root.fd, "d", room->root.fd, ".prefork/d"), 0);
	drop_link(room, "d", ".prefork/d");
	assert_null(fs_cache_get(&cache, &room->root, "d/a", 2 * FS_CACHE_TRUST_NS));
	assert_null(serve(&cache, room, "d/a", 2 * FS_CACHE_TRUST_NS));
	fs_cache_fini(&cache);
}

static void the_least_lately_used_goes_first_and_limits_hold(void **state)
{
	struct room *room = *state;
	struct fs_cache cache;
	char wide[41] = {0};

	assert_int_equal(fs_cache_init(&cache, &small), FS_OK);
	drop_file(room, "a", "a");
	drop_file(room, "b", "b");
	drop_file(room, "c", "c");
	drop_file(room, "d", "d");
	assert_serves(&cache, room, "a", "a");
	assert_serves(&cache, room, "b", "b");
	assert_serves(&cache, room, "c", "c");
	assert_serves(&cache, room, "a", "a");
	assert_serves(&cache, room, "d", "d");
	assert_int_equal(cache.n_entries, 3);
	assert_null(fs_cache_get(&cache, &room->root, "b", 0));
	assert_non_null(fs_cache_get(&cache, &room->root, "a", 0));

	memset(wide, 'w', 40);
	drop_file(room, "b", wide);
	drop_file(room, "c", wide);
	drop_file(room, "d", wide);
	assert_serves(&cache, room, "b", wide);
	assert_serves(&cache, room, "c", wide);
	assert_serves(&cache, room, "d", wide);
	assert_int_equal(cache.n_bytes, 80);
	assert_null(fs_cache_get(&cache, &room->root, "b", 0));
	fs_cache_fini(&cache);
}

static void a_note_stays_with_the_version_it_was_made_of(void **state)
{
	struct room *room = *state;
	struct fs_cache cache;

	assert_int_equal(fs_cache_init(&cache, &small), FS_OK);
	drop_file(room, "a", "one");
	const struct fs_cached *cached = serve(&cache, room, "a", 0);
	assert_non_null(cached);
	assert_null(cached->note);
	fs_cache_note(cached, strdup("of one"));
	assert_string_equal(fs_cache_get(&cache, &room->root, "a", 0)->note, "of one");

	drop_file(room, "a", "two");
	cached = serve(&cache, room, "a", 0);
	assert_non_null(cached);
	assert_null(cached->note);
	fs_cache_note(
		cached, strdup("of two")); /* what is not freed, the leak checker finds */
	fs_cache_fini(&cache);
}

#define N_FILES 8

struct stress {
	struct room *room;
	volatile uint64_t
		*floor; /* shared: per file, the last number whose writing is complete */
};

static void pass_time(int64_t ns)
{
	int64_t until = file_clock_ns() + ns;

	while (file_clock_ns() < until)
		continue;
}

/* Writes growing numbers, now by rename, now in place, and says when each is complete. */
static int write_numbers(void *arg)
{
	struct stress *stress = arg;
	struct room *room = stress->room;

	for (uint64_t n = 1;; n++) {
		unsigned which = (unsigned)(n * 2654435761u >> 7) % N_FILES;
		char name[8], text[24];
		(void)snprintf(name, sizeof(name), "f%u", which);
		int len = snprintf(text, sizeof(text), "%016llu", (unsigned long long)n);
		if (n % 3) {
			struct fs_publish pub;
			struct fs_published done;
			if (fs_publish_begin(&pub, &room->root, name, FS_SIZE_UNKNOWN)
					!= FS_OK
				|| fs_publish_write(&pub, text, (size_t)len, 0) != FS_OK
				|| fs_publish_commit(
					   &pub, FS_NO_CONDITION, FS_MTIME_NOW, &done)
					   != FS_OK)
				return 1;
			fs_publish_end(&pub);
		} else {
			int fd = openat(room->root.fd, name, O_WRONLY | O_CLOEXEC);
			if (fd < 0 || pwrite(fd, text, (size_t)len, 0) != len)
				return 1;
			(void)close(fd);
		}
		stress->floor[which] = n;
		if (n % 16 == 0) /* let files rest, or none is ever taken in */
			pass_time(100 * NS_PER_MS);
	}
}

static void under_writers_the_cache_never_answers_what_was_replaced(void **state)
{
	struct room *room = *state;
	/* Four ticks of the file clock, not two seconds, or there would be no hit at all.
	 */
	static const struct fs_cache_limits limits = {
		N_FILES / 2, 1000, 100, 40 * (int64_t)NS_PER_MS};
	struct stress stress = {.room = room};
	struct fs_cache cache;
	char name[8];
	unsigned hits = 0;

	room->root.durable = false;
	stress.floor = mmap(NULL, N_FILES * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(stress.floor != MAP_FAILED);
	for (unsigned i = 0; i < N_FILES; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		drop_file(room, name, "0000000000000000");
	}
	assert_int_equal(fs_cache_init(&cache, &limits), FS_OK);
	pid_t writer = start_child(write_numbers, &stress);

	for (uint64_t i = 0; i < 400000; i++) {
		unsigned which =
			(unsigned)(i / 16 % N_FILES); /* often again, then evicted */
		(void)snprintf(name, sizeof(name), "f%u", which);
		uint64_t least = stress.floor[which];
		const struct fs_cached *got = fs_cache_get(&cache, &room->root, name, 0);
		hits += got != NULL;
		if (!got)
			got = serve(&cache, room, name, 0);
		if (!got)
			continue;
		char text[17] = {0};
		assert_int_equal(got->info.size, 16);
		memcpy(text, got->bytes, 16);
		assert_true(strtoull(text, NULL, 10) >= least);
	}
	stop_child(writer);
	assert_true(hits > 1000);
	fs_cache_fini(&cache);
	assert_int_equal(munmap((void *)stress.floor, N_FILES * sizeof(uint64_t)), 0);
}

/* clang-format off */
#define CACHED_IN(test, kind) {#test " (" #kind ")", test, room_setup, room_teardown, (void *)&(kind)}
#define CACHED(test) CACHED_IN(test, on_disk), CACHED_IN(test, in_memory)
/* clang-format on */

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHED(a_file_is_served_from_memory_until_it_changes),
		CACHED(a_file_that_changed_a_moment_ago_is_not_taken_in),
		CACHED(what_is_large_or_behind_a_link_stays_on_disk),
		CACHED(a_link_put_in_the_way_is_noticed_within_the_time_of_trust),
		CACHED(the_least_lately_used_goes_first_and_limits_hold),
		CACHED(a_note_stays_with_the_version_it_was_made_of),
		CACHED(under_writers_the_cache_never_answers_what_was_replaced),
	};
	return cmocka_run_group_tests_name("fs_cache", tests, NULL, NULL);
}
