/* SPDX-License-Identifier: MIT */

#include "os/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_from_to(unsigned first, unsigned last)
{
	(void)syscall(SYS_close_range, first, last, 0); /* musl has no function for it */
}

static int move_up(int *fds, size_t n, int first)
{
	for (size_t i = 0; i < n; i++) {
		int moved = fcntl(fds[i], F_DUPFD, first);
		if (moved < 0)
			return -errno;
		fds[i] = moved;
	}
	return 0;
}

/* The lowest of @fds that is above @above, or ~0. */
static unsigned next_above(const int *fds, size_t n, unsigned above)
{
	unsigned next = ~0u;

	for (size_t i = 0; i < n; i++)
		if ((unsigned)fds[i] > above && (unsigned)fds[i] < next)
			next = (unsigned)fds[i];
	return next;
}

static void close_others(const int *fds, size_t n)
{
	unsigned at = STDERR_FILENO;

	while (at != ~0u) {
		unsigned next = next_above(fds, n, at);
		if (next > at + 1)
			close_from_to(at + 1, next == ~0u ? next : next - 1);
		at = next;
	}
}

int inherit_only(int *fds, size_t n, int first)
{
	int original[INHERIT_MAX];

	if (n > INHERIT_MAX)
		return -EINVAL;
	memcpy(original, fds, n * sizeof(*fds));
	if (move_up(fds, n, first) < 0) {
		memcpy(fds, original, n * sizeof(*fds));
		first = STDERR_FILENO + 1;
		int bad = move_up(fds, n, first);
		if (bad)
			return bad;
	}
	close_others(fds, n);
	for (int number = STDERR_FILENO + 1; number < first; number++) {
		int bad = inherit_null(number);
		if (bad)
			return bad;
	}
	return first;
}

int inherit_null(int number)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0)
		return -errno;
	if (null == number)
		return 0;
	int bad = dup2(null, number) < 0 ? -errno : 0;
	(void)close(null);
	return bad;
}

int inherit_as(int fd, int number)
{
	if (fd == number)
		return fcntl(fd, F_SETFD, 0) < 0 ? -errno : 0;
	return dup2(fd, number) < 0 ? -errno : 0;
}

void inherit_no_signals(void)
{
	struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &by_default, NULL); /* fails for KILL and STOP */
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
