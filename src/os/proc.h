/* SPDX-License-Identifier: MIT */
#pragma once

/* proc - processes that go on in this program's code; another's are os/program.h's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

struct proc {
	pid_t pid; /* for logs; everything else goes through pidfd */
	int pidfd; /* owned; readable once the process has exited */
};
#define PROC_NONE ((struct proc){.pid = -1, .pidfd = -1})

#define PROC_KEEP_MAX 512u /* descriptors a child may be given */

/* What a child wakes up with. A descriptor that is not listed is closed in it. */
struct proc_spec {
	const char *title;   /* for ps(1); at most 15 bytes are shown */
	const int *keep_fds; /* in any order, all above 2, at most PROC_KEEP_MAX */
	size_t n_keep_fds;
	int (*main)(void *arg); /* its result is the exit status */
	void *arg;
};

/**
 * proc_spawn - fork, and run spec->main in the child.
 *
 * The child starts with its descriptors closed but 0, 1, 2 and those listed,
 * signals unblocked and at their defaults, and SIGTERM when its parent dies
 * (which its main may take as: finish and go).
 *
 * Returns 0 and fills *@out, for proc_reap to end; or -errno. Never returns in the child.
 */
[[nodiscard]] int proc_spawn(const struct proc_spec *spec, struct proc *out);

/**
 * proc_spawn_with_chan - the same, with a channel (os/chan.h) between the two.
 *
 * *@chan is the child's end while main runs in the child, besides what spec->keep_fds lists;
 * afterwards it is ours, owned. On failure it is -1.
 */
[[nodiscard]] int proc_spawn_with_chan(
	const struct proc_spec *spec, int *chan, struct proc *out);

/**
 * proc_fork_sibling - fork a process that is our parent's child, not ours.
 *
 * For a process that makes others on its parent's behalf: the parent learns
 * the pid, and takes the process over by proc_adopt. Nothing else is changed in
 * the child: it goes on from here. Returns 0 in it, its pid here, or -errno.
 *
 * The kernel puts the pid into *@made too, before the child's first step: in
 * memory shared with the parent, it tells of the child even if this process
 * ends before it can. Flushes no buffers: the child ends by proc_exit.
 */
[[nodiscard]] pid_t proc_fork_sibling(_Atomic int32_t *made);

/**
 * proc_adopt - take over a child that somebody else made for this process.
 *
 * Returns 0 and fills *@out; -ECHILD if @pid is no child of ours, -errno otherwise.
 */
[[nodiscard]] int proc_adopt(pid_t pid, struct proc *out);

/* In a child: asks for SIGTERM when its parent dies. False if @parent, whom it expected,
 * has. */
[[nodiscard]] bool proc_ends_with(pid_t parent);

/**
 * proc_become - in a spawned child: become the program at @path, on its own feet.
 *
 * @chan (which it closes) becomes descriptor @number, and the variable @env says so; the
 * parent's death is no longer its end. Returns an exit status, if at all.
 */
int proc_become(const char *path, char *const *argv, int chan, int number, const char *env);

/* Ends this process, which was forked: without what exit() does for a program's own end. */
[[gnu::noreturn]] void proc_exit(int status);

/* Waits for a process that was killed to end, and forgets it. */
void proc_await(struct proc *proc);

/* Collects an exited child and closes its pidfd: 0 with *@how filled, or -EAGAIN while it
 * runs. */
[[nodiscard]] int proc_reap(struct proc *proc, siginfo_t *how);

/* Sends @sig. A process that has ended meanwhile is no error. */
void proc_signal(const struct proc *proc, int sig);

/* How much memory it has resident. 0, or -errno. */
[[nodiscard]] int proc_resident(const struct proc *proc, uint64_t *bytes);

/* What the system says of a process that does not do what it should; "-" where it does not
 * say. */
struct proc_evidence {
	char state[2];  /* as in proc(5): S sleeping, D on the disk, T stopped, R running */
	char wchan[64]; /* where in the kernel it sleeps */
	char syscall[96]; /* the call's number and arguments */
};
void proc_evidence(const struct proc *proc, struct proc_evidence *out);

/* "was killed by SIGSEGV", "exited with status 3". */
#define PROC_HOW_MAX 64u
void proc_how(const siginfo_t *how, char out[PROC_HOW_MAX]);
