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

/* Who comes over into a crew's lobby from that of the crew it replaces. */
enum model_takes {
	TAKES_NOBODY,
	TAKES_UNREAD, /* who waits in the queue, and nothing was read of it */
	TAKES_ALL,    /* who is idle too, and with the bytes that were read */
};

struct model_ops {
	const char *name;
	const char *summary; /* a line for --help */

	/* What the core should do otherwise for it. */
	bool one_connection; /* a worker holds one, whatever `connections` says */
	bool seeded; /* only slot 0 is the core's to fill; the others the model fills from
			it */
	bool reuseport;      /* listeners share their address with others of the crew */
	bool settles_itself; /* it calls crew_settled, even where nobody waits in its lobby */
	enum model_takes takes_over;

	/* In the supervisor. crew->model is sup_bytes of zeroed memory. */
	size_t sup_bytes;
	int (*sup_start)(struct crew *crew, struct reason *reason); /* 0, or negative */
	void (*sup_fini)(
		struct crew *crew); /* all workers are gone; also after a failed start */
	/* What the worker in @slot inherits. 0, or -errno: then it is not made. Optional.
	 */
	int (*sup_heritage)(struct slot *slot, struct heritage *out);
	void (*sup_ready)(struct slot *slot); /* optional */
	/* 0; or negative for what a sound worker never says, and then it is killed. */
	int (*sup_message)(struct slot *slot, const void *msg, size_t len);
	/* Dead; its board can still be read. Optional, where all it had went with it. */
	void (*sup_gone)(struct slot *slot);
	/* Optional: what is to be done besides lobby_leave() when a crew drains. Called
	 * again when one that is being replaced is to hurry. */
	void (*sup_drain)(struct crew *crew);

	/* In a worker. worker->model is wrk_bytes of zeroed memory. */
	size_t wrk_bytes;
	int (*wrk_start)(struct worker *worker); /* 0 or -errno */
	void (*wrk_fini)(struct worker *worker); /* optional */
	void (*wrk_message)(struct worker *worker, const void *msg, size_t len,
		int fd);                   /* @fd is its own */
	void (*wrk_idle)(struct conn *c);  /* it is between two requests */
	void (*wrk_ended)(struct conn *c); /* the service is done with it */
	/* About to block, or draining: part with every idle connection if it can go
	 * elsewhere. */
	void (*wrk_yield)(struct worker *worker);
	void (*wrk_unblocked)(struct worker *worker); /* optional */
};
