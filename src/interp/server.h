/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * server - takes calls, gives each to an executor, and tells the caller how it ended.
 *
 * Runs in a process of its own, a fork of the script's set-up, which it never
 * runs on: it forks, and the forks do. It reads of strangers' bytes only which
 * kind of message they are.
 *
 *   in        until                                                    then
 *   SERVING   a file changed, and the next generation is being made    STALE
 *             idle for too long, or its socket is lost                 DRAINING
 *   STALE     the next generation has taken the sockets, or failed     DRAINING
 *   DRAINING  no call is left                                          (ends)
 *
 * A call, seen from here: OPEN (its message has not come), READY (it waits for
 * an executor), RUNNING. Of executors there are spares, which wait for a call
 * each, and those that run one.
 */

#include <stdbool.h>

struct files;
struct managed;
struct executor_call;
struct pfi_options;
struct executor_base;

struct server_setup {
	const struct pfi_options *options; /* complete; borrowed for the server's life */
	struct managed *managed;
	const struct executor_base *base;
	struct files *files;     /* owned by the server from here */
	const char *socket_path; /* of the known wire's socket */
	bool stale;              /* something changed while set-up ran */
};

/**
 * server_listen - make our own wire's socket, in the set-up process, before the fork.
 *
 * Sets managed->own_listener, which stays -1 when the known wire's socket is not
 * ours any more, or nothing can be made: then only that wire is spoken. When
 * the set-up process ends the launcher may connect.
 */
void server_listen(const struct server_setup *setup);

/**
 * server_run - serve; returns only in an executor, with its call.
 *
 * In the server itself it ends the process.
 */
void server_run(const struct server_setup *setup, struct executor_call *call);
