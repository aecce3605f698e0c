/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * run - what runs for one connection, from its beginning to the end of all it has started.
 *
 * Of the services exec, where it is a program, and script, where it is a warm
 * executor or, failing that, a program; they differ in how it is begun. Runs in workers.
 *
 *   in         until                                      then
 *   ASKING     the client's name is known, or takes too
 *              long (resolve = yes only)                  RUNNING
 *   RUNNING    the program exits                          (what it left is killed; closed)
 *              the client goes, or takes back its half of
 *              the connection for too long, or the time
 *              is up                                      ENDING (TERM to all)
 *   ENDING     the program exits, and nobody is left      (closed)
 *              it exits, and others are left              LEFT
 *              the grace has passed                       ENDING (KILL to all)
 *   LEFT       nobody is left                             (closed)
 *              the grace has passed                       (KILL to all; closed)
 */

#include "core/conn.h"
#include "core/service.h"
#include "log/log.h"
#include "os/lookup.h"
#include "os/loop.h"
#include "os/program.h"
#include "service/exec/command.h"
#include "service/exec/env.h"

#include <stdbool.h>
#include <stdint.h>

struct reason;
struct run;
struct worker;

/* The settings that both services have. */
struct run_conf {
	char *command;
	char *directory;
	bool resolve;
	uint64_t timeout_ns;
	uint64_t eof_timeout_ns;
	uint64_t cpu_ns;
	uint64_t memory;
	uint64_t files;
	uint64_t core;
};

/* Their rows, for settings of type @s that hold them as member @m. */
#define RUN_OPTS(s, m)                                                                     \
	{"command", OPT_STRING(s, m.command), .arg = "COMMAND", .flags = OPT_REQUIRED,     \
		.help = "the program and its arguments"},                                  \
		{"directory", OPT_PATH(s, m.directory), .arg = "DIR",                      \
			.help = "where the program begins"},                               \
		{"resolve", OPT_BOOL(s, m.resolve), .deflt = "no",                         \
			.help = "look the client's name up, for TCPREMOTEHOST"},           \
		{"timeout", OPT_DURATION(s, m.timeout_ns), .arg = "TIME", .deflt = "0",    \
			.help = "how long a program may run (0: as long as it likes)"},    \
		{"eof_timeout", OPT_DURATION(s, m.eof_timeout_ns), .arg = "TIME",          \
			.deflt = "0",                                                      \
			.help = "how long after the client has sent its last (0: as long " \
				"as it is there)"},                                        \
		{"rlimit_cpu", OPT_DURATION(s, m.cpu_ns), .arg = "TIME", .deflt = "0",     \
			.help = "processor time of a program (0: as preforkd)"},           \
		{"rlimit_memory", OPT_BYTES(s, m.memory), .arg = "SIZE", .deflt = "0",     \
			.help = "address space of a program (0: as preforkd)"},            \
		{"rlimit_files", OPT_UINT(s, m.files), .arg = "N", .deflt = "1024",        \
			.min = 3, .help = "descriptors of a program"},                     \
	{                                                                                  \
		"rlimit_core", OPT_BYTES(s, m.core),                                       \
			.arg = "SIZE", .deflt = "0",                                       \
			.help = "largest core file of a program"                           \
	}

/* How it is begun, and reached. */
struct run_way {
	/* 0, and run_ended will be called, once; or negative with @reason. What @spec
	 * points to is good until it returns. */
	int (*begin)(struct run *r, const struct program_spec *spec, struct reason *reason);
	/* Sends @sig to all of it, or only asks, with 0: is anybody left? */
	bool (*signal)(struct run *r, int sig);
	/* Kills what is left of it and forgets it; also where it was never begun. */
	void (*fini)(struct run *r);
	/* What is begun goes on for others (a server): its processor time counts all of them, so
	 * only the soft limit of it is set, which each of them can have anew. */
	bool outlives;
};

/* A program of ours, as one way. */
extern const struct run_way run_program;

/* Of a worker: its state, or that begins with it. */
struct runner {
	const struct run_way *way;
	const struct run_conf *conf;
	struct command command;
	struct env env;
	struct program_limit limits[4];
	size_t n_limits;
};

enum run_state { RUN_ASKING, RUN_RUNNING, RUN_ENDING, RUN_LEFT };

/* Of a connection: its data, or that begins with it. */
struct run {
	struct conn *conn;
	enum run_state state;
	struct lookup lookup;
	struct loop_io lookup_io;
	struct program program;
	struct loop_io exit_io; /* the program's pidfd */
	struct loop_io err_io;
	int err;         /* owned: where the program's stderr is read; -1 for none */
	const char *why; /* it is ended; NULL: of its own accord */
	uint64_t begun_ns;
	uint64_t until_ns;        /* its time is up, or its grace; 0 for never */
	char line[LOG_VALUE_MAX]; /* of stderr, as far as it has come */
	size_t n_line;
};

/* Prepares the zeroed @x of this worker. 0, or negative with @reason; runner_fini either
 * way. */
[[nodiscard]] int runner_init(struct runner *x, const struct run_way *way,
	const struct run_conf *conf, struct reason *reason);
void runner_fini(struct runner *x);

/* In the supervisor: whether it could be begun. 0, or negative with @reason and the setting at
 * fault told to @site. */
[[nodiscard]] int run_check(const struct run_conf *conf, const struct service_site *site,
	struct reason *reason);

/* For who began it, once, and the last thing done with @r: it has ended as @how says; or
 * it could not be begun after all. */
void run_ended(struct run *r, const siginfo_t *how);
void run_failed(struct run *r, const struct reason *why);

/* The callbacks of service_ops. */
struct span run_refusal(enum refusal why);
enum conn_want run_open(struct conn *c);
enum conn_want run_wait(struct conn *c);
enum conn_want run_timer(struct conn *c);
enum conn_want run_hangup(struct conn *c, bool gone);
void run_close(struct conn *c);
