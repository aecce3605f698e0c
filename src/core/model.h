/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * model - AXIS 1: how a connection reaches a process. The table a model fills.
 *
 * The sup_* half runs in the supervisor, per crew (core/crew_sup.h: the
 * workers of one service); the wrk_* half in each worker. The core makes,
 * watches and ends the processes; the model moves the connections.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct crew;
struct heritage;
struct reason;
struct slot;
struct worker;

struct model_ops {
	const char *name;
	const char *summary; /* a line for --help */

	/* In the supervisor. crew_model() is sup_bytes of zeroed memory. */
	size_t sup_bytes;
	int (*sup_start)(struct crew *crew, struct reason *reason); /* 0, or negative */
	void (*sup_fini)(struct crew *crew); /* all workers are gone */
	void (*sup_heritage)(
		struct slot *slot, struct heritage *out); /* before a fork; optional */
	void (*sup_ready)(struct slot *slot);
	/* Returns 0; negative for what a sound worker never says, and then it is killed. */
	int (*sup_message)(struct slot *slot, const void *msg, size_t len);
	void (*sup_gone)(struct slot *slot); /* dead; its board can still be read */
	/* Take nothing new and let go of what is idle; what has begun is finished. */
	void (*sup_drain)(struct crew *crew);
	/* Whether nothing waits in the supervisor for a worker any more. */
	bool (*sup_idle)(const struct crew *crew);

	/* In a worker. worker_model() is wrk_bytes of zeroed memory. */
	size_t wrk_bytes;
	int (*wrk_start)(struct worker *worker);
	void (*wrk_message)(struct worker *worker, const void *msg, size_t len, int fd);
	void (*wrk_idle)(struct conn
			*c); /* it is between two requests: keep it a while, or park it */
	void (*wrk_ended)(struct conn *c);        /* the service is done with it */
	void (*wrk_yield)(struct worker *worker); /* part with every idle connection now */
	void (*wrk_unblocked)(struct worker *worker);
};
