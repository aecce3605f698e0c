/* SPDX-License-Identifier: MIT */

#include "interp/hooks.h"

#include "os/fork.h"

static void call(void (*hook)(void *arg), const struct pfi_options *options)
{
	if (hook)
		hook(options->fork_arg);
}

pid_t hooks_fork(const struct pfi_options *options)
{
	call(options->before_fork, options);
	pid_t pid = options->fork ? options->fork(options->fork_arg) : fork_here();
	if (pid != 0)
		call(options->after_fork_in_parent, options);
	return pid;
}

void hooks_in_child(const struct pfi_options *options)
{
	call(options->after_fork_in_child, options);
}
