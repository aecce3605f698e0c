/* SPDX-License-Identifier: MIT */

#include "fs_race.h"
#include "fs_room.h"

#include "service/drive/lock/store.h"

#include <errno.h>
#include <sys/file.h>

#define NOW 1'000'000

static struct lock_store open_store(const struct room *room)
{
	struct lock_store store;

	assert_int_equal(lock_store_open(&store, &room->root), FS_OK);
	return store;
}

static struct lock some_lock(bool is_shared, bool is_deep)
{
	struct lock lock = {.is_shared = is_shared,
		.is_deep = is_deep,
		.ends_sec = NOW + 100,
		.granted_sec = 100,
		.user = SPAN("alice"),
		.owner = SPAN("<o>me & you</o>")};

	lock_new_token(lock.token);
	return lock;
}

static struct lock put_lock(
	const struct lock_store *store, const char *path, bool is_shared, bool is_deep)
{
	struct lock lock = some_lock(is_shared, is_deep);

	assert_int_equal(lock_store_put(store, path, &lock, NOW), FS_OK);
	return lock;
}

/* What a walk met: how many, and the paths of all of them, in order. */
struct met {
	int n, most;
	char paths[512];
	struct lock last;
};

static bool meet(void *ctx, const struct lock_found *found)
{
	struct met *met = ctx;
	size_t n = strlen(met->paths);

	met->n++;
	met->last = *found->lock;
	met->last.user = met->last.owner = SPAN_NONE; /* they end with the visit */
	if (n + found->path.n + 2 < sizeof(met->paths))
		(void)snprintf(met->paths + n, sizeof(met->paths) - n, "%.*s;",
			SPAN_FMT(found->path));
	return met->n != met->most;
}

static struct met covering(
	const struct lock_store *store, const char *path, int64_t now_sec)
{
	struct met met = {0};

	assert_int_equal(lock_store_covering(store, path, now_sec, meet, &met), FS_OK);
	return met;
}

static struct met below(const struct lock_store *store, const char *path)
{
	struct met met = {0};

	assert_int_equal(lock_store_below(store, path, NOW, meet, &met), FS_OK);
	return met;
}

static bool is_as_it_was_put(void *ctx, const struct lock_found *found)
{
	const struct lock *want = ctx, *got = found->lock;

	assert_string_equal(got->token, want->token);
	assert_int_equal(got->is_shared, want->is_shared);
	assert_int_equal(got->is_deep, want->is_deep);
	assert_int_equal(got->ends_sec, want->ends_sec);
	assert_int_equal(got->granted_sec, want->granted_sec);
	assert_int_equal(got->made_inode, want->made_inode);
	assert_true(span_eq(got->user, want->user));
	assert_true(span_eq(got->owner, want->owner));
	return true;
}

static void a_lock_comes_back_as_it_was_put(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);
	struct lock lock = some_lock(true, true);

	lock.made_inode = 77;
	assert_int_equal(lock_store_put(&store, "a/b c/d", &lock, NOW), FS_OK);
	lock_store_close(&store);
	store = open_store(room);
	assert_int_equal(
		lock_store_covering(&store, "a/b c/d", NOW, is_as_it_was_put, &lock),
		FS_OK);
	lock.ends_sec += 50; /* refreshed */
	assert_int_equal(lock_store_put(&store, "a/b c/d", &lock, NOW), FS_OK);
	assert_int_equal(covering(&store, "a/b c/d", NOW).n, 1);
	assert_int_equal(
		lock_store_covering(&store, "a/b c/d", NOW, is_as_it_was_put, &lock),
		FS_OK);
	lock_store_close(&store);
}

static void locks_cover_what_they_say(void **state)
{
	struct lock_store store = open_store(*state);

	put_lock(&store, "a", true, true);
	put_lock(&store, "a/b", true, false);
	put_lock(&store, "a/b/c", false, false);

	assert_string_equal(covering(&store, "", NOW).paths, "");
	assert_string_equal(covering(&store, "a", NOW).paths, "a;");
	assert_string_equal(covering(&store, "a/b", NOW).paths, "a;a/b;");
	assert_string_equal(covering(&store, "a/b/c", NOW).paths, "a;a/b/c;");
	assert_string_equal(covering(&store, "a/b/c/d/e", NOW).paths, "a;");
	assert_string_equal(covering(&store, "ab", NOW).paths, "");
	assert_int_equal(below(&store, "").n, 3);
	assert_int_equal(below(&store, "a").n, 2);
	assert_string_equal(below(&store, "a/b").paths, "a/b/c;");
	assert_int_equal(below(&store, "a/b/c").n, 0);
	assert_int_equal(below(&store, "none").n, 0);

	put_lock(&store, "", false, true);
	assert_string_equal(covering(&store, "x/y", NOW).paths, ";");
	lock_store_close(&store);
}

static void an_ended_lock_is_none_and_is_tidied_away(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);

	put_lock(&store, "a/b/c", false, false);
	assert_int_equal(covering(&store, "a/b/c", NOW + 99).n, 1);
	assert_int_equal(covering(&store, "a/b/c", NOW + 100).n, 0);
	assert_false(lock_store_is_empty(&store));
	assert_int_equal(lock_store_tend(&store, NOW + 99), FS_OK);
	assert_int_equal(covering(&store, "a/b/c", NOW).n, 1);
	assert_int_equal(lock_store_tend(&store, NOW + 100), FS_OK);
	assert_int_equal(count_entries(room, ".prefork/locks/tree"), 0);
	assert_true(lock_store_is_empty(&store));
	lock_store_close(&store);
}

static void a_removed_lock_leaves_the_others_and_no_litter(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);
	struct lock one = put_lock(&store, "a/b", true, false);
	struct lock two = put_lock(&store, "a/b", true, false);

	assert_int_equal(lock_store_remove(&store, "a/b", SPAN("urn:other"), NOW), FS_OK);
	assert_int_equal(covering(&store, "a/b", NOW).n, 2);
	assert_int_equal(lock_store_remove(&store, "a/b", lock_token(&one), NOW), FS_OK);
	assert_string_equal(covering(&store, "a/b", NOW).last.token, two.token);
	assert_int_equal(lock_store_remove(&store, "a/b", lock_token(&two), NOW), FS_OK);
	assert_int_equal(lock_store_remove(&store, "a/b", lock_token(&two), NOW), FS_OK);
	assert_int_equal(count_entries(room, ".prefork/locks/tree"), 0);
	lock_store_close(&store);
}

static void what_is_dropped_takes_along_all_below(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);

	put_lock(&store, "a", false, false);
	put_lock(&store, "a/b", false, false);
	put_lock(&store, "a/b/c/d", false, false);
	assert_int_equal(lock_store_drop(&store, "a", true), FS_OK);
	assert_string_equal(covering(&store, "a", NOW).paths, "a;");
	assert_int_equal(below(&store, "a").n, 0);
	put_lock(&store, "a/b", false, false);
	assert_int_equal(lock_store_drop(&store, "a", false), FS_OK);
	assert_int_equal(lock_store_drop(&store, "none", false), FS_OK);
	assert_int_equal(count_entries(room, ".prefork/locks/tree"), 0);
	lock_store_close(&store);
}

static void a_path_may_be_as_deep_and_its_names_as_long_as_any(void **state)
{
	struct lock_store store = open_store(*state);
	char deep[FS_PATH_MAX], wide[FS_PATH_MAX];

	for (size_t i = 0; i < sizeof(deep) - 1; i++)
		deep[i] = i % 2 ? '/' : 'd';
	deep[sizeof(deep) - 1] = '\0'; /* 2,048 directories */
	memset(wide, 'w', sizeof(wide));
	for (size_t i = 255; i < sizeof(wide); i += 256)
		wide[i] = '/';
	wide[sizeof(wide) - 1] = '\0';

	put_lock(&store, deep, false, false);
	put_lock(&store, wide, false, true);
	assert_int_equal(covering(&store, deep, NOW).n, 1);
	assert_int_equal(covering(&store, wide, NOW).n, 1);
	assert_int_equal(below(&store, "d").n, 1);
	assert_int_equal(below(&store, "").n, 2);
	assert_int_equal(lock_store_tend(&store, NOW + 1000), FS_OK);
	assert_true(lock_store_is_empty(&store));
	lock_store_close(&store);
}

static void only_so_many_may_share_a_path(void **state)
{
	struct lock_store store = open_store(*state);
	struct lock one_more = some_lock(true, false);

	for (unsigned i = 0; i < LOCK_STORE_SHARED_MAX; i++)
		put_lock(&store, "a", true, false);
	assert_int_equal(lock_store_put(&store, "a", &one_more, NOW), FS_NO_SPACE);
	assert_int_equal(covering(&store, "a", NOW).n, LOCK_STORE_SHARED_MAX);
	one_more.ends_sec = NOW + 1000;
	assert_int_equal(lock_store_put(&store, "a", &one_more, NOW + 100), FS_OK);
	lock_store_close(&store);
}

static void an_entry_is_found_in_its_folder(void **state)
{
	struct lock_store store = open_store(*state);
	struct met met = {0};
	int folder = -1;

	put_lock(&store, "a/b", false, false);
	assert_int_equal(lock_store_folder(&store, "a", &folder), FS_OK);
	assert_int_equal(lock_store_entry(folder, "b", NOW, meet, &met), FS_OK);
	assert_int_equal(lock_store_entry(folder, "c", NOW, meet, &met), FS_OK);
	assert_string_equal(met.paths, "b;");
	fd_close(&folder);
	assert_int_equal(lock_store_folder(&store, "c", &folder), FS_NOT_FOUND);
	lock_store_close(&store);
}

static void a_garbled_file_is_no_lock_and_can_be_replaced(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);

	drop_dir(room, ".prefork/locks/tree/a");
	drop_file(room, ".prefork/locks/tree/a/.prefork-tmp-locks", "urn:uuid:nonsense\n");
	drop_file(room, ".prefork/locks/tree/a/.prefork-tmp-locks-new", "left by a crash");
	assert_int_equal(covering(&store, "a", NOW).n, 0);
	put_lock(&store, "a", false, false);
	assert_int_equal(covering(&store, "a", NOW).n, 1);
	assert_int_equal(lock_store_drop(&store, "a", false), FS_OK);
	assert_true(lock_store_is_empty(&store));
	lock_store_close(&store);
}

/* Takes an exclusive lock, as LOCK does: looks, and puts it if nothing is in the way. */
static int lock_once(const struct room *room, const char *path, bool is_deep)
{
	struct lock_store store = open_store(room);
	struct lock lock = some_lock(false, is_deep);
	struct met met = {0};

	if (lock_store_enter(&store, true) != FS_OK
		|| lock_store_covering(&store, path, NOW, meet, &met) != FS_OK
		|| (is_deep && lock_store_below(&store, path, NOW, meet, &met) != FS_OK))
		return 2;
	if (met.n > 0)
		return 1;
	return lock_store_put(&store, path, &lock, NOW) == FS_OK ? 0 : 2;
}

static int lock_parent_or_child(void *arg, int me)
{
	return lock_once(arg, me % 2 ? "a" : "a/b/c", me % 2);
}

static void of_a_deep_lock_and_one_below_it_exactly_one_is_taken(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);

	for (int round = 0; round < 30; round++) {
		assert_int_equal(race(lock_parent_or_child, room, 0), 1);
		assert_int_equal(lock_store_drop(&store, "a", false), FS_OK);
	}
	lock_store_close(&store);
}

static int take_and_release(void *arg)
{
	struct lock_store store = open_store(arg);

	for (;;) {
		struct lock lock = some_lock(false, false);

		if (lock_store_enter(&store, true) != FS_OK
			|| lock_store_put(&store, "a/b/c", &lock, NOW) != FS_OK
			|| lock_store_remove(&store, "a/b/c", lock_token(&lock), NOW)
				   != FS_OK)
			return 1;
		lock_store_leave(&store);
	}
}

static void who_is_killed_at_any_step_leaves_a_store_that_works(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room);

	for (int round = 0; round < 50; round++) {
		pid_t pid = start_child(take_and_release, room);
		struct met met = covering(&store, "a/b/c", NOW);

		assert_in_range(met.n, 0, 1); /* whole or not there, never half */
		stop_child(pid);

		assert_int_equal(lock_store_enter(&store, true), FS_OK);
		assert_int_equal(lock_store_drop(&store, "", false), FS_OK);
		put_lock(&store, "a/b/c", false, false);
		assert_int_equal(covering(&store, "a/b/c", NOW).n, 1);
		assert_int_equal(lock_store_drop(&store, "a", false), FS_OK);
		assert_true(lock_store_is_empty(&store));
		lock_store_leave(&store);
	}
	lock_store_close(&store);
}

static void the_gate_is_for_many_or_for_one(void **state)
{
	/* Each as in a process of its own. */
	struct lock_store a = open_store(*state), b = open_store(*state);

	assert_int_equal(lock_store_enter(&a, false), FS_OK);
	assert_int_equal(lock_store_enter(&b, false), FS_OK);
	assert_int_equal(latch_lock(&b.gate, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	lock_store_leave(&a);
	assert_int_equal(latch_lock(&b.gate, LOCK_EX | LOCK_NB), 0);
	lock_store_close(&a);
	lock_store_close(&b);
}

static void a_lock_on_the_root_is_seen_whatever_was_known_before(void **state)
{
	struct room *room = *state;
	struct lock_store store = open_store(room), other = open_store(room);

	/* Long ago nothing was there: now it is known of this time. */
	const struct timespec long_ago[] = {{.tv_sec = 1}, {.tv_sec = 1}};
	assert_int_equal(futimens(store.tree, long_ago), 0);
	assert_true(lock_store_is_empty(&store));
	assert_int_equal(store.bare_mtime_ns, 1'000'000'000);
	assert_true(lock_store_is_empty(&store));

	put_lock(&other, "", false, false);
	assert_false(lock_store_is_empty(&store));
	assert_int_equal(lock_store_drop(&other, "", false), FS_OK);
	assert_true(lock_store_is_empty(&store));
	/* That was a moment ago: at this time there may yet be another change. */
	assert_int_equal(store.bare_mtime_ns, 1'000'000'000);
	lock_store_close(&other);
	lock_store_close(&store);
}

static void ten_thousand_locks_are_no_burden(void **state)
{
	struct lock_store store = open_store(*state);
	struct met met = {.most = 1};
	char path[32];

	for (int i = 0; i < 10'000; i++) {
		(void)snprintf(path, sizeof(path), "many/%d", i);
		put_lock(&store, path, false, false);
	}
	assert_int_equal(covering(&store, "many/9999", NOW).n, 1);
	assert_int_equal(covering(&store, "many/x", NOW).n, 0);
	assert_int_equal(below(&store, "many").n, 10'000);
	assert_int_equal(lock_store_below(&store, "many", NOW, meet, &met), FS_OK);
	assert_int_equal(met.n, 1); /* one is enough to refuse a deep lock */
	assert_int_equal(lock_store_drop(&store, "many", false), FS_OK);
	assert_true(lock_store_is_empty(&store));
	lock_store_close(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_lock_comes_back_as_it_was_put),
		EVERYWHERE(locks_cover_what_they_say),
		EVERYWHERE(an_ended_lock_is_none_and_is_tidied_away),
		EVERYWHERE(a_removed_lock_leaves_the_others_and_no_litter),
		EVERYWHERE(what_is_dropped_takes_along_all_below),
		EVERYWHERE(a_path_may_be_as_deep_and_its_names_as_long_as_any),
		EVERYWHERE(only_so_many_may_share_a_path),
		EVERYWHERE(an_entry_is_found_in_its_folder),
		EVERYWHERE(a_garbled_file_is_no_lock_and_can_be_replaced),
		EVERYWHERE(of_a_deep_lock_and_one_below_it_exactly_one_is_taken),
		EVERYWHERE(who_is_killed_at_any_step_leaves_a_store_that_works),
		EVERYWHERE(the_gate_is_for_many_or_for_one),
		EVERYWHERE(a_lock_on_the_root_is_seen_whatever_was_known_before),
		IN_ROOM(ten_thousand_locks_are_no_burden, in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
