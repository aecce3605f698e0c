/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "slow_close.h"

#include "os/closer.h"
#include "os/fd.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int one_more(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void a_close_that_takes_long_keeps_nobody(void **state)
{
	(void)state;
	struct closer closer = CLOSER_NONE;
	struct slow_close slow = slow_close_begin(30);
	int next = one_more();

	closer_give(&closer, slow.fd);
	closer_give(&closer, next);
	assert_true(is_open(next));

	slow_close_end(&slow);
	(void)closer_wait(&closer);
	assert_false(is_open(next));
	assert_false(closer_wait(&closer));
	closer_fini(&closer);
}

static void where_enough_wait_the_next_is_closed_at_once(void **state)
{
	(void)state;
	struct closer closer = CLOSER_NONE;
	struct slow_close slow = slow_close_begin(30);
	int waiting[CLOSER_MOST - 1];

	closer_give(&closer, slow.fd);
	for (unsigned i = 0; i < CLOSER_MOST - 1; i++)
		closer_give(&closer, waiting[i] = one_more());
	int over = one_more();
	closer_give(&closer, over);
	assert_false(is_open(over));
	assert_true(is_open(waiting[CLOSER_MOST - 2]));

	slow_close_end(&slow);
	closer_fini(&closer);
	for (unsigned i = 0; i < CLOSER_MOST - 1; i++)
		assert_false(is_open(waiting[i]));
}

/* Runs @body in a process of its own; true if it says so. */
static bool in_a_child(bool (*body)(struct closer *closer), struct closer *closer)
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body(closer) ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

static bool closes_without_a_thread(struct closer *closer)
{
	const struct rlimit none = {0, 0};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* The limit is not for root. */
	if (setrlimit(RLIMIT_NPROC, &none) < 0 || (getuid() == 0 && setuid(65534) < 0))
		return false;
	closer_give(closer, fd);
	return !is_open(fd) && closer->owner == 0;
}

static void without_a_thread_it_is_closed_at_once(void **state)
{
	(void)state;
	struct closer closer = CLOSER_NONE;

	assert_true(in_a_child(closes_without_a_thread, &closer));
}

static bool closes_anew(struct closer *closer)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (closer_wait(closer)) /* for what is the parent's */
		return false;
	closer_give(closer, fd);
	(void)closer_wait(closer);
	bool closed = !is_open(fd) && closer->owner == getpid();
	closer_fini(closer);
	return closed;
}

static void a_child_waits_for_nothing_of_its_parents(void **state)
{
	(void)state;
	struct closer closer = CLOSER_NONE;
	struct slow_close slow = slow_close_begin(30);

	closer_give(&closer, slow.fd);
	assert_true(in_a_child(closes_anew, &closer));
	slow_close_end(&slow);
	(void)closer_wait(&closer);
	closer_fini(&closer);
}

static void its_thread_takes_no_signal(void **state)
{
	(void)state;
	struct closer closer = CLOSER_NONE;
	siginfo_t got;
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	closer_give(&closer, one_more());
	assert_int_equal(sigprocmask(SIG_BLOCK, &term, NULL), 0);
	assert_int_equal(kill(getpid(), SIGTERM), 0); /* would end us there */

	assert_int_equal(sigwaitinfo(&term, &got), SIGTERM);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &term, NULL), 0);
	closer_fini(&closer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_close_that_takes_long_keeps_nobody),
		cmocka_unit_test(where_enough_wait_the_next_is_closed_at_once),
		cmocka_unit_test(without_a_thread_it_is_closed_at_once),
		cmocka_unit_test(a_child_waits_for_nothing_of_its_parents),
		cmocka_unit_test(its_thread_takes_no_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
