/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * server_sup - the supervisor: starts the crews, hears the signals, and ends when all have
 * gone.
 *
 *   signal      what it does
 *   TERM INT    drain; a second one: stop now
 *   QUIT        stop now
 *   USR1        reopen the logs
 *   HUP USR2    noted in the log; they have no meaning yet
 */

#include "core/crew_sup.h"

#include <stddef.h>

struct log;
struct reason;

/* What the program wants to hear. */
struct server_events {
	/* Every service has its minimum of workers. The listeners' addresses are final. */
	void (*ready)(struct crew *const *crews, size_t n_crews, void *arg);
	void *arg;
};

/**
 * server_run - run @specs until told to end.
 *
 * Returns the exit status (core/exit.h). What went wrong has been logged, but
 * for what stands in @reason: why nothing could be started.
 */
[[nodiscard]] int server_run(const struct spec *specs, size_t n_specs, struct log *log,
	const struct server_events *events, struct reason *reason);
