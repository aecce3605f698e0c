/* SPDX-License-Identifier: MIT */

/*
 * calls - how long commands take, from posix_spawn to waitpid, run in turn.
 *
 *   calls [-n ROUNDS] -- COMMAND [ARG...] [-- COMMAND [ARG...]]...
 *   calls -j CALLERS -t MS -- COMMAND [ARG...]...
 *
 * Each round runs every command once, so that what the machine does besides hits
 * all alike. One line of JSON for each: the least, the median and the 99th
 * percentile in microseconds; with -j how many calls a second so many callers at
 * once complete. Standard input and output of the commands are /dev/null.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMANDS_MAX 16
#define NS_PER_SEC   1'000'000'000ull

struct command {
	char **argv;
	uint64_t *took_ns;
};

struct options {
	unsigned rounds, callers;
	uint64_t span_ns; /* of a parallel run */
	struct command commands[COMMANDS_MAX];
	unsigned n_commands;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

[[gnu::noreturn]] static void fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "calls: %s: %s\n", what, name);
	exit(1);
}

/* One call to its end, in nanoseconds. */
static uint64_t call(char **argv)
{
	extern char **environ;
	static posix_spawn_file_actions_t quiet;
	static bool is_made;
	pid_t pid;
	int status;

	if (!is_made) {
		(void)posix_spawn_file_actions_init(&quiet);
		(void)posix_spawn_file_actions_addopen(&quiet, 0, "/dev/null", O_RDONLY, 0);
		(void)posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
		(void)posix_spawn_file_actions_addclosefrom_np(&quiet, 3);
		is_made = true;
	}
	uint64_t began = now_ns();
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) != 0)
		fail("cannot be run", argv[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("did not end well", argv[0]);
	return now_ns() - began;
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void in_turn(struct options *options)
{
	unsigned n = options->rounds;

	for (unsigned i = 0; i < n; i++)
		for (unsigned c = 0; c < options->n_commands; c++)
			options->commands[c].took_ns[i] = call(options->commands[c].argv);
	for (unsigned c = 0; c < options->n_commands; c++) {
		uint64_t *took = options->commands[c].took_ns;
		qsort(took, n, sizeof(*took), by_size);
		(void)printf(
			"{\"least_us\": %.1f, \"median_us\": %.1f, \"p99_us\": %.1f, \"calls\": %u}\n",
			(double)took[0] / 1e3, (double)took[n / 2] / 1e3,
			(double)took[(size_t)n * 99 / 100] / 1e3, n);
	}
}

/* A caller of a parallel run: exits when its time is over, and has counted. */
[[gnu::noreturn]] static void keep_calling(char **argv, uint64_t end_ns, uint64_t *count)
{
	while (now_ns() < end_ns) {
		(void)call(argv);
		(*count)++;
	}
	_exit(0);
}

static void at_once(const struct options *options, char **argv)
{
	size_t bytes = options->callers * sizeof(uint64_t);
	uint64_t *counts = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t began = now_ns(), total = 0;
	int status;

	if (counts == MAP_FAILED)
		fail("no memory", "-j");
	for (unsigned i = 0; i < options->callers; i++)
		if (fork() == 0)
			keep_calling(argv, began + options->span_ns, counts + i);
	for (unsigned i = 0; i < options->callers; i++)
		if (wait(&status) < 0 || status != 0)
			fail("a caller failed", argv[0]);
	double took_s = (double)(now_ns() - began) / (double)NS_PER_SEC;
	for (unsigned i = 0; i < options->callers; i++)
		total += counts[i];
	(void)printf("{\"calls_per_s\": %.0f, \"callers\": %u, \"calls\": %" PRIu64 "}\n",
		(double)total / took_s, options->callers, total);
	(void)munmap(counts, bytes);
}

/* The commands, each behind a "--". */
static void take_commands(struct options *options, char **argv)
{
	for (; *argv; argv++) {
		if (strcmp(*argv, "--") != 0)
			continue;
		*argv = NULL;
		if (options->n_commands == COMMANDS_MAX || !argv[1])
			fail("no command, or too many", "--");
		options->commands[options->n_commands++] = (struct command){
			.argv = argv + 1,
			.took_ns = calloc(options->rounds, sizeof(uint64_t)),
		};
	}
	if (options->n_commands == 0)
		fail("usage", "calls [-n ROUNDS | -j CALLERS -t MS] -- COMMAND...");
}

static unsigned number(const char *text, const char *name)
{
	long n = text ? strtol(text, NULL, 10) : 0;

	if (n <= 0 || n > 10'000'000)
		fail("not a number above 0", name);
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	struct options options = {.rounds = 300, .span_ns = 2 * NS_PER_SEC};
	int at = 1;

	for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
		unsigned n = number(argv[at + 1], argv[at]);
		if (strcmp(argv[at], "-n") == 0)
			options.rounds = n;
		else if (strcmp(argv[at], "-j") == 0)
			options.callers = n;
		else if (strcmp(argv[at], "-t") == 0)
			options.span_ns = n * (NS_PER_SEC / 1000);
		else
			fail("unknown option", argv[at]);
	}
	take_commands(&options, argv + at);
	if (options.callers == 0)
		in_turn(&options);
	for (unsigned c = 0; c < options.n_commands && options.callers > 0; c++)
		at_once(&options, options.commands[c].argv);
	return 0;
}
