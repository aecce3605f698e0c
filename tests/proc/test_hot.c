/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/util.h"
#include "interp/hot.h"
#include "os/fork.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 4u

enum page {
	ALWAYS,    /* each call writes to it */
	SOMETIMES, /* all but one do */
	READ,      /* each reads it */
	NEVER,
};

/* What a server has: pages that were written to before the first fork. */
struct server {
	struct hot *hot;
	volatile char *memory;
	size_t page_bytes;
};

static int begin(void **state)
{
	static struct server servers[3]; /* what hot_new makes lives as long as they do */
	static unsigned n;
	struct server *server = servers + n++;

	server->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	server->memory = mmap(NULL, PAGES * server->page_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)madvise((void *)server->memory, PAGES * server->page_bytes, MADV_NOHUGEPAGE);
	memset((void *)server->memory, 1, PAGES * server->page_bytes);
	server->hot = hot_new();
	*state = server;
	return server->hot ? 0 : -1;
}

static int finish(void **state)
{
	struct server *server = *state;

	(void)munmap((void *)server->memory, PAGES * server->page_bytes);
	return 0;
}

static void touch(const struct server *server, enum page page)
{
	server->memory[page * server->page_bytes] = 2;
}

/* Whether a write to that page has to copy it first. */
static bool faults(const struct server *server, enum page page)
{
	struct rusage before, after;

	(void)getrusage(RUSAGE_SELF, &after); /* now its own pages are there */
	(void)getrusage(RUSAGE_SELF, &before);
	touch(server, page);
	(void)getrusage(RUSAGE_SELF, &after);
	return after.ru_minflt != before.ru_minflt;
}

/* A call that needs what @n tells; says whether it had been fetched for it. */
static bool call(const struct server *server, unsigned n)
{
	int status;
	pid_t pid = fork_here();

	if (pid == 0) {
		bool fetched = hot_fetch(server->hot);
		touch(server, ALWAYS);
		if (n % 2 == 0)
			touch(server, SOMETIMES);
		(void)server->memory[READ * server->page_bytes];
		hot_note(server->hot);
		_exit(fetched);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void the_first_three_calls_fetch_nothing(void **state)
{
	const struct server *server = *state;

	for (unsigned i = 0; i < 3; i++)
		assert_false(call(server, i));
	assert_true(call(server, 3));
}

static void what_all_calls_wrote_to_is_copied_before_the_next_needs_it(void **state)
{
	const struct server *server = *state;
	int status;

	for (unsigned i = 0; i < 3; i++)
		(void)call(server, i);
	pid_t pid = fork_here();
	if (pid == 0) {
		if (!hot_fetch(server->hot))
			_exit(255);
		_exit((faults(server, ALWAYS) ? BIT(ALWAYS) : 0)
			| (faults(server, SOMETIMES) ? BIT(SOMETIMES) : 0)
			| (faults(server, READ) ? BIT(READ) : 0)
			| (faults(server, NEVER) ? BIT(NEVER) : 0));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), BIT(SOMETIMES) | BIT(READ) | BIT(NEVER));
}

static void the_servers_memory_stays_as_it_is(void **state)
{
	const struct server *server = *state;

	for (unsigned i = 0; i < 5; i++)
		(void)call(server, i);

	for (size_t i = 0; i < PAGES * server->page_bytes; i++)
		assert_int_equal(server->memory[i], 1);
}

/* How many pages of @bytes there are. */
static size_t pages_there(void *from, size_t bytes)
{
	unsigned char there[512];
	size_t n = 0, n_pages = bytes / (size_t)sysconf(_SC_PAGESIZE);

	assert_true(n_pages <= ARRAY_LEN(there));
	assert_int_equal(mincore(from, bytes, there), 0);
	for (size_t i = 0; i < n_pages; i++)
		n += there[i] & 1;
	return n;
}

static void joined_memory_is_what_it_was_and_no_more(void **state)
{
	(void)state;
	static struct hot *hot; /* it lives as long as the process */
	const size_t huge = 2u << 20, page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *memory = mmap(
		NULL, 3 * huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *dense = (unsigned char *)(((uintptr_t)memory + huge - 1) & -huge);
	unsigned char *sparse = dense + huge;

	(void)madvise(dense, huge, MADV_NOHUGEPAGE); /* until it is filled */
	for (size_t i = 0; i < huge; i++)
		dense[i] = (unsigned char)(i / page);
	(void)madvise(dense, huge, MADV_HUGEPAGE);
	/* Unadvised: of what was advised the kernel itself makes huge pages, when it likes. */
	sparse[0] = 1;
	size_t before = pages_there(sparse, huge);
	hot = hot_new();
	while (hot_join(hot))
		continue;

	for (size_t i = 0; i < huge; i++)
		assert_int_equal(dense[i], (unsigned char)(i / page));
	assert_int_equal(sparse[0], 1);
	assert_int_equal(pages_there(sparse, huge), before);
	(void)munmap(memory, 3 * huge);
}

static void without_notes_nothing_is_done(void **state)
{
	(void)state;
	hot_note(NULL);

	assert_false(hot_fetch(NULL));
	assert_false(hot_join(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_first_three_calls_fetch_nothing, begin, finish),
		cmocka_unit_test_setup_teardown(
			what_all_calls_wrote_to_is_copied_before_the_next_needs_it, begin,
			finish),
		cmocka_unit_test_setup_teardown(
			the_servers_memory_stays_as_it_is, begin, finish),
		cmocka_unit_test(joined_memory_is_what_it_was_and_no_more),
		cmocka_unit_test(without_notes_nothing_is_done),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
