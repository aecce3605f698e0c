/* SPDX-License-Identifier: MIT */

#include "service/exec/run.h"

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

static const struct run_way *way_of(const struct run *r)
{
	const struct runner *x = worker_state(r->conn->worker);

	return x->way;
}

static struct log *log_of(const struct run *r)
{
	return worker_log(r->conn->worker);
}

/* What the log says of @r: of a warm script only its server knows the process. */
#define RUN_KVS(r)                                                           \
	KV("conn", (r)->conn->id), KV((r)->program.pid > 0 ? "pid" : "warm", \
					   (r)->program.pid > 0 ? (r)->program.pid : 1)

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
	enum log_level level = fine ? LOG_DEBUG : LOG_INFO;
	char text[PROC_HOW_MAX];

	if (!log_wants(log_of(r), level))
		return;
	proc_how(how, text);
	log_event(log_of(r), level, "program-ended",
		LOG_SAY("program %s%s%s", text, r->why ? ": " : "", r->why ? r->why : ""),
		RUN_KVS(r),
		KV("ran_ms", (worker_now_ns(r->conn->worker) - r->begun_ns) / NS_PER_MS));
}

/* Tells all of it to end, and sees to it when the grace has passed. */
static void begin_to_end(struct run *r, const char *why)
{
	r->state = RUN_ENDING;
	r->why = why;
	(void)way_of(r)->signal(r, SIGTERM);
	r->until_ns = worker_now_ns(r->conn->worker) + GRACE_NS;
	conn_timer(r->conn, r->until_ns);
}

/* The program has exited and others may be there still, whose end nobody tells us. */
static enum conn_want look_who_is_left(struct run *r)
{
	uint64_t now_ns = worker_now_ns(r->conn->worker);

	if (now_ns >= r->until_ns || !way_of(r)->signal(r, 0)) {
		way_of(r)->fini(r);
		return CONN_CLOSE;
	}
	r->state = RUN_LEFT;
	conn_timer(r->conn, MIN(r->until_ns, now_ns + LOOK_NS));
	return CONN_WAIT;
}

enum conn_want run_hangup(struct conn *c, bool gone)
{
	const struct runner *x = worker_state(c->worker);
	struct run *r = c->data;

	if (r->state != RUN_RUNNING)
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

void run_ended(struct run *r, const siginfo_t *how)
{
	worker_progress(r->conn->worker);
	if (r->err >= 0)
		on_err(&r->err_io, EPOLLIN); /* its last words came before its end */
	say_end(r, how);
	/* When it is made to end, those it has started have the same grace. */
	if (r->state != RUN_ENDING)
		r->until_ns = 0;
	conn_follow(r->conn, look_who_is_left(r));
}

static void say_failure(const struct run *r, const struct reason *why)
{
	log_error(log_of(r), "program-failed", why->text, KV("conn", r->conn->id));
}

void run_failed(struct run *r, const struct reason *why)
{
	say_failure(r, why);
	conn_follow(r->conn, CONN_CLOSE);
}

/* -- a program of ours -- */

static void on_exit_of(struct loop_io *io, uint32_t events)
{
	struct run *r = container_of(io, struct run, exit_io);
	siginfo_t how;

	(void)events;
	if (program_reap(&r->program, &how) < 0)
		return;
	loop_remove(worker_loop(r->conn->worker), io);
	run_ended(r, &how);
}

static int begin_program(
	struct run *r, const struct program_spec *spec, struct reason *reason)
{
	int bad = program_start(spec, &r->program, reason);
	if (bad < 0)
		return bad;
	r->exit_io = (struct loop_io){.on = on_exit_of, .fd = r->program.pidfd};
	bad = loop_add(worker_loop(r->conn->worker), &r->exit_io, EPOLLIN);
	errno = -bad;
	return bad < 0 ? reason_errno(reason, "cannot watch the program") : 0;
}

static bool signal_program(struct run *r, int sig)
{
	return program_signal(&r->program, sig);
}

static void fini_program(struct run *r)
{
	loop_remove(worker_loop(r->conn->worker), &r->exit_io);
	program_fini(&r->program);
}

const struct run_way run_program = {begin_program, signal_program, fini_program, false};

/* -- the beginning -- */

static enum conn_want begin(struct run *r, const struct lookup_names *names);

enum conn_want run_timer(struct conn *c)
{
	struct run *r = c->data;

	switch (r->state) {
	case RUN_ASKING: {
		struct lookup_names names;

		loop_remove(worker_loop(c->worker), &r->lookup_io);
		lookup_end(&r->lookup, &names);
		return begin(r, &names);
	}
	case RUN_RUNNING: begin_to_end(r, "its time was up"); return CONN_WAIT;
	case RUN_ENDING: (void)way_of(r)->signal(r, SIGKILL); return CONN_WAIT;
	case RUN_LEFT: break;
	}
	return look_who_is_left(r);
}

void run_close(struct conn *c)
{
	struct loop *loop = worker_loop(c->worker);
	struct run *r = c->data;
	struct lookup_names none;

	loop_remove(loop, &r->lookup_io);
	lookup_end(&r->lookup, &none);
	way_of(r)->fini(r);
	stop_hearing(r);
}

static int begin_with(struct run *r, int sock, const struct lookup_names *names, int err,
	struct reason *reason)
{
	const struct conn *c = r->conn;
	struct runner *x = worker_state(c->worker);
	struct sock_creds creds = {0};
	struct addr local;

	if (c->proxied)
		local = *c->local;
	else
		sock_local(sock, &local); /* the listener's may stand for every address */
	const struct env_facts facts = {
		.local = &local,
		.remote = c->peer,
		.local_host = names->local,
		.remote_host = names->remote,
		.has_creds = local.sa.sa_family == AF_UNIX && !c->proxied
			     && sock_creds(sock, &creds),
		.uid = creds.uid,
		.gid = creds.gid,
		.pid = creds.pid,
	};
	return x->way->begin(r,
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
		reason);
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
	if (code == 0) {
		r->err_io.fd = r->err;
		code = loop_add(worker_loop(r->conn->worker), &r->err_io, EPOLLIN);
	}
	if (code < 0) {
		errno = -code;
		return reason_errno(reason, "cannot prepare the connection");
	}
	sock_keep_asking(sock, ASK_AFTER_S);
	return begin_with(r, sock, names, err, reason);
}

static enum conn_want begin(struct run *r, const struct lookup_names *names)
{
	const struct runner *x = worker_state(r->conn->worker);
	struct reason reason;

	r->state = RUN_RUNNING;
	r->begun_ns = worker_now_ns(r->conn->worker);
	if (run(r, names, &reason) < 0) {
		say_failure(r, &reason);
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
	conn_follow(r->conn, run_timer(r->conn));
}

enum conn_want run_open(struct conn *c)
{
	const struct runner *x = worker_state(c->worker);
	struct loop *loop = worker_loop(c->worker);
	struct run *r = c->data;

	*r = (struct run){
		.conn = c,
		.lookup = LOOKUP_NONE,
		.lookup_io.on = on_lookup,
		.program = PROGRAM_NONE,
		.exit_io.fd = -1,
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
	return run_timer(c);
}

/* What a connection's socket has to say while its program's name is asked for can wait. */
enum conn_want run_wait(struct conn *c)
{
	(void)c;
	return CONN_WAIT;
}

struct span run_refusal(enum refusal why)
{
	(void)why;
	return SPAN_NONE; /* what a program would have said nobody knows */
}

/* -- the worker -- */

static void limit(struct runner *x, int resource, uint64_t soft, uint64_t hard)
{
	x->limits[x->n_limits++] = (struct program_limit){resource, soft, hard};
}

static void set_limits(struct runner *x)
{
	const struct run_conf *conf = x->conf;
	uint64_t cpu_s = (conf->cpu_ns + NS_PER_SEC - 1) / NS_PER_SEC;

	if (cpu_s) /* XCPU, then KILL */
		limit(x, RLIMIT_CPU, cpu_s, x->way->outlives ? RLIM_INFINITY : cpu_s + 1);
	if (conf->memory)
		limit(x, RLIMIT_AS, conf->memory, conf->memory);
	/* The soft one alone: ours is raised, and programs with select(2) must not find
	 * it so. */
	limit(x, RLIMIT_NOFILE, conf->files, RLIM_INFINITY);
	limit(x, RLIMIT_CORE, conf->core, conf->core);
}

int runner_init(struct runner *x, const struct run_way *way, const struct run_conf *conf,
	struct reason *reason)
{
	x->way = way;
	x->conf = conf;
	set_limits(x);
	if (env_init(&x->env, environ) < 0)
		return reason_set(reason, "out of memory");
	/* Again: as the user that this process has become. */
	return command_find(conf->command, &x->command, reason);
}

void runner_fini(struct runner *x)
{
	command_fini(&x->command);
	env_fini(&x->env);
}

int run_check(
	const struct run_conf *conf, const struct service_site *site, struct reason *reason)
{
	struct command command;

	*site->at_fault = "command";
	int r = command_find(conf->command, &command, reason);
	if (r < 0)
		return r;
	command_fini(&command);
	*site->at_fault = "directory";
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
