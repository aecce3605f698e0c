/* SPDX-License-Identifier: MIT */

#include "service/exec/exec.h"

#include "base/reason.h"
#include "base/util.h"
#include "conf/opt.h"
#include "core/service.h"
#include "core/worker.h"
#include "service/exec/run.h"

#include <stdlib.h>

struct exec_conf {
	struct run_conf run;
};

static int start(struct worker *worker, struct reason *reason)
{
	const struct exec_conf *conf = worker_conf(worker);
	struct runner *x = calloc(1, sizeof(*x));

	if (!x)
		return reason_set(reason, "out of memory");
	worker_set_state(worker, x);
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

static const struct opt opts[] = {RUN_OPTS(struct exec_conf, run)};

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
