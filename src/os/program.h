/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * program - somebody else's program as a child: made at once, watched by a pidfd, ended
 * with everything that it made in its turn.
 *
 * It is the leader of a process group of its own, by which it and what it
 * starts can be told to end. It is killed when this process dies.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

struct reason;

struct program {
	pid_t pid; /* for logs */
	int pidfd; /* owned; readable once the program has exited; -1 for none */
	bool reaped;
};
#define PROGRAM_NONE ((struct program){.pid = -1, .pidfd = -1})

struct program_limit {
	int resource; /* RLIMIT_* */
	uint64_t soft,
		hard; /* cut to what this process may have; RLIM_INFINITY: as it is */
};

/* What @is becomes for a program that is to have @want: @is of that resource, in this process. */
struct rlimit program_limit(const struct program_limit *want, struct rlimit is);

struct program_spec {
	const char *path;  /* not searched for */
	char *const *argv; /* ends with NULL, as does the next */
	char *const *envp;
	const char *directory; /* where it begins; NULL: as here */
	int in_out;            /* borrowed, above 2: becomes its 0 and 1 */
	int err;               /* borrowed, above 2: becomes its 2 */
	const struct program_limit *limits;
	size_t n_limits;
};

/**
 * program_start - run a program with 0, 1 and 2, and no other descriptor.
 *
 * It begins with signals unblocked, and ignores what this process ignores: in a child of
 * proc_spawn, nothing. This process sleeps
 * until the program has taken the child over, which is what makes it cheap:
 * nothing is copied, whatever the size of this process.
 *
 * Returns 0 with *@out for program_fini; or -errno with @reason, also for what
 * went wrong in the child, up to the exec itself, and no child is left.
 */
[[nodiscard]] int program_start(
	const struct program_spec *spec, struct program *out, struct reason *reason);

/* Collects the program once it has exited: 0 with *@how filled, or -EAGAIN while it runs.
 * What it has left behind can still be signalled. */
[[nodiscard]] int program_reap(struct program *p, siginfo_t *how);

/* Sends @sig (0 to only ask) to the program and all of its group. False if nobody is left.
 */
bool program_signal(const struct program *p, int sig);

/* Kills what is left of it, waits for the program's end, and forgets it. Takes
 * PROGRAM_NONE.
 */
void program_fini(struct program *p);
