/* SPDX-License-Identifier: MIT */

#include "fs_trash_room.h"

#include "base/util.h"
#include "service/drive/fs/trim.h"

#define SECOND_NS ((int64_t)NS_PER_SEC)

/* Puts @n versions of four bytes there, of a path each, @apart_ns apart; the order in which
 * they are made is another. */
static void drop_versions(
	const struct room *room, unsigned n, int64_t first_ns, int64_t apart_ns)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned nth = (unsigned)((uint64_t)i * 7919 % n); /* a prime */
		char bucket[64], path[128];
		(void)snprintf(bucket, sizeof(bucket), ".prefork/trash/%016x", i);
		drop_dir(room, bucket);
		(void)snprintf(path, sizeof(path), "%s/0", bucket);
		drop_link(room, path, "f");
		(void)snprintf(path, sizeof(path), "%s/%016llx-d-4-", bucket,
			(unsigned long long)(first_ns + nth * apart_ns));
		drop_file(room, path, "1234");
	}
}

static bool count_asked(void *ctx)
{
	unsigned *n_asked = ctx;

	(*n_asked)++;
	return true;
}

static struct fs_trimmed trim_counted(
	const struct room *room, const struct fs_trim_limits *limits, unsigned *n_asked)
{
	const struct fs_watch watch = {.go_on = count_asked, .ctx = n_asked};
	struct fs_trimmed trimmed;

	*n_asked = 0;
	assert_result(fs_trim(&room->root, limits, &watch, &trimmed), FS_OK);
	return trimmed;
}

static void emptying_goes_through_the_trash_once(void **state)
{
	const struct room *room = *state;
	const struct fs_trim_limits all = {
		.before_ns = INT64_MAX, .most_bytes = UINT64_MAX};
	unsigned n_asked;

	drop_versions(room, 1000, SECOND_NS, SECOND_NS);
	const struct fs_trimmed trimmed = trim_counted(room, &all, &n_asked);

	assert_int_equal(trimmed.n_removed, 1000);
	assert_int_equal(trimmed.removed_bytes, 4000);
	assert_int_equal(trimmed.n_kept, 0);
	assert_true(trimmed.oldest_ns == INT64_MAX);
	assert_int_equal(n_asked, 1000);
	assert_int_equal(count_entries(room, ".prefork/trash"), 0);
}

/* Whether a second or a nanosecond apart: it comes to the very number in a few walks. */
static void a_budget_is_kept_to_the_byte_in_a_few_walks(void **state)
{
	const struct room *room = *state;
	const struct fs_trim_limits few = {.most_bytes = 4 * 100 + 3};
	static const int64_t apart_ns[] = {SECOND_NS, 1};
	unsigned n_asked;

	for (unsigned i = 0; i < ARRAY_LEN(apart_ns); i++) {
		int64_t first_ns = 1700000000 * SECOND_NS;
		drop_versions(room, 3000, first_ns, apart_ns[i]);
		struct fs_trimmed trimmed = trim_counted(room, &few, &n_asked);

		assert_int_equal(trimmed.n_removed, 2900);
		assert_int_equal(trimmed.n_kept, 100);
		assert_int_equal(trimmed.kept_bytes, 400);
		assert_true(trimmed.oldest_ns == first_ns + 2900 * apart_ns[i]);
		assert_true(n_asked < 8 * 3000);
		trimmed = trim_counted(room,
			&(struct fs_trim_limits){
				.before_ns = INT64_MAX, .most_bytes = UINT64_MAX},
			&n_asked);
		assert_int_equal(trimmed.n_removed, 100);
	}
}

static void what_would_not_be_enough_stays(void **state)
{
	const struct room *room = *state;
	struct fs_trim_limits limits = {
		.most_bytes = UINT64_MAX, .free_bytes = 40, .at_least_bytes = 401};
	unsigned n_asked;

	drop_versions(room, 100, SECOND_NS, SECOND_NS);
	assert_int_equal(trim_counted(room, &limits, &n_asked).n_removed, 0);
	limits.at_least_bytes = 400;
	assert_int_equal(trim_counted(room, &limits, &n_asked).n_removed, 10);
	limits.at_least_bytes = 0;
	limits.free_bytes = UINT64_MAX;
	assert_int_equal(trim_counted(room, &limits, &n_asked).n_removed, 90);
}

/* As it gets another name in the directory that is read just then. */
static void a_tree_that_is_measured_is_counted_once(void **state)
{
	const struct room *room = *state;
	const struct fs_trim_limits nothing = {.most_bytes = UINT64_MAX};
	unsigned n_asked, n_walks = 0;
	struct fs_trimmed trimmed;

	drop_dir(room, ".prefork/trash/0123456789abcdef");
	drop_link(room, ".prefork/trash/0123456789abcdef/0", "t");
	for (unsigned i = 0; i < 500; i++) {
		char path[80];
		(void)snprintf(path, sizeof(path),
			".prefork/trash/0123456789abcdef/%016x-d--", i + 1);
		drop_dir(room, path);
		(void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/f");
		drop_file(room, path, "1234");
	}
	do {
		trimmed = trim_counted(room, &nothing, &n_asked);
		assert_int_equal(trimmed.n_kept, 500);
	} while (trimmed.kept_bytes < 2000 && n_walks++ < 100);
	assert_int_equal(trimmed.kept_bytes, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE_KEPT(emptying_goes_through_the_trash_once),
		KEPT_IN(a_budget_is_kept_to_the_byte_in_a_few_walks, in_memory),
		EVERYWHERE_KEPT(what_would_not_be_enough_stays),
		EVERYWHERE_KEPT(a_tree_that_is_measured_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
