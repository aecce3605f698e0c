/* SPDX-License-Identifier: MIT */

#include "os/program.h"

#include "base/reason.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/proc.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1u << 2) /* since Linux 6.9; newer than the headers */
#endif

#define CHILD_STACK (8 * KIB)

/* The child's, in its parent's memory: what it is to do, and how far it came. */
struct launch {
	const struct program_spec *spec;
	pid_t parent;
	volatile int error; /* 0, or the errno of the step it failed at */
	const char *volatile doing;
};

struct rlimit program_limit(const struct program_limit *want, struct rlimit is)
{
	is.rlim_max = MIN(is.rlim_max, want->hard);
	is.rlim_cur = MIN(is.rlim_max, want->soft);
	return is;
}

[[gnu::no_sanitize_address]] static int set_limit(const struct program_limit *want)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)want->resource, &limit) < 0)
		return -1;
	limit = program_limit(want, limit);
	return setrlimit((__rlimit_resource_t)want->resource, &limit);
}

/*
 * Everything up to the program's own first instruction. Comes back only if it
 * fails; so a sanitizer's marks on its frame would stay in its parent's memory.
 */
[[gnu::no_sanitize_address]] static void become(struct launch *l)
{
	const struct program_spec *s = l->spec;
	sigset_t none;

	l->doing = "prepare a process for";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setpgid(0, 0) < 0)
		return;
	if (getppid() != l->parent)
		return; /* it died before the signal was asked for, so nobody reads this */
	l->doing = "go to the directory of";
	if (s->directory && chdir(s->directory) < 0)
		return;
	l->doing = "connect";
	if (dup2(s->in_out, STDIN_FILENO) < 0 || dup2(s->in_out, STDOUT_FILENO) < 0
		|| dup2(s->err, STDERR_FILENO) < 0)
		return;
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	l->doing = "limit";
	for (size_t i = 0; i < s->n_limits; i++) {
		if (set_limit(&s->limits[i]) < 0)
			return;
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	l->doing = "run";
	(void)execve(s->path, s->argv, s->envp);
}

/* It never returns: as above. */
[[gnu::no_sanitize_address]] static int child(void *arg)
{
	struct launch *l = arg;

	become(l);
	l->error = errno ? errno : ECHILD;
	_exit(127);
}

int program_start(
	const struct program_spec *spec, struct program *out, struct reason *reason)
{
	struct launch l = {.spec = spec, .parent = getpid()};
	_Alignas(16) char stack[CHILD_STACK];
	int pidfd = -1;

	/*
	 * As vfork: the child works in this memory while we sleep, until it execs or
	 * exits; but on a stack of its own. So it tells what failed by writing it down.
	 */
	pid_t pid = clone(child, stack + sizeof(stack),
		CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &l, &pidfd);
	if (pid < 0)
		return reason_errno(reason, "cannot make a process for %s", spec->path);

	*out = (struct program){.pid = pid, .pidfd = pidfd};
	if (!l.error)
		return 0;
	program_fini(out);
	errno = l.error;
	return reason_errno(reason, "cannot %s %s", l.doing, spec->path);
}

int program_reap(struct program *p, siginfo_t *how)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)p->pidfd, &si, WEXITED | WNOHANG) < 0)
		return -errno;
	if (si.si_pid == 0)
		return -EAGAIN;
	p->reaped = true;
	*how = si;
	return 0;
}

bool program_signal(const struct program *p, int sig)
{
	if (p->pidfd < 0)
		return false;
	int r = pidfd_send_signal(p->pidfd, sig, NULL, PIDFD_SIGNAL_PROCESS_GROUP);
	/*
	 * An older kernel knows the group by its number only. That stays taken while
	 * anybody is in the group; afterwards it would have to be given out anew at once,
	 * and in turn, to be mistaken.
	 */
	if (r < 0 && errno == EINVAL)
		r = kill(-p->pid, sig);
	return r == 0 || errno == EPERM;
}

void program_fini(struct program *p)
{
	siginfo_t si;

	if (p->pidfd < 0)
		return;
	(void)program_signal(p, SIGKILL); /* nobody may be left */
	while (!p->reaped && waitid(P_PIDFD, (id_t)p->pidfd, &si, WEXITED) < 0
		&& errno == EINTR)
		continue;
	fd_close(&p->pidfd);
	*p = PROGRAM_NONE;
}
