/* SPDX-License-Identifier: MIT */

#include "os/fork.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

pid_t fork_here(void)
{
	pid_t pid = fork();

	return pid < 0 ? -errno : pid;
}

void fork_signal(pid_t child, int sig)
{
	(void)kill(child, sig); /* it is a zombie at worst */
}

void fork_signal_group(pid_t leader, int sig)
{
	(void)kill(-leader, sig); /* an empty group is no error */
}
