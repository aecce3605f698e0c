/* SPDX-License-Identifier: MIT */

#include "os/sig.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void make_set(const int *signals, size_t n, sigset_t *out)
{
	sigemptyset(out);
	for (size_t i = 0; i < n; i++)
		sigaddset(out, signals[i]);
}

void sig_block(const int *signals, size_t n)
{
	sigset_t set;

	make_set(signals, n, &set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails for an unknown way only */
}

int sig_open(const int *signals, size_t n)
{
	sigset_t wanted, blocked;

	make_set(signals, n, &wanted);
	blocked = wanted;
	sigaddset(&blocked, SIGPIPE);
	if (sigprocmask(SIG_BLOCK, &blocked, NULL) < 0)
		return -errno;

	int fd = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sig_next(int fd)
{
	struct signalfd_siginfo si;

	return read(fd, &si, sizeof(si)) == sizeof(si) ? (int)si.ssi_signo : 0;
}
