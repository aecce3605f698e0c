/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * warm - one call of a warm script: the launcher's side of interp/wire.h, as events of a
 * loop. Runs in workers.
 *
 *   in        until                                        then
 *   WAITING   the server sends WIRE_GO                     SENT
 *             no sign for WIRE_PATIENCE_MS, WIRE_COLD,
 *             a signal, or the server's end                OVER (cold)
 *   SENT      the executor says that it begins             BEGUN
 *             it sends WIRE_COLD, or ends                  OVER (cold)
 *   BEGUN     it says, or the server does, how it ended    OVER (ended)
 *   SENT, BEGUN
 *             the server's end                             OVER (lost)
 */

#include "interp/wire.h"
#include "os/loop.h"
#include "os/program.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum warm_end {
	WARM_COLD,  /* it did not begin, and will not: @value is an enum wire_why */
	WARM_ENDED, /* @value is wait(2)'s status */
	WARM_LOST,  /* it began; how it ended nobody knows */
};

enum warm_state { WARM_OVER, WARM_WAITING, WARM_SENT, WARM_BEGUN };

/* What goes with a call, in the order of the wire. */
enum warm_fd { WARM_CWD, WARM_IN, WARM_OUT, WARM_ERR, WARM_FDS };

/* What all calls of a worker have in common: its own state, as a launcher would tell it. */
struct warm_common {
	struct wire_call call; /* n_groups are known of its lists */
	gid_t groups[WIRE_GROUPS_MAX];
};

struct warm {
	enum warm_state state;
	struct loop *loop;
	struct loop_io server;  /* its fd is owned, as is the next's */
	struct loop_io channel; /* to the executor, while SENT */
	struct loop_timer patience;
	struct wire_call *message; /* owned */
	size_t n_bytes;
	char *text;        /* in it: interpreter, script, arguments, environment */
	int fds[WARM_FDS]; /* borrowed but for ERR, which is there until it has begun */
	/* Told once, last of all: @w may be gone when it returns. On WARM_COLD what was to be
	 * sent is still there, until warm_fini. */
	void (*over)(struct warm *w, enum warm_end end, int value);
};

/* A call whose 0 and 1 are a socket. The strings and lists are borrowed until
 * warm_start returns, the descriptors until it is over. */
struct warm_spec {
	const struct warm_common *common;
	const char *interp, *script; /* as a caller would have typed them */
	char *const *args;           /* end with NULL, as does the next */
	char *const *envp;
	int cwd; /* a directory */
	int in_out;
	int err;
};

/* Notes what this process is, with @n limits over its own. 0 or -errno. */
[[nodiscard]] int warm_note(
	struct warm_common *common, const struct program_limit *limits, size_t n);

/**
 * warm_start - call by @server, a connection to our own wire's socket, which it adopts.
 *
 * @w is zeroed but for over. Returns 0; or -errno, and it is not begun: -EMSGSIZE when
 * the text is too long for a message. warm_fini either way.
 */
[[nodiscard]] int warm_start(
	struct warm *w, struct loop *loop, int server, const struct warm_spec *spec);

/* Sends @sig to the script and its group; before it has begun, it never will. With 0 only
 * asks. False if it is over. */
bool warm_signal(struct warm *w, int sig);

/* The environment of the call, allocated, its strings in the message; NULL without memory.
 */
char **warm_environment(const struct warm *w);

/* Gives it up: a script that runs is told to end by its server. Takes zeroes. */
void warm_fini(struct warm *w);
