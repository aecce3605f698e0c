/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * executor - a fork of the server that waits for one call and becomes its script.
 * Its channel's other end goes to the launcher, or, for a call on the known
 * wire, stays with the server. wire.h has what is said on it. This process alone
 * believes what a call says, and it has no rights but the caller's.
 */

#include "interp/offsets.h"
#include "interp/prefork_interp.h"
#include "interp/wire.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hot;

/* A call as the script sees it, and the way back. */
struct executor_call {
	struct pfi_call call;
	pid_t pid;
	int channel;       /* to whoever waits for the end; the script may have closed it */
	ino_t channel_ino; /* by which it is known to be the same */
	const struct hot *notes; /* where it notes what it needed; NULL: it fetched that */
};

/* RLIMIT_NOFILE and RLIMIT_CPU: a server has descriptors and spends time for all of its calls. */
enum { EXECUTOR_LIFTED = 2 };

/* What every executor of a server starts from, noted once. */
struct executor_base {
	int first_fd; /* numbers from 3 to below it are free for the caller's descriptors */
	int32_t nice; /* the server's, as are the rest */
	struct wire_limit limits[WIRE_LIMITS];
	uint32_t groups[WIRE_GROUPS_MAX];
	int n_groups;
	uint64_t soft[EXECUTOR_LIFTED]; /* of set-up: the server's own are higher */
	struct hot *hot;                /* what all of them need */
	struct offsets offsets;         /* of set-up's files */
	sigset_t mask; /* of set-up, for callers whose wire does not tell theirs */
	struct sigaction on_child_end; /* what set-up wanted of SIGCHLD */
	char **command; /* set-up's command line, environment and working directory: for the
			 */
	char **env;     /* next generation, and for calls that do not say */
	char *cwd;
	char *interp; /* of command */
	char *script;
};

/* Notes the state of this process, and lets it have as many descriptors and as much time as
 * it may. The strings, first_fd, offsets and on_child_end are left alone. */
void executor_note_base(struct executor_base *base);

/**
 * executor_wait - wait on @chan for a call, and become it.
 *
 * Runs in the executor; adopts @chan. Returns with *@out filled as its header
 * promises, or ends the process: there was no call, it was garbled, or this process may not
 * stand in the caller's place.
 */
void executor_wait(const struct executor_base *base, int chan, uint64_t serial,
	struct executor_call *out);

/**
 * executor_leave - end with @status, and say so before the memory is given back.
 *
 * For a large interpreter that takes the kernel milliseconds, which nobody can
 * see. What can be seen of an end comes first: descriptors are closed, and with
 * them locks and the ends of pipes. A child of the executor's only ends.
 */
[[gnu::noreturn]] void executor_leave(const struct executor_call *call, int status);
