/* SPDX-License-Identifier: MIT */

#include "os/daemon.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/inherit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

/* In the process that was started: as the other one does, so it ends. */
[[gnu::noreturn]] static void wait_for(pid_t child, int up)
{
	int status = 0;
	char byte;
	ssize_t n;

	while ((n = read(up, &byte, 1)) < 0 && errno == EINTR)
		continue;
	if (n == 1)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

static int leave_terminal(struct daemon *d)
{
	(void)setsid(); /* a process just forked leads no group, so it can */
	d->out = fd_dup(STDOUT_FILENO);
	d->err = fd_dup(STDERR_FILENO);
	for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
		int r = inherit_null(number);
		if (r < 0)
			return r;
	}
	return 0;
}

int daemon_begin(struct daemon *d, struct reason *reason)
{
	int ends[2];

	*d = DAEMON_NONE;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return reason_errno(reason, "cannot make a pipe");
	(void)fflush(NULL); /* or both would print it */
	pid_t pid = fork();
	if (pid > 0) {
		(void)close(ends[1]);
		wait_for(pid, ends[0]);
	}
	(void)close(ends[0]);
	d->up = ends[1];
	if (pid == 0) {
		int r = leave_terminal(d);
		errno = -r;
		return r < 0 ? reason_errno(reason, "cannot leave the terminal") : 0;
	}
	int r = reason_errno(reason, "cannot make a process");
	daemon_fini(d);
	return r;
}

void daemon_is_up(struct daemon *d)
{
	/* Who waited for it may have gone: SIGPIPE is blocked in a server. */
	if (d->up >= 0 && write(d->up, "", 1) < 0)
		errno = 0;
	daemon_fini(d);
}

void daemon_fini(struct daemon *d)
{
	fd_close(&d->up);
	fd_close(&d->out);
	fd_close(&d->err);
}
