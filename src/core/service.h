/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * service - AXIS 2: what a process does with a connection. The table a service fills.
 *
 * A service is written once and runs under every model. It lives in workers:
 * start() once in a fresh process, then the callbacks per connection, then
 * finish() and stop(). Two functions run in the supervisor, before any worker exists:
 * check() and refusal(); they see the operator's settings and never a
 * stranger's byte.
 */

#include "base/span.h"
#include "core/conn.h"

#include <stdbool.h>
#include <stddef.h>

struct log;
struct opt;
struct reason;
struct worker;

/* Why the supervisor itself ends a connection, in the service's own words. */
enum refusal {
	REFUSE_BUSY,   /* the queue is full or its deadline passed: try later */
	REFUSE_GREEDY, /* too many connections of one address: try later */
	REFUSE_BROKEN, /* the worker died after the request began, or two died of it */
};

/* What check() may know about the service's surroundings. */
struct service_site {
	const char *name;           /* the section's name, or the service's own */
	const struct addr *listens; /* where it will listen */
	size_t n_listens;
	struct log *log; /* for what the operator should know and what stops nothing */
	const char **
		at_fault; /* set on refusal: the name of the setting that should change, or left alone */
};

struct service_ops {
	const char *name;    /* what `run =` and the command line call it */
	const char *summary; /* a line for --help */
	const char *scheme;  /* of the address that is printed: "http", "tcp" */

	/* Settings: parsed by the table (conf/opt.h) into conf_bytes of memory. */
	const struct opt *opts;
	size_t n_opts;
	size_t conf_bytes;
	const char *
		argument; /* the option that a bare argument sets ("root"); NULL for none */
	bool argument_is_command; /* that argument is a command line: all words from the
				     first on */

	unsigned connections; /* the default of `connections`: how many a worker may hold */
	size_t conn_bytes;    /* conn->data */
	size_t input_bytes;   /* conn->in.max: the longest request head it reads */
	size_t shared_bytes;  /* memory shared by all its workers, zeroed (worker_shared) */

	/**
	 * check - look at the settings as a whole, in the supervisor, before any worker.
	 *
	 * Returns 0, or negative with one sentence in @reason that says what to change.
	 */
	int (*check)(void *conf, const struct service_site *site, struct reason *reason);

	/* Constant bytes for a connection the supervisor ends; an empty span to just close.
	 */
	struct span (*refusal)(enum refusal why);

	/**
	 * start - prepare this process; worker_set_state() keeps what it makes.
	 *
	 * Returns 0, or negative with @reason: the worker exits and the sentence is logged.
	 */
	int (*start)(struct worker *worker, struct reason *reason);
	/* Optional: the process is about to end. What others would miss is done, and written
	 * out. */
	void (*finish)(struct worker *worker);
	/* Frees what start() made. Not called where the whole process goes at once: to undo
	 * what a child has of its parent would only copy it first. */
	void (*stop)(struct worker *worker);

	/*
	 * The connection's life. open() may find input in c->in already (resumed,
	 * or read ahead), else it usually tries conn_fill at once; close() is
	 * called exactly once for every open(), whatever ended or parked the
	 * connection, and frees what c->data owns.
	 */
	enum conn_want (*open)(struct conn *c);
	enum conn_want (*readable)(struct conn *c);
	enum conn_want (*writable)(struct conn *c);
	enum conn_want (*timer)(struct conn *c);
	/* For who uses conn_lend: the peer has ended its sending, or (@gone) is not there
	 * any more. */
	enum conn_want (*hangup)(struct conn *c, bool gone);
	void (*close)(struct conn *c);

	/* Optional: logs were moved away; worker_access_fd() is the new descriptor. */
	void (*reopen)(struct worker *worker);
	/* Optional: nothing is happening just now; write out what was gathered (logs). */
	void (*quiet)(struct worker *worker);
};
