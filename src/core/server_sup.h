/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * server_sup - the supervisor: starts the crews, hears the signals, and ends when all have
 * gone.
 *
 *   signal      what it does
 *   TERM INT    drain; a second one: stop now
 *   QUIT        stop now
 *   HUP         read again what is to be run, and change over to it (posts_sup.h)
 *   USR1        reopen the logs
 *   USR2        noted in the log; it has no meaning yet
 */

#include "core/crew_sup.h"

#include <stddef.h>

struct log;
struct reason;

/* What is to be run, read and resolved. */
struct server_plan {
	const struct spec *specs;
	size_t n_specs;
	void *own; /* the program's */
};

/* What the program does for the server, and wants to hear. */
struct server_program {
	/* Reads again what is to be run: 0 with *@out for forget; or negative with
	 * @reason, which names the file and the line. */
	int (*load)(void *arg, struct server_plan *out, struct reason *reason);
	void (*forget)(void *arg, const struct server_plan *plan);
	/* The plan is the one that is run from now on. */
	void (*begun)(void *arg, const struct server_plan *plan);
	/* The first time that every service has its minimum of workers. The listeners'
	 * addresses are final. */
	void (*ready)(void *arg, const struct crew *crew);
	void *arg;
};

/**
 * server_run - run @first until told to end; it is forgotten when it has been replaced, or
 * at the end.
 *
 * Returns the exit status (core/exit.h). What went wrong has been logged, but
 * for what stands in @reason: why nothing could be started.
 */
[[nodiscard]] int server_run(const struct server_plan *first, struct log *log,
	const struct server_program *program, struct reason *reason);
