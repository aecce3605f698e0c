/* SPDX-License-Identifier: MIT */

/*
 * tiny - the smallest interpreter of scripts: its script is a word on its command line.
 *
 *   prefork-interp tiny SCRIPT WORD [ARG...]
 *
 * Each word is one thing a script may do or see. Run without the launcher it
 * does the same, cold: tests compare the two.
 */

#include "interp/prefork_interp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct word {
	const char *name;
	int (*run)(char **args);
};

/* Counts how often set-up ran: one byte a time. */
static void mark_setup(void)
{
	const char *path = getenv("TINY_MARK");
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd >= 0) {
		(void)!write(fd, "s", 1);
		(void)close(fd);
	}
}

static int run_exit(char **args)
{
	return args[0] ? (int)strtol(args[0], NULL, 10) : 0;
}

static int run_die(char **args)
{
	int sig = (int)strtol(args[0], NULL, 10);

	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
	return 99;
}

static int run_args(char **args)
{
	for (; *args; args++)
		(void)printf("[%s]\n", *args);
	return 0;
}

static int run_env(char **args)
{
	extern char **environ;

	(void)args;
	for (char **at = environ; *at; at++)
		(void)printf("%s\n", *at);
	return 0;
}

static int run_fds(char **args)
{
	struct stat st;

	(void)args;
	for (int fd = 0; fd < 64; fd++) {
		if (fstat(fd, &st) < 0)
			continue;
		/* A pipe's number is its own each time. */
		(void)printf("%d %o %llx %c\n", fd, st.st_mode,
			S_ISFIFO(st.st_mode) ? 0 : (unsigned long long)st.st_ino,
			fcntl(fd, F_GETFD) & FD_CLOEXEC ? 'c' : '-');
	}
	return 0;
}

static int run_state(char **args)
{
	char cwd[4096];
	mode_t mask = umask(0);
	sigset_t blocked;

	(void)args;
	(void)printf("cwd %s\numask %o\nnice %d\n", getcwd(cwd, sizeof(cwd)), mask,
		getpriority(PRIO_PROCESS, 0));
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		struct rlimit limit;
		(void)getrlimit((__rlimit_resource_t)i, &limit);
		(void)printf("limit %d %llu %llu\n", i, (unsigned long long)limit.rlim_cur,
			(unsigned long long)limit.rlim_max);
	}
	(void)sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction action;
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			(void)printf("ignored %d\n", sig);
		if (sigismember(&blocked, sig) == 1)
			(void)printf("blocked %d\n", sig);
	}
	gid_t groups[256];
	for (int i = 0, n = getgroups(256, groups); i < n; i++)
		(void)printf("group %u\n", groups[i]);
	return 0;
}

static int run_cat(char **args)
{
	char buf[65536];
	ssize_t n;

	(void)args;
	while ((n = read(0, buf, sizeof(buf))) > 0)
		if (write(1, buf, (size_t)n) != n)
			return 1;
	return 0;
}

/* Says "ready PID" and waits for what a test does to it. */
static int run_wait(char **args)
{
	(void)args;
	(void)printf("ready %d\n", getpid());
	(void)fflush(stdout);
	while (pause() < 0)
		continue;
	return 0;
}

static volatile sig_atomic_t caught;

static void catch (int sig)
{
	caught = sig;
}

/* Says "ready PID", and then the number of the first signal that it catches. */
static int run_catch(char **args)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	for (; *args; args++)
		(void)signal((int)strtol(*args, NULL, 10), catch);
	(void)printf("ready %d\n", getpid());
	(void)fflush(stdout);
	(void)sigsuspend(&none);
	(void)printf("caught %d\n", caught);
	return 0;
}

static int run_exec(char **args)
{
	(void)execvp(args[0], args);
	return 126;
}

/* Leaves a child behind that holds nothing of ours, and waits for a line from a named pipe. */
static int run_background(char **args)
{
	if (fork() == 0) {
		(void)setpgid(0, 0);
		(void)execlp("sh", "sh", "-c",
			"exec >/dev/null 2>&1 <\"$0\"; read -r line && : >\"$0.done\"",
			args[0], NULL);
		_exit(1);
	}
	return 0;
}

static int run_close_stdout(char **args)
{
	char c;

	(void)args;
	(void)printf("before\n");
	(void)fclose(stdout);
	(void)!read(
		0, &c, 1); /* until the test, which saw the end of our output, lets us go */
	return 0;
}

static int run_pid(char **args)
{
	(void)args;
	(void)printf("%d %d\n", getpid(), getppid());
	return 0;
}

static void at_the_end(void)
{
	(void)printf("atexit\n");
}

static int run_atexit(char **args)
{
	(void)args;
	(void)atexit(at_the_end);
	exit(5);
}

static int run_words(const struct word *words, char **argv)
{
	if (!argv[0])
		return 0;
	for (; words->name; words++)
		if (strcmp(words->name, argv[0]) == 0)
			return words->run(argv + 1);
	(void)fprintf(stderr, "tiny: no such word: %s\n", argv[0]);
	return 98;
}

int main(int argc, char **argv)
{
	static const struct word words[] = {
		{"exit", run_exit},
		{"die", run_die},
		{"args", run_args},
		{"env", run_env},
		{"fds", run_fds},
		{"state", run_state},
		{"cat", run_cat},
		{"wait", run_wait},
		{"catch", run_catch},
		{"exec", run_exec},
		{"background", run_background},
		{"close-stdout", run_close_stdout},
		{"pid", run_pid},
		{"atexit", run_atexit},
		{NULL, NULL},
	};
	struct pfi_call call = {.size = sizeof(call)};
	const char *most = getenv("TINY_MAX"), *idle = getenv("TINY_IDLE"),
		   *fail = getenv("TINY_FAIL");
	const char *also = getenv("TINY_CHECK"), *silent = getenv("TINY_SILENT");
	struct pfi_options options = {
		.size = sizeof(options),
		.max_servers = most ? (int32_t)strtol(most, NULL, 10) : 0,
		.idle_timeout_s = idle ? strtol(idle, NULL, 10) : 0,
	};
	char reason[512];

	mark_setup();
	if (fail)
		return (int)strtol(fail, NULL, 10);
	if (also && pfi_also_check(also) < 0)
		return 97;
	char **args = argv + (argc > 1 ? 2 : 1);
	switch (silent ? PFI_UNMANAGED
		       : pfi_init_complete(&options, &call, reason, sizeof(reason))) {
	case PFI_UNMANAGED: return run_words(words, args);
	case PFI_EXECUTOR: {
		int status = run_words(words, call.argv);
		pfi_executor_exit(status);
	}
	default: (void)fprintf(stderr, "tiny: %s\n", reason); return 255;
	}
}
