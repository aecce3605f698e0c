/* SPDX-License-Identifier: MIT */

/*
 * forks - what a fork costs a process that holds so much memory, with and without huge pages.
 *
 *   forks MB plain|huge [ROUNDS]
 *
 * One line of JSON, medians in microseconds: the fork in the parent; the first
 * write to each of a hundred scattered pages in the child, which copies them; and
 * from the child's exit to its being waited for.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE       4096u
#define PAGES      100u /* about what an executor of a heavy script writes to */
#define ROUNDS_MAX 1000u
#define HUGE_PAGE  (2u << 20)

/* Of each round; what the child measures is written by the child. */
struct times {
	uint64_t fork[ROUNDS_MAX], touch[ROUNDS_MAX], left[ROUNDS_MAX], end[ROUNDS_MAX];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1'000'000'000u + (uint64_t)now.tv_nsec;
}

[[gnu::noreturn]] static void child(
	unsigned char *memory, size_t bytes, struct times *times, unsigned round)
{
	uint64_t began = now_ns();

	for (size_t i = 0; i < PAGES; i++)
		memory[i * (bytes / PAGES) & -(size_t)PAGE] = 2;
	times->left[round] = now_ns();
	times->touch[round] = times->left[round] - began;
	_exit(0);
}

static void one_round(
	unsigned char *memory, size_t bytes, struct times *times, unsigned round)
{
	uint64_t began = now_ns();
	pid_t pid = fork();

	if (pid == 0)
		child(memory, bytes, times, round);
	times->fork[round] = now_ns() - began;
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		exit(1);
	times->end[round] = now_ns() - times->left[round];
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median_us(uint64_t *ns, unsigned n)
{
	qsort(ns, n, sizeof(*ns), by_size);
	return (double)ns[n / 2] / 1e3;
}

int main(int argc, char **argv)
{
	size_t megabytes = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
	size_t bytes = megabytes << 20;
	unsigned n = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 50;
	struct times *times = mmap(NULL, sizeof(*times), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned char *memory = bytes ? aligned_alloc(HUGE_PAGE, bytes) : NULL;

	if (!memory || times == MAP_FAILED || n == 0 || n > ROUNDS_MAX) {
		(void)fprintf(stderr, "usage: forks MB plain|huge [ROUNDS]\n");
		return 2;
	}
	(void)madvise(memory, bytes,
		strcmp(argv[2], "huge") == 0 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(memory, 1, bytes);
	for (unsigned i = 0; i < n; i++)
		one_round(memory, bytes, times, i);
	(void)printf(
		"{\"megabytes\": %zu, \"fork_us\": %.1f, \"touch_us\": %.1f, \"end_us\": %.1f}\n",
		megabytes, median_us(times->fork, n), median_us(times->touch, n),
		median_us(times->end, n));
	free(memory);
	return 0;
}
