/* SPDX-License-Identifier: MIT */

#include "interp/launcher/relay.h"

#include "os/fd.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void fill_set(sigset_t *set, bool children)
{
	static const int ours[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS,
		SIGABRT, SIGTTIN, SIGTTOU, SIGXCPU, SIGXFSZ};

	sigfillset(set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigdelset(set, ours[i]);
	if (!children)
		sigdelset(set, SIGCHLD);
}

int relay_open(struct relay *relay, bool children)
{
	sigset_t set;

	fill_set(&set, children);
	if (sigprocmask(SIG_BLOCK, &set, &relay->before) < 0)
		return -errno;
	relay->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (relay->fd >= 0)
		return 0;
	int err = -errno;
	(void)sigprocmask(SIG_SETMASK, &relay->before, NULL);
	return err;
}

bool relay_next(struct relay *relay, struct relay_signal *out)
{
	struct signalfd_siginfo info;

	if (read(relay->fd, &info, sizeof(info)) != sizeof(info))
		return false;
	*out = (struct relay_signal){
		.number = (int)info.ssi_signo,
		.from_terminal = info.ssi_code == SI_KERNEL,
	};
	return true;
}

void relay_close(struct relay *relay)
{
	if (relay->fd < 0)
		return;
	fd_close(&relay->fd);
	(void)sigprocmask(SIG_SETMASK, &relay->before, NULL);
}

void relay_return(int number)
{
	(void)kill(getpid(), number);
}

void relay_stop_self(int number)
{
	struct sigaction stop = {.sa_handler = SIG_DFL}, before;
	sigset_t one;

	if (number == SIGSTOP) {
		(void)kill(getpid(), SIGSTOP);
		return;
	}
	sigemptyset(&one);
	sigaddset(&one, number);
	(void)sigaction(number, &stop, &before);
	(void)kill(getpid(), number);
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL); /* here it stops, and here it goes on */
	(void)sigprocmask(SIG_BLOCK, &one, NULL);
	(void)sigaction(number, &before, NULL);
}
