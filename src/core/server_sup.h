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

#include "core/control_sup.h"
#include "core/crew_sup.h"
#include "core/manager_sup.h"
#include "core/posts_sup.h"
#include "core/program.h"
#include "core/takeover_sup.h"
#include "core/upgrade_sup.h"
#include "os/pidfile.h"

#include <stddef.h>

struct log;
struct reason;

/* For core/ only. */
struct server {
	const struct server_program *program;
	struct loop *loop;
	struct log *log;
	struct posts posts;
	struct control control;
	struct upgrade upgrade;
	struct takeover takeover;
	struct manager manager;
	struct pidfile pidfile;
	struct loop_io sig_io;
	int sigfd;  /* owned */
	bool begun; /* the first change is over */
	bool again; /* HUP came during a change */
	uint64_t started_ns;
	int status;
};

/* For core/ only. */
void server_reload(struct server *s); /* now, or when what is under way is over */
void server_refused(
	const struct server *s, const char *sentence); /* logs why a change is */
void server_end(struct server *s, bool kill); /* finishing what has begun, or at once */
void server_look(struct server *s);           /* ends it if nothing is left to do */

/**
 * server_run - run @first until told to end; it is forgotten when it has been replaced, or
 * at the end.
 *
 * Returns the exit status (core/exit.h). What went wrong has been logged, but
 * for what stands in @reason: why nothing could be started.
 */
[[nodiscard]] int server_run(const struct server_plan *first, struct log *log,
	const struct server_program *program, struct reason *reason);
