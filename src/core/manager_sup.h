/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * manager_sup - what the service manager (systemd) hears of a server's life. Runs in the
 * supervisor.
 *
 *   when                                      it is told
 *   all services serve for the first time     READY=1
 *   a reload begins, and is over              RELOADING=1, READY=1
 *   another program has taken over            MAINPID=
 *   the end has begun                         STOPPING=1
 *   the loop turns                            WATCHDOG=1, at half the time it is to come in
 */

#include "os/loop.h"

#include <sys/types.h>

struct notify;

struct manager {
	const struct notify *notify; /* borrowed */
	struct loop *loop;
	struct loop_timer watchdog;
};

/* From here on the watchdog is fed. */
void manager_begin(struct manager *m, const struct notify *notify, struct loop *loop);
void manager_end(struct manager *m);

/* @status is a line for people. */
void manager_ready(const struct manager *m, const char *status);
void manager_reloading(const struct manager *m);
void manager_succeeded(const struct manager *m, pid_t by);
void manager_stopping(const struct manager *m);
