/* SPDX-License-Identifier: MIT */

#include "service/exec/exec.h"

#include "base/reason.h"
#include "base/util.h"
#include "conf/opt.h"
#include "core/conn.h"
#include "core/service.h"
#include "core/worker.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/lookup.h"
#include "os/loop.h"
#include "os/pipe.h"
#include "os/program.h"
#include "os/sock.h"
#include "service/exec/command.h"
#include "service/exec/env.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define GRACE_NS     (5 * NS_PER_SEC) /* between TERM and KILL */
#define LOOK_NS      (20 * NS_PER_MS) /* how often it is looked who is left of a group */
#define LOOKUP_NS    (5 * NS_PER_SEC) /* for the client's name */
#define LINGER_NS    (2 * NS_PER_SEC) /* for the client to read the last of it */
#define LINGER_BYTES MIB              /* that the program did not want to read */
#define ASK_AFTER_S  30               /* of silence, whether the client is there */
#define SAYS_AT_ONCE 16               /* pieces of stderr, before others have a turn */

struct exec_conf {
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

/* Of a worker. */
struct exec {
	const struct exec_conf *conf;
	struct command command;
	struct env env;
	struct program_limit limits[4];
	size_t n_limits;
};

enum exec_state { ASKING, RUNNING, ENDING, LEFT };

/* Of a connection. */
struct run {
	struct conn *conn;
	enum exec_state state;
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

static struct log *log_of(const struct run *r)
{
	return worker_log(r->conn->worker);
}

#define RUN_KVS(r) KV("conn", (r)->conn->id), KV("pid", (r)->program.pid)

/* -- stderr -- */

static void say_line(struct run *r)
{
	if (r->n_line)
		log_info(log_of(r), "program-says", "program wrote to its stderr",
			KV("line", span_of(r->line, r->n_line)), RUN_KVS(r));
	r->n_line = 0;
}

static void hear(struct run *r, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] != '\n')
			r->line[r->n_line++] = bytes[i];
		if (bytes[i] == '\n' || r->n_line == sizeof(r->line))
			say_line(r);
	}
}

static void stop_hearing(struct run *r)
{
	say_line(r);
	loop_remove(worker_loop(r->conn->worker), &r->err_io);
	fd_close(&r->err);
}

static void on_err(struct loop_io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, err_io);
	char bytes[LOG_VALUE_MAX];

	(void)events;
	for (int i = 0; i < SAYS_AT_ONCE; i++) {
		ssize_t n = read(r->err, bytes, sizeof(bytes));

		if (n > 0)
			hear(r, bytes, (size_t)n);
		else if (n < 0 && errno == EAGAIN)
			return;
		else {
			stop_hearing(r);
			return;
		}
	}
}

/* -- the end -- */

static void say_end(const struct run *r, const siginfo_t *how)
{
	bool fine = how->si_code == CLD_EXITED && how->si_status == 0;
	char text[PROC_HOW_MAX];

	proc_how(how, text);
	log_event(log_of(r), fine ? LOG_DEBUG : LOG_INFO, "program-ended",
		LOG_SAY("program %s%s%s", text, r->why ? ": " : "", r->why ? r->why : ""),
		RUN_KVS(r),
		KV("ran_ms", (worker_now_ns(r->conn->worker) - r->begun_ns) / NS_PER_MS));
}

/* Tells all of it to end, and sees to it when the grace has passed. */
static void begin_to_end(struct run *r, const char *why)
{
	r->state = ENDING;
	r->why = why;
	(void)program_signal(&r->program, SIGTERM);
	r->until_ns = worker_now_ns(r->conn->worker) + GRACE_NS;
	conn_timer(r->conn, r->until_ns);
}

/* The program has exited and others may be there still, whose end nobody tells us. */
static enum conn_want look_who_is_left(struct run *r)
{
	uint64_t now_ns = worker_now_ns(r->conn->worker);

	if (now_ns >= r->until_ns || !program_signal(&r->program, 0)) {
		program_fini(&r->program);
		return CONN_CLOSE;
	}
	r->state = LEFT;
	conn_timer(r->conn, MIN(r->until_ns, now_ns + LOOK_NS));
	return CONN_WAIT;
}

static enum conn_want hangup(struct conn *c, bool gone)
{
	const struct exec *x = worker_state(c->worker);
	struct run *r = c->data;

	if (r->state != RUNNING)
		return CONN_WAIT;
	if (gone) {
		begin_to_end(r, "its client has gone");
	} else if (x->conf->eof_timeout_ns) {
		uint64_t at_ns = worker_now_ns(c->worker) + x->conf->eof_timeout_ns;

		if (!r->until_ns || at_ns < r->until_ns)
			r->until_ns = at_ns;
		conn_timer(c, r->until_ns);
	}
	return CONN_WAIT;
}

static void on_ended(struct loop_io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, exit_io);
	siginfo_t how;

	(void)events;
	if (program_reap(&r->program, &how) < 0)
		return;
	loop_remove(worker_loop(r->conn->worker), io);
	worker_progress(r->conn->worker);
	if (r->err >= 0)
		on_err(&r->err_io, EPOLLIN); /* its last words came before its end */
	say_end(r, &how);
	/* When it is made to end, those it has started have the same grace. */
	if (r->state != ENDING)
		r->until_ns = 0;
	conn_follow(r->conn, look_who_is_left(r));
}

static enum conn_want begin(struct run *r, const struct lookup_names *names);

static enum conn_want timer(struct conn *c)
{
	struct run *r = c->data;

	switch (r->state) {
	case ASKING: {
		struct lookup_names names;

		loop_remove(worker_loop(c->worker), &r->lookup_io);
		lookup_end(&r->lookup, &names);
		return begin(r, &names);
	}
	case RUNNING: begin_to_end(r, "its time was up"); return CONN_WAIT;
	case ENDING: (void)program_signal(&r->program, SIGKILL); return CONN_WAIT;
	case LEFT: break;
	}
	return look_who_is_left(r);
}

static void close_run(struct conn *c)
{
	struct loop *loop = worker_loop(c->worker);
	struct run *r = c->data;
	struct lookup_names none;

	loop_remove(loop, &r->lookup_io);
	lookup_end(&r->lookup, &none);
	loop_remove(loop, &r->exit_io);
	program_fini(&r->program);
	stop_hearing(r);
}

/* -- the beginning -- */

static int start_program(struct run *r, int sock, const struct lookup_names *names, int err,
	struct reason *reason)
{
	struct exec *x = worker_state(r->conn->worker);
	struct sock_creds creds = {0};
	struct addr local;

	sock_local(sock, &local); /* the listener's may stand for every address */
	const struct env_facts facts = {
		.local = &local,
		.remote = r->conn->peer,
		.local_host = names->local,
		.remote_host = names->remote,
		.has_creds = local.sa.sa_family == AF_UNIX && sock_creds(sock, &creds),
		.uid = creds.uid,
		.gid = creds.gid,
		.pid = creds.pid,
	};
	return program_start(
		&(struct program_spec){
			.path = x->command.path,
			.argv = x->command.words.v,
			.envp = env_of(&x->env, &facts),
			.directory = x->conf->directory,
			.in_out = sock,
			.err = err,
			.limits = x->limits,
			.n_limits = x->n_limits,
		},
		&r->program, reason);
}

static int watch(struct run *r)
{
	struct loop *loop = worker_loop(r->conn->worker);

	r->exit_io.fd = r->program.pidfd;
	r->err_io.fd = r->err;
	int err = loop_add(loop, &r->exit_io, EPOLLIN);
	return err < 0 ? err : loop_add(loop, &r->err_io, EPOLLIN);
}

/* 0, or negative with @reason. */
static int run(struct run *r, const struct lookup_names *names, struct reason *reason)
{
	AUTO_CLOSE int err = -1;
	int sock, code = conn_lend(r->conn, &sock);

	if (code == -EBUSY)
		return reason_set(reason, "bytes were read that the program should read");
	if (code == 0)
		code = pipe_open_output(&r->err, &err);
	if (code < 0) {
		errno = -code;
		return reason_errno(reason, "cannot prepare the connection");
	}
	sock_keep_asking(sock, ASK_AFTER_S);
	code = start_program(r, sock, names, err, reason);
	if (code < 0)
		return code;
	code = watch(r);
	if (code < 0) {
		errno = -code;
		return reason_errno(reason, "cannot watch the program");
	}
	return 0;
}

static enum conn_want begin(struct run *r, const struct lookup_names *names)
{
	const struct exec *x = worker_state(r->conn->worker);
	struct reason reason;

	r->state = RUNNING;
	r->begun_ns = worker_now_ns(r->conn->worker);
	if (run(r, names, &reason) < 0) {
		log_error(
			log_of(r), "program-failed", reason.text, KV("conn", r->conn->id));
		return CONN_CLOSE;
	}
	log_debug(log_of(r), "program-began", "program has the connection", RUN_KVS(r));
	r->until_ns = x->conf->timeout_ns ? r->begun_ns + x->conf->timeout_ns : 0;
	conn_timer(r->conn, r->until_ns);
	conn_linger(r->conn, LINGER_NS, LINGER_BYTES);
	return CONN_WAIT;
}

static void on_lookup(struct loop_io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, lookup_io);

	(void)events;
	conn_follow(r->conn, timer(r->conn));
}

static enum conn_want open_run(struct conn *c)
{
	const struct exec *x = worker_state(c->worker);
	struct loop *loop = worker_loop(c->worker);
	struct run *r = c->data;

	*r = (struct run){
		.conn = c,
		.lookup = LOOKUP_NONE,
		.lookup_io.on = on_lookup,
		.program = PROGRAM_NONE,
		.exit_io.on = on_ended,
		.err_io.on = on_err,
		.err = -1,
	};
	if (x->conf->resolve && c->peer->sa.sa_family != AF_UNIX
		&& lookup_start(c->peer, c->local, &r->lookup) == 0) {
		r->lookup_io.fd = r->lookup.fd;
		conn_timer(c, worker_now_ns(c->worker) + LOOKUP_NS);
		if (loop_add(loop, &r->lookup_io, EPOLLIN) == 0)
			return CONN_WAIT;
	}
	return timer(c);
}

/* What a connection's socket has to say while its program's name is asked for can wait. */
static enum conn_want wait_on(struct conn *c)
{
	(void)c;
	return CONN_WAIT;
}

/* -- the worker -- */

static void stop(struct worker *worker)
{
	struct exec *x = worker_state(worker);

	command_fini(&x->command);
	env_fini(&x->env);
	free(x);
}

static void limit(struct exec *x, int resource, uint64_t soft, uint64_t hard)
{
	x->limits[x->n_limits++] = (struct program_limit){resource, soft, hard};
}

static void set_limits(struct exec *x)
{
	uint64_t cpu_s = (x->conf->cpu_ns + NS_PER_SEC - 1) / NS_PER_SEC;

	if (cpu_s)
		limit(x, RLIMIT_CPU, cpu_s, cpu_s + 1); /* XCPU, then KILL */
	if (x->conf->memory)
		limit(x, RLIMIT_AS, x->conf->memory, x->conf->memory);
	/* The soft one alone: ours is raised, and programs with select(2) must not find
	 * it so. */
	limit(x, RLIMIT_NOFILE, x->conf->files, RLIM_INFINITY);
	limit(x, RLIMIT_CORE, x->conf->core, x->conf->core);
}

static int start(struct worker *worker, struct reason *reason)
{
	struct exec *x = calloc(1, sizeof(*x));

	if (!x)
		return reason_set(reason, "out of memory");
	worker_set_state(worker, x);
	x->conf = worker_conf(worker);
	if (env_init(&x->env, environ) < 0)
		return reason_set(reason, "out of memory");
	set_limits(x);
	/* Again: as the user that this process has become. */
	return command_find(x->conf->command, &x->command, reason);
}

static int check(void *settings, const struct service_site *site, struct reason *reason)
{
	const struct exec_conf *conf = settings;
	struct command command;

	(void)site;
	int r = command_find(conf->command, &command, reason);
	if (r < 0)
		return r;
	command_fini(&command);
	if (!conf->directory)
		return 0;
	AUTO_CLOSE int dir =
		file_open(AT_FDCWD, conf->directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (dir < 0) {
		errno = -dir;
		return reason_errno(reason, "cannot begin in %s", conf->directory);
	}
	return 0;
}

static struct span refusal(enum refusal why)
{
	(void)why;
	return SPAN_NONE; /* what a program would have said nobody knows */
}

static const struct opt opts[] = {
	{"command", OPT_STRING(struct exec_conf, command), .arg = "COMMAND",
		.flags = OPT_REQUIRED, .help = "the program and its arguments"},
	{"directory", OPT_PATH(struct exec_conf, directory), .arg = "DIR",
		.help = "where the program begins"},
	{"resolve", OPT_BOOL(struct exec_conf, resolve), .deflt = "no",
		.help = "look the client's name up, for TCPREMOTEHOST"},
	{"timeout", OPT_DURATION(struct exec_conf, timeout_ns), .arg = "TIME", .deflt = "0",
		.help = "how long a program may run (0: as long as it likes)"},
	{"eof_timeout", OPT_DURATION(struct exec_conf, eof_timeout_ns), .arg = "TIME",
		.deflt = "0",
		.help = "how long after the client has sent its last (0: as long as it is there)"},
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
	.refusal = refusal,
	.start = start,
	.stop = stop,
	.open = open_run,
	.readable = wait_on,
	.writable = wait_on,
	.timer = timer,
	.hangup = hangup,
	.close = close_run,
};
