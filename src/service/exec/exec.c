/* SPDX-License-Identifier: MIT */

#include "service/exec/exec.h"

#include "base/reason.h"
#include "base/util.h"
#include "conf/opt.h"
#include "core/service.h"
#include "core/worker.h"
#include "service/exec/run.h"

#include <stdlib.h>
#include <sys/resource.h>

struct exec_conf {
	struct run_conf run;
	uint64_t cpu_ns;
	uint64_t memory;
	uint64_t files;
	uint64_t core;
};

static void set_limits(struct runner *x, const struct exec_conf *conf)
{
	uint64_t cpu_s = (conf->cpu_ns + NS_PER_SEC - 1) / NS_PER_SEC;

	if (cpu_s)
		runner_limit(x, RLIMIT_CPU, cpu_s, cpu_s + 1); /* XCPU, then KILL */
	if (conf->memory)
		runner_limit(x, RLIMIT_AS, conf->memory, conf->memory);
	/* The soft one alone: ours is raised, and programs with select(2) must not find
	 * it so. */
	runner_limit(x, RLIMIT_NOFILE, conf->files, RLIM_INFINITY);
	runner_limit(x, RLIMIT_CORE, conf->core, conf->core);
}

static int start(struct worker *worker, struct reason *reason)
{
	const struct exec_conf *conf = worker_conf(worker);
	struct runner *x = calloc(1, sizeof(*x));

	if (!x)
		return reason_set(reason, "out of memory");
	worker_set_state(worker, x);
	set_limits(x, conf);
	return runner_init(x, &run_program, &conf->run, reason);
}

static void stop(struct worker *worker)
{
	struct runner *x = worker_state(worker);

	runner_fini(x);
	free(x);
}

static int check(void *settings, const struct service_site *site, struct reason *reason)
{
	const struct exec_conf *conf = settings;

	return run_check(&conf->run, site, reason);
}

static const struct opt opts[] = {
	RUN_OPTS(struct exec_conf, run),
	{"rlimit_cpu", OPT_DURATION(struct exec_conf, cpu_ns), .arg = "TIME", .deflt = "0",
		.help = "processor time of a program (0: as preforkd)"},
	{"rlimit_memory", OPT_BYTES(struct exec_conf, memory), .arg = "SIZE", .deflt = "0",
		.help = "address space of a program (0: as preforkd)"},
	{"rlimit_files", OPT_UINT(struct exec_conf, files), .arg = "N", .deflt = "1024",
		.min = 3, .help = "descriptors of a program"},
	{"rlimit_core", OPT_BYTES(struct exec_conf, core), .arg = "SIZE", .deflt = "0",
		.help = "largest core file of a program"},
};

const struct service_ops exec_service = {
	.name = "exec",
	.summary = "runs a program per connection, as tcpserver and inetd do",
	.scheme = "tcp",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.conf_bytes = sizeof(struct exec_conf),
	.argument = "command",
	.argument_is_command = true,
	.connections = 16,
	.conn_bytes = sizeof(struct run),
	.input_bytes = 1,
	.check = check,
	.refusal = run_refusal,
	.start = start,
	.stop = stop,
	.open = run_open,
	.readable = run_wait,
	.writable = run_wait,
	.timer = run_timer,
	.hangup = run_hangup,
	.close = run_close,
};
