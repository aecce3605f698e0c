/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "os/fork.h"
#include "os/inherit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs @check in a child, which has no use for cmocka's asserts, and returns its exit status. */
static int in_child(int (*check)(void))
{
	int status = -1;
	pid_t pid = fork_here();

	if (pid == 0)
		_exit(check());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_null(int fd)
{
	struct stat here, null;

	return fstat(fd, &here) == 0 && stat("/dev/null", &null) == 0
	       && here.st_rdev == null.st_rdev;
}

static int keep_two(void)
{
	int stray = open("/", O_RDONLY);
	int kept[] = {open("/", O_RDONLY | O_CLOEXEC), open("/", O_RDONLY | O_CLOEXEC)};

	if (inherit_only(kept, 2, 20) != 20)
		return 1;
	if (kept[0] < 20 || kept[1] < 20 || kept[0] == kept[1])
		return 2;
	for (int fd = 3; fd < 20; fd++)
		if (!is_null(fd))
			return 3;
	for (int fd = 20; fd < 200; fd++) {
		bool is_kept = fd == kept[0] || fd == kept[1];
		if ((fcntl(fd, F_GETFD) == 0) != is_kept)
			return 4;
	}
	return stray < 0;
}

static void only_what_was_named_stays_open_and_low_numbers_are_taken(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_two), 0);
}

static int move_to_itself(void)
{
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	if (inherit_as(fd, fd) < 0 || fcntl(fd, F_GETFD) != 0)
		return 1;
	return inherit_null(50) < 0 || !is_null(50) || fcntl(50, F_GETFD) != 0;
}

static void a_descriptor_that_is_already_there_is_only_made_to_stay(void **state)
{
	(void)state;
	assert_int_equal(in_child(move_to_itself), 0);
}

static int reset(void)
{
	sigset_t all;
	struct sigaction now;

	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)signal(SIGHUP, SIG_IGN);
	inherit_no_signals();
	(void)sigprocmask(SIG_BLOCK, NULL, &all);
	(void)sigaction(SIGHUP, NULL, &now);
	return now.sa_handler != SIG_DFL || sigismember(&all, SIGTERM);
}

static void signals_are_as_if_nobody_had_touched_them(void **state)
{
	(void)state;
	assert_int_equal(in_child(reset), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_named_stays_open_and_low_numbers_are_taken),
		cmocka_unit_test(a_descriptor_that_is_already_there_is_only_made_to_stay),
		cmocka_unit_test(signals_are_as_if_nobody_had_touched_them),
	};
	return cmocka_run_group_tests_name("inherit", tests, NULL, NULL);
}
