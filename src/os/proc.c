/* SPDX-License-Identifier: MIT */

#include "os/proc.h"

#include "os/chan.h"
#include "os/fd.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#include <sanitizer/lsan_interface.h>
#endif
#endif

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* But 0, 1 and 2. */
static void close_all_but(const int *keep, size_t n)
{
	int sorted[PROC_KEEP_MAX];
	unsigned from = STDERR_FILENO + 1;

	for (size_t i = 0; i < n; i++)
		sorted[i] = keep[i];
	qsort(sorted, n, sizeof(*sorted), ascending);
	for (size_t i = 0; i < n; i++) {
		unsigned kept = (unsigned)sorted[i];

		assert(kept + 1 >= from);
		if (kept > from)
			(void)close_range(from, kept - 1, 0);
		from = kept + 1;
	}
	(void)close_range(from, ~0u, 0);
}

bool proc_ends_with(pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent; /* or it died before we asked to be told */
}

/* For ps(1). */
static void set_title(const char *title)
{
	(void)prctl(PR_SET_NAME, title);
}

/* Unblocks every signal and leaves it to its default. */
static void default_signals(void)
{
	/* As the kernel has it: all zero is the default, with no flags and nothing blocked. */
	static const unsigned long fresh[4];
	sigset_t none;

	/* Not by signal(), which spares two that the C library keeps for itself, and a parent may ignore. */
	for (int sig = 1; sig < NSIG;
		sig++) /* fails for KILL and STOP, which cannot be else */
		(void)syscall(SYS_rt_sigaction, sig, fresh, NULL, sizeof(uint64_t));
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void proc_exit(int status)
{
#ifdef __SANITIZE_ADDRESS__
	/* LeakSanitizer runs at exit(), which a forked child must not call. */
	__lsan_do_leak_check();
#endif
	_exit(status);
}

[[gnu::noreturn]] static void child(const struct proc_spec *spec, pid_t parent)
{
	if (!proc_ends_with(parent))
		_exit(EXIT_FAILURE);
	set_title(spec->title);
	default_signals();
	close_all_but(spec->keep_fds, spec->n_keep_fds);
	proc_exit(spec->main(spec->arg));
}

int proc_spawn(const struct proc_spec *spec, struct proc *out)
{
	pid_t self = getpid();

	assert(spec->n_keep_fds <= PROC_KEEP_MAX);
	(void)fflush(NULL); /* or the child would print our buffered output again */

	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child(spec, self);

	/* Cannot name another process: nobody reaps this pid but proc_reap. */
	int pidfd = pidfd_open(pid, 0);
	if (pidfd < 0) {
		int err = -errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err;
	}
	*out = (struct proc){.pid = pid, .pidfd = pidfd};
	return 0;
}

int proc_spawn_with_chan(const struct proc_spec *spec, int *chan, struct proc *out)
{
	int keep[PROC_KEEP_MAX];
	struct proc_spec with_chan = *spec;
	struct chan_pair pair;

	*chan = -1;
	int r = chan_pair_open(&pair);
	if (r < 0)
		return r;
	assert(spec->n_keep_fds < PROC_KEEP_MAX);
	if (spec->n_keep_fds)
		memcpy(keep, spec->keep_fds, spec->n_keep_fds * sizeof(*keep));
	keep[with_chan.n_keep_fds++] = pair.wrk;
	with_chan.keep_fds = keep;

	*chan = pair.wrk; /* as the child is to see it */
	r = proc_spawn(&with_chan, out);
	*chan = pair.sup;
	fd_close(&pair.wrk);
	if (r < 0)
		fd_close(chan);
	return r;
}

pid_t proc_fork_sibling(_Atomic int32_t *made)
{
	struct clone_args args = {
		.flags = CLONE_PARENT | CLONE_PARENT_SETTID,
		.parent_tid = (uintptr_t)made,
	};

	long pid = syscall(SYS_clone3, &args, sizeof(args));
	return pid < 0 ? -errno : (pid_t)pid;
}

int proc_adopt(pid_t pid, struct proc *out)
{
	siginfo_t si = {0};
	AUTO_CLOSE int pidfd = pidfd_open(pid, 0);

	if (pidfd < 0)
		return -errno;
	/* Only a parent may wait; and nothing is collected by this. */
	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		return -errno;
	*out = (struct proc){.pid = pid, .pidfd = fd_take(&pidfd)};
	return 0;
}

void proc_await(struct proc *proc)
{
	siginfo_t si;

	while (waitid(P_PIDFD, (id_t)proc->pidfd, &si, WEXITED) < 0 && errno == EINTR)
		continue;
	fd_close(&proc->pidfd);
	*proc = PROC_NONE;
}

int proc_reap(struct proc *proc, siginfo_t *how)
{
	siginfo_t si = {0};

	if (waitid(P_PIDFD, (id_t)proc->pidfd, &si, WEXITED | WNOHANG) < 0)
		return -errno;
	if (si.si_pid == 0)
		return -EAGAIN;

	fd_close(&proc->pidfd);
	*proc = PROC_NONE;
	*how = si;
	return 0;
}

void proc_signal(const struct proc *proc, int sig)
{
	if (proc->pidfd >= 0)
		(void)pidfd_send_signal(
			proc->pidfd, sig, NULL, 0); /* ESRCH: it has ended */
}

void proc_how(const siginfo_t *how, char out[PROC_HOW_MAX])
{
	if (how->si_code == CLD_EXITED) {
		(void)snprintf(out, PROC_HOW_MAX, "exited with status %d", how->si_status);
		return;
	}
	const char *name = sigabbrev_np(how->si_status);
	(void)snprintf(out, PROC_HOW_MAX, "was killed by SIG%s", name ? name : "?");
}

int proc_become(const char *path, char *const *argv, int chan, int number, const char *env)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", number);
	/* dup2 of a descriptor onto itself would leave it to be closed by the exec. */
	if (chan == number ? fcntl(chan, F_SETFD, 0) < 0 : dup2(chan, number) < 0)
		return EXIT_FAILURE;
	(void)prctl(PR_SET_PDEATHSIG, 0);
	if (setenv(env, text, 1) == 0)
		(void)execv(path, argv);
	return EXIT_FAILURE;
}

/* The beginning of a file of /proc/PID as a string without its newline. */
static int read_about(const struct proc *proc, const char *file, char *out, size_t cap)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)proc->pid, file);
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, out, cap - 1);
	if (n <= 0)
		return n < 0 ? -errno : -EIO;
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	return 0;
}

int proc_resident(const struct proc *proc, uint64_t *bytes)
{
	char text[128];
	int r = read_about(proc, "statm", text, sizeof(text));

	if (r < 0)
		return r;
	/* "SIZE RESIDENT ...", in pages. */
	const char *second = strchr(text, ' ');
	*bytes = second ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	return 0;
}

void proc_evidence(const struct proc *proc, struct proc_evidence *out)
{
	char stat[256];

	*out = (struct proc_evidence){"-", "-", "-"};
	if (read_about(proc, "stat", stat, sizeof(stat)) == 0) {
		const char *name_end = strrchr(stat, ')');

		if (name_end && name_end[1] == ' ')
			out->state[0] = name_end[2];
	}
	if (read_about(proc, "wchan", out->wchan, sizeof(out->wchan)) < 0)
		(void)snprintf(out->wchan, sizeof(out->wchan), "-");
	if (read_about(proc, "syscall", out->syscall, sizeof(out->syscall)) < 0)
		(void)snprintf(out->syscall, sizeof(out->syscall), "-");
}
