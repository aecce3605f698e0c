/* SPDX-License-Identifier: MIT */
#pragma once

/* program - what the server asks of the program it runs in: to say what is to be run. */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

struct crew;
struct notify;
struct reason;
struct spec;
struct stock;

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
	/* The same plan but for one service: its setting @name (NULL: none) is @value. As
	 * load, but does not read anything again. */
	int (*vary)(void *arg, const struct server_plan *plan, const char *service,
		const char *name, struct span value, struct server_plan *out,
		struct reason *reason);
	/* The plan is the one that is run from now on. Whether the log is another now: workers
	 * are told. */
	bool (*begun)(void *arg, const struct server_plan *plan);
	/* The log may have been moved away: opens it anew. Whether it did, as above. */
	bool (*reopen)(void *arg);
	/* The first time that every service has its minimum of workers. The listeners'
	 * addresses are final. */
	void (*ready)(void *arg, const struct crew *crew);
	/* After that, once: whatever can serve does. */
	void (*up)(void *arg);
	void *arg;
	/* What to start for an upgrade, and with which words; NULL: it is not known. */
	const char *path;
	char *const *argv;
	int upgrade_fd;       /* to the server that is to be taken over from; -1 for none */
	struct stock *passed; /* sockets that were opened for us (listen_sup.h) */
	const struct notify *notify; /* who hears of our life */
	const char *pidfile;         /* NULL for none */
	const char *control;         /* where preforkctl is to find us; NULL for nowhere */
	const char *control_link;    /* and a name that leads there; NULL for none */
};
