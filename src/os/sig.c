/* SPDX-License-Identifier: MIT */

#include "os/sig.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int sig_open(const int *signals, size_t n)
{
	sigset_t wanted, blocked;

	sigemptyset(&wanted);
	for (size_t i = 0; i < n; i++)
		sigaddset(&wanted, signals[i]);
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
