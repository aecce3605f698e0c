/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "base/util.h"
#include "os/addr.h"
#include "os/fd.h"
#include "os/lookup.h"
#include "os/program.h"
#include "os/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* A program at the other end of a socket. */
struct talk {
	struct program program;
	int sock; /* owned: ours */
};

static int start(struct talk *t, struct program_spec spec, struct reason *reason)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	AUTO_CLOSE int theirs = ends[1];
	*t = (struct talk){.program = PROGRAM_NONE, .sock = ends[0]};
	spec.in_out = spec.err = theirs;
	return program_start(&spec, &t->program, reason);
}

static void start_shell(struct talk *t, const char *script)
{
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *envp[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	struct reason reason = {"?"};

	if (start(t, (struct program_spec){.path = "/bin/sh", .argv = argv, .envp = envp},
		    &reason)
		< 0)
		fail_msg("%s", reason.text);
}

/* All that it writes, up to its end. */
static const char *all(struct talk *t, char out[1000])
{
	size_t n = 0;
	ssize_t got;

	while ((got = read(t->sock, out + n, 999 - n)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	return out;
}

static void wait_for(struct talk *t, siginfo_t *how)
{
	struct pollfd p = {.fd = t->program.pidfd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(program_reap(&t->program, how), 0);
}

static void finish(struct talk *t)
{
	program_fini(&t->program);
	fd_close(&t->sock);
}

static void a_program_has_0_1_2_and_nothing_else(void **state)
{
	(void)state;
	AUTO_CLOSE int stray = open("/dev/null", O_RDONLY); /* not even CLOEXEC */
	struct talk t;
	char out[1000];
	siginfo_t how;

	assert_true(stray > 2);
	start_shell(&t, "echo /proc/self/fd/*; exit 7");
	/* The shell's own glob opens one more, the lowest that is free. */
	assert_string_equal(all(&t, out),
		"/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n");
	wait_for(&t, &how);

	assert_int_equal(how.si_code, CLD_EXITED);
	assert_int_equal(how.si_status, 7);
	finish(&t);
}

static void what_cannot_be_run_is_a_sentence_and_no_child(void **state)
{
	(void)state;
	char *argv[] = {(char *)"x", NULL}, *envp[] = {NULL};
	struct reason reason;
	struct talk t;

	assert_int_equal(
		start(&t,
			(struct program_spec){.path = "/none", .argv = argv, .envp = envp},
			&reason),
		-ENOENT);
	assert_string_equal(reason.text, "cannot run /none: No such file or directory");
	fd_close(&t.sock);
	assert_int_equal(start(&t,
				 (struct program_spec){.path = "/bin/sh",
					 .argv = argv,
					 .envp = envp,
					 .directory = "/none"},
				 &reason),
		-ENOENT);
	assert_string_equal(reason.text,
		"cannot go to the directory of /bin/sh: No such file or directory");
	fd_close(&t.sock);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void signals_are_as_the_system_has_them(void **state)
{
	(void)state;
	const int term = SIGTERM, hup = SIGHUP;
	AUTO_CLOSE int sigfd = sig_open(&term, 1);
	struct talk t;
	siginfo_t how;

	assert_true(sigfd >= 0);
	(void)signal(
		SIGHUP, SIG_DFL); /* nohup(1) may have started us; proc_spawn does this */
	sig_block(&hup, 1);
	start_shell(&t, "kill -HUP $$");
	wait_for(&t, &how);
	assert_int_equal(how.si_code, CLD_KILLED);
	assert_int_equal(how.si_status, SIGHUP);
	finish(&t);

	start_shell(&t, "kill $$");
	wait_for(&t, &how);
	assert_int_equal(how.si_status, SIGTERM);
	finish(&t);
}

static void a_signal_reaches_all_that_it_started_also_after_its_end(void **state)
{
	(void)state;
	struct talk t;
	char byte, out[1000];
	siginfo_t how;

	start_shell(&t, "(echo; exec sleep 1000) & read x < /dev/null; exit 0");
	assert_int_equal(read(t.sock, &byte, 1), 1);
	wait_for(&t, &how);
	assert_true(program_signal(&t.program, 0));
	assert_int_equal(program_reap(&t.program, &how) < 0, 1);

	assert_true(program_signal(&t.program, SIGTERM));
	assert_string_equal(all(&t, out), ""); /* its end, because nobody holds it */
	finish(&t);
	assert_false(program_signal(&t.program, 0));
}

static void a_limit_is_what_it_finds(void **state)
{
	(void)state;
	const struct program_limit limits[] = {
		{RLIMIT_NOFILE, 77, RLIM_INFINITY}, {RLIMIT_CORE, 0, 0}};
	char *argv[] = {(char *)"sh", (char *)"-c", (char *)"ulimit -n; ulimit -c", NULL};
	char *envp[] = {NULL};
	struct talk t;
	char out[1000];

	assert_int_equal(start(&t,
				 (struct program_spec){.path = "/bin/sh",
					 .argv = argv,
					 .envp = envp,
					 .limits = limits,
					 .n_limits = ARRAY_LEN(limits)},
				 NULL),
		0);
	assert_string_equal(all(&t, out), "77\n0\n");
	finish(&t);
}

static void a_name_is_looked_up_without_waiting(void **state)
{
	(void)state;
	struct addr all_addrs[ADDR_MOST];
	struct lookup lookup = LOOKUP_NONE;
	struct lookup_names names;
	size_t n;

	assert_int_equal(addr_parse("127.0.0.1:80", all_addrs, &n, NULL), 0);
	assert_int_equal(lookup_start(&all_addrs[0], &all_addrs[0], &lookup), 0);
	struct pollfd p = {.fd = lookup.fd, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 10000), 1);
	lookup_end(&lookup, &names);

	assert_string_equal(names.remote, "localhost");
	assert_string_equal(names.local, "localhost");
	lookup_end(&lookup, &names);
	assert_string_equal(names.remote, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_has_0_1_2_and_nothing_else),
		cmocka_unit_test(what_cannot_be_run_is_a_sentence_and_no_child),
		cmocka_unit_test(signals_are_as_the_system_has_them),
		cmocka_unit_test(a_signal_reaches_all_that_it_started_also_after_its_end),
		cmocka_unit_test(a_limit_is_what_it_finds),
		cmocka_unit_test(a_name_is_looked_up_without_waiting),
	};
	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
