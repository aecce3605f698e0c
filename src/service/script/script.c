/* SPDX-License-Identifier: MIT */

#include "service/script/script.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/reason.h"
#include "base/util.h"
#include "base/words.h"
#include "conf/opt.h"
#include "core/service.h"
#include "core/worker.h"
#include "interp/launcher/args.h"
#include "interp/launcher/place.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/exec/run.h"
#include "service/script/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside src/app, where the program lies in a build. */
#define BUILT_LAUNCHER "../interp/prefork-interp"

struct script_conf {
	struct run_conf run;
	char *launcher;
	char *preload;
	char *run_directory;
};

/* The launcher of the tree that this program was built in and is run from, into @out as a
 * command has it. */
static bool find_built(struct buf *out)
{
	char path[PATH_MAX + sizeof(BUILT_LAUNCHER)];
	int n = file_read_link(AT_FDCWD, "/proc/self/exe", path, PATH_MAX);
	char *end = n < 0 ? NULL : strrchr(path, '/');

	if (!end)
		return false;
	memcpy(end + 1, BUILT_LAUNCHER, sizeof(BUILT_LAUNCHER));
	words_put(out, span_str(path));
	return access(path, X_OK) == 0;
}

static int find_launcher(
	const struct script_conf *conf, struct command *out, struct reason *reason)
{
	AUTO_BUF built = BUF_INIT(8 * PATH_MAX);

	if (conf->launcher)
		return command_find(conf->launcher, out, reason);
	const char *text = find_built(&built) ? buf_cstr(&built) : PREFORK_LAUNCHER;
	return text ? command_find(text, out, reason) : reason_set(reason, "out of memory");
}

/* Of a worker. */
struct script {
	struct runner runner;
	struct command launcher;
	char **cold;    /* owned: the launcher's command line */
	char *preload;  /* owned, as is the next: words of it */
	char ident[40]; /* of the server, in place.ident and for the launcher */
	struct place place;
	bool has_place; /* or there is no safe directory: all is cold */
	int hold;       /* owned: keeps the server (place_hold); -1: nothing does */
	int cwd;        /* owned: where scripts begin */
	struct warm_common common;
};

/* Of a connection. */
struct script_run {
	struct run run;
	struct warm warm;
	const struct script *script;
};

/* -- one connection -- */

/* By the launcher, which does whatever there is to be done. */
static int begin_cold(
	struct script_run *s, const struct program_spec *spec, struct reason *reason)
{
	struct program_spec cold = *spec;

	cold.path = s->script->launcher.path;
	cold.argv = s->script->cold;
	return run_program.begin(&s->run, &cold, reason);
}

static void go_cold(struct script_run *s, int why)
{
	const struct runner *x = &s->script->runner;
	struct reason reason;
	char **envp = warm_environment(&s->warm);
	const struct program_spec spec = {
		.envp = envp,
		.directory = x->conf->directory,
		.in_out = s->warm.fds[WARM_IN],
		.err = s->warm.fds[WARM_ERR],
		.limits = x->limits,
		.n_limits = x->n_limits,
	};

	log_debug(worker_log(s->run.conn->worker), "script-cold", wire_why_text(why),
		KV("conn", s->run.conn->id));
	int bad =
		envp ? begin_cold(s, &spec, &reason) : reason_set(&reason, "out of memory");
	free(envp);
	warm_fini(&s->warm);
	if (bad < 0)
		run_failed(&s->run, &reason);
}

/* waitid(2)'s word for what wait(2) said. */
static siginfo_t how_of(int status)
{
	siginfo_t how = {.si_signo = SIGCHLD};

	if (WIFEXITED(status)) {
		how.si_code = CLD_EXITED;
		how.si_status = WEXITSTATUS(status);
	} else {
		how.si_code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
		how.si_status = WTERMSIG(status);
	}
	return how;
}

static void on_over(struct warm *w, enum warm_end end, int value)
{
	struct script_run *s = container_of(w, struct script_run, warm);
	siginfo_t how = how_of(end == WARM_ENDED ? value : SIGKILL);

	if (end == WARM_COLD && s->run.state == RUN_RUNNING) {
		go_cold(s, value);
		return;
	}
	if (end == WARM_LOST)
		s->run.why = "its server has ended";
	run_ended(&s->run, &how);
}

static int begin(struct run *r, const struct program_spec *spec, struct reason *reason)
{
	struct script_run *s = container_of(r, struct script_run, run);
	const struct script *x = s->script;
	int server = x->has_place ? place_connect(&x->place, 'p') : -ENOENT;

	if (server < 0)
		return begin_cold(s, spec, reason);
	int bad = warm_start(&s->warm, worker_loop(r->conn->worker), server,
		&(struct warm_spec){
			.common = &x->common,
			.interp = spec->argv[0],
			.script = spec->argv[1],
			.args = spec->argv + 2,
			.envp = spec->envp,
			.cwd = x->cwd,
			.in_out = spec->in_out,
			.err = spec->err,
		});
	if (bad == 0)
		return 0;
	warm_fini(&s->warm);
	return begin_cold(s, spec, reason);
}

static bool signal_it(struct run *r, int sig)
{
	struct script_run *s = container_of(r, struct script_run, run);

	if (warm_signal(&s->warm, sig))
		return true;
	return run_program.signal(r, sig);
}

static void fini(struct run *r)
{
	warm_fini(&container_of(r, struct script_run, run)->warm);
	run_program.fini(r);
}

static const struct run_way warm_script = {begin, signal_it, fini, true};

static enum conn_want open_script(struct conn *c)
{
	struct script_run *s = c->data;

	s->warm = (struct warm){.over = on_over};
	s->script = container_of(
		(struct runner *)worker_state(c->worker), struct script, runner);
	return run_open(c);
}

/* -- the worker -- */

/* A name for the server that nobody shares who would have it otherwise. */
static void name_server(struct script *x, const struct script_conf *conf)
{
	uint64_t hash = HASH_START;
	const struct words *words = &x->runner.command.words;

	for (size_t i = 0; i < words->n; i++)
		hash = hash_byte(hash_span(hash, span_str(words->v[i])), 0);
	for (size_t i = 0; i < x->runner.env.n_base; i++)
		hash = hash_byte(hash_span(hash, span_str(x->runner.env.vector[i])), 0);
	if (conf->preload)
		hash = hash_span(hash, span_str(conf->preload));
	hash = hash_byte(hash, 0);
	/* Set-up has them too, and what it could not take back if they were raised. */
	hash = hash_span(hash, span_of((const char *)x->common.call.limits,
				       sizeof(x->common.call.limits)));
	if (conf->run.directory)
		hash = hash_span(hash, span_str(conf->run.directory));
	(void)snprintf(
		x->ident, sizeof(x->ident), "preforkd-%016llx", (unsigned long long)hash);
}

/* prefork-interp -g IDENT [--preload=WORD] -- INTERP SCRIPT ARG... */
static int make_cold(struct script *x, const struct script_conf *conf)
{
	const struct words *words = &x->runner.command.words;
	size_t n = 0;

	x->cold = calloc(words->n + 6, sizeof(*x->cold));
	if (!x->cold
		|| (conf->preload
			&& asprintf(&x->preload, "--preload=%s", conf->preload) < 0))
		return -ENOMEM;
	x->cold[n++] = x->launcher.words.v[0];
	x->cold[n++] = (char *)"-g"; /* exec takes it as it is */
	x->cold[n++] = x->ident;
	if (conf->preload)
		x->cold[n++] = x->preload;
	x->cold[n++] = (char *)"--";
	memcpy(x->cold + n, words->v, words->n * sizeof(*words->v));
	return 0;
}

static int check_words(const struct words *words, struct reason *reason)
{
	if (words->n >= 2 && words->v[1][0] != '-')
		return 0;
	return reason_set(reason,
		"command: wanted are an interpreter and a script, then its arguments");
}

/* Where its server is, or would be. Without such a place there is none, and the launcher
 * says why. */
static void find_place(struct script *x, struct log *log)
{
	const struct args named = {.ident = x->ident};
	struct reason reason;

	x->has_place = place_find(false, geteuid(), &x->place, &reason) == 0
		       && place_identify(&x->place, &named, &reason) == 0;
	if (!x->has_place)
		return;
	x->hold = place_hold(&x->place, true);
	if (x->hold < 0)
		log_warn(log, "script-not-held",
			"nothing ends the script's server when this service ends",
			KV("error", strerror(-x->hold)));
}

static int prepare(struct script *x, const struct script_conf *conf, struct reason *reason)
{
	if (conf->run_directory && setenv("PREFORK_RUN_DIR", conf->run_directory, 1) < 0)
		return reason_set(reason, "out of memory");
	int bad = runner_init(&x->runner, &warm_script, &conf->run, reason);
	if (!bad)
		bad = find_launcher(conf, &x->launcher, reason);
	if (bad)
		return bad;
	bad = warm_note(&x->common, x->runner.limits, x->runner.n_limits);
	errno = -bad;
	if (bad)
		return reason_errno(reason, "cannot note what this process is");
	name_server(x, conf);
	if (make_cold(x, conf) < 0)
		return reason_set(reason, "out of memory");
	const char *dir = conf->run.directory ? conf->run.directory : ".";
	x->cwd = file_open(AT_FDCWD, dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	errno = x->cwd < 0 ? -x->cwd : 0;
	if (x->cwd < 0)
		return reason_errno(reason, "cannot begin in %s", dir);
	return 0;
}

static int start(struct worker *worker, struct reason *reason)
{
	struct script *x = calloc(1, sizeof(*x));

	if (!x)
		return reason_set(reason, "out of memory");
	x->cwd = x->hold = -1;
	worker_set_state(worker, &x->runner);
	int bad = prepare(x, worker_conf(worker), reason);
	if (!bad)
		find_place(x, worker_log(worker));
	return bad;
}

static void stop(struct worker *worker)
{
	struct script *x =
		container_of((struct runner *)worker_state(worker), struct script, runner);

	runner_fini(&x->runner);
	command_fini(&x->launcher);
	free(x->cold);
	free(x->preload);
	fd_close(&x->hold);
	fd_close(&x->cwd);
	free(x);
}

static int check(void *settings, const struct service_site *site, struct reason *reason)
{
	const struct script_conf *conf = settings;
	struct command command;

	*site->at_fault = "launcher";
	int bad = find_launcher(conf, &command, reason);
	if (bad)
		return bad;
	command_fini(&command);
	*site->at_fault = "command";
	bad = command_find(conf->run.command, &command, reason);
	if (bad)
		return bad;
	bad = check_words(&command.words, reason);
	command_fini(&command);
	return bad ? bad : run_check(&conf->run, site, reason);
}

static const struct opt opts[] = {
	RUN_OPTS(struct script_conf, run),
	{"preload", OPT_STRING(struct script_conf, preload), .arg = "WORD",
		.help = "for a script that does not say when it is loaded: auto"},
	{"launcher", OPT_PATH(struct script_conf, launcher), .arg = "FILE",
		.help = "prefork-interp, which starts the script's server"},
	{"run_directory", OPT_PATH(struct script_conf, run_directory), .arg = "DIR",
		.help = "for the server's sockets: of the service's user, mode 0700"},
};

const struct service_ops script_service = {
	.name = "script",
	.summary = "passes each connection to a script that is loaded already",
	.scheme = "tcp",
	.opts = opts,
	.n_opts = ARRAY_LEN(opts),
	.conf_bytes = sizeof(struct script_conf),
	.argument = "command",
	.argument_is_command = true,
	.connections = 16,
	.conn_bytes = sizeof(struct script_run),
	.input_bytes = 1,
	.check = check,
	.refusal = run_refusal,
	.start = start,
	.stop = stop,
	.open = open_script,
	.readable = run_wait,
	.writable = run_wait,
	.timer = run_timer,
	.hangup = run_hangup,
	.close = run_close,
};
