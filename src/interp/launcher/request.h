/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * request - everything a script can see of its caller, made into one message.
 *
 * The caller's state is read, never changed: when the call fails the launcher
 * still stands where it stood, and can run the script itself.
 */

#include "interp/pass.h"
#include "interp/wire.h"

#include <signal.h>
#include <stddef.h>

struct args;

/* In this order what a usual call touches lies together: each page is a fault. */
struct request {
	size_t n_own;
	size_t n_fds;
	int fds[PASS_FDS_MAX]; /* borrowed, but for the first n_own */
	size_t n_bytes;
	union {
		struct wire_call call;
		char bytes[WIRE_MSG_MAX];
	};
};

/**
 * request_build - describe this process and the arguments of @args.
 *
 * @mask is the signal mask the script is to have. Returns 0, with request_end
 * to be called; a positive enum wire_why: this caller cannot be served, run the
 * script directly; or -errno.
 */
[[nodiscard]] int request_build(
	struct request *request, const struct args *args, const sigset_t *mask);
void request_end(struct request *request);

/**
 * request_let_go - close the caller's descriptors, which are the script's now.
 *
 * Held here too, a pipe that the script closes would not end for its reader.
 * Standard error stays, for a sentence, unless somebody may wait for its end.
 */
void request_let_go(const int *fds, size_t n);

/* Whether this process is in the background of the terminal that is its standard input. */
bool request_in_background(void);

/* Whether there is a /dev/tty for this process, as there never is for an executor. */
bool request_has_terminal(void);

/* What the known wire carries: environment, a NUL, the script's arguments. Allocated and
 * never freed; NULL without memory. */
char *request_v1_text(const struct args *args, size_t *n_bytes);
