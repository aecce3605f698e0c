/* SPDX-License-Identifier: MIT */

/* preforkd - the server: its command line, and the way from there to server_run. */

#include "app/cmd_passwd.h"
#include "app/cmd_scrub.h"
#include "app/cmd_trash.h"
#include "app/control_path.h"
#include "app/plan.h"
#include "app/plan_check.h"
#include "app/registry.h"
#include "base/reason.h"
#include "core/exit.h"
#include "core/model.h"
#include "core/server_sup.h"
#include "core/service.h"
#include "core/upgrade_wire.h"
#include "log/log.h"
#include "os/activate.h"
#include "os/chan.h"
#include "os/daemon.h"
#include "os/file.h"
#include "os/notify.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ARGV_MAX = 256 }; /* words that describe a service on the command line */

/* What stands before or instead of a service's name. */
struct options {
	char **argv; /* all of it, for an upgrade */
	const char *config;
	bool check;  /* -t */
	bool print;  /* -T */
	bool daemon; /* -d */
};

static void complain(const char *sentence)
{
	(void)fprintf(stderr, "preforkd: %s\n", sentence);
}

static int usage_error(const char *sentence)
{
	complain(sentence);
	(void)fprintf(stderr, "preforkd: \"preforkd --help\" says more\n");
	return EXIT_USAGE;
}

static bool is(const char *word, const char *short_form, const char *long_form)
{
	return strcmp(word, short_form) == 0 || strcmp(word, long_form) == 0;
}

/* @option stands before a service's name, and is none of ours or lacks its value. */
static int bad_option(const char *option)
{
	if (is(option, "-c", "--config"))
		return usage_error("-c needs a file, as in: preforkd -c preforkd.conf");
	(void)fprintf(stderr,
		"preforkd: %s: no such option here; a service's own come after its name\n",
		option);
	(void)fprintf(stderr, "preforkd: \"preforkd --help\" says more\n");
	return EXIT_USAGE;
}

static int help(void)
{
	(void)printf(
		"Processes made before they are needed, for a folder on the network and more.\n"
		"\n"
		"usage: preforkd drive [OPTIONS] FOLDER     serve a folder over HTTP and WebDAV\n"
		"       preforkd SERVICE [OPTIONS] [...]    run one service\n"
		"       preforkd SERVICE --help             its options\n"
		"       preforkd -c FILE [-t | -T]          run what a file says\n"
		"                                           (-t: check it; -T: print it in full)\n"
		"       preforkd -d ...                     go on in the background when all serves\n"
		"       preforkd passwd FILE NAME           set a password for --users FILE\n"
		"       preforkd scrub FOLDER               read all files again, compare digests\n"
		"       preforkd trash list FOLDER          what was deleted or replaced there\n"
		"       preforkd --version | --help\n"
		"\n"
		"Try: preforkd drive ~/Public      then open http://127.0.0.1:8080/\n"
		"\n"
		"Services:\n");
	const struct service_ops *service;
	for (size_t i = 0; (service = registry_service_at(i)); i++)
		(void)printf("  %-10s %s\n", service->name, service->summary);
	(void)printf("\nModels (--model):\n");
	const struct model_ops *model;
	for (size_t i = 0; (model = registry_model_at(i)); i++)
		(void)printf("  %-10s %s\n", model->name, model->summary);
	(void)printf("\nManual: preforkd(8), preforkd.conf(5)\n");
	return EXIT_DONE;
}

static int service_help(const char *name)
{
	const struct service_ops *service = registry_service(name);
	AUTO_BUF text = BUF_INIT(64 * KIB);

	(void)printf(
		"%s: %s\n\nusage: preforkd %s [OPTIONS]", name, service->summary, name);
	if (service->argument)
		(void)printf(" %s%s\n\n", service->argument_is_command ? "[--] " : "",
			plan_operand(service));
	else
		(void)printf(" [HOST [PORT [WORKERS]]]\n\n");
	plan_help(name, &text);
	(void)fwrite(text.p, 1, text.n, stdout);
	return EXIT_DONE;
}

/* Whether the words from a service's name on ask for its options. What follows a program's
 * name is that program's. */
static bool asks_for_help(char **words)
{
	const struct service_ops *service = registry_service(words[0]);

	if (!service)
		return false;
	for (size_t i = 1; words[i] && strcmp(words[i], "--") != 0; i++) {
		if (is(words[i], "-h", "--help"))
			return true;
		if (service->argument_is_command)
			return false;
	}
	return false;
}

/* What was asked for, to be read again on a reload. */
struct program {
	const struct options *options;
	char **argv; /* from the service's name on, where no file says what to run */
	struct log log;
	char log_file[PATH_MAX]; /* where that goes; empty for standard error */
	struct daemon daemon;
	struct reason no_control; /* why preforkctl will not find it; empty if it will */
};

/* Prints where a service can be reached: the promise that it can be, now. */
static void say_address(void *arg, const struct crew *crew)
{
	const struct program *program = arg;
	int out = program->daemon.out >= 0 ? program->daemon.out : STDOUT_FILENO;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < crew->n_addresses; i++) {
		bool is_unix = crew->listeners[i].addr.sa.sa_family == AF_UNIX;

		addr_text(&crew->listeners[i].addr, text);
		if (is_unix)
			(void)dprintf(out, "preforkd: %s: %s\n", crew->spec->name, text);
		else
			(void)dprintf(out, "preforkd: %s: %s://%s/\n", crew->spec->name,
				crew->spec->service->scheme, text);
	}
}

/* Who waits at the terminal has seen what there was to see; a file is told when it was. */
static void up(void *arg)
{
	struct program *program = arg;

	if (program->log_file[0])
		log_info(&program->log, "serving", "preforkd " PREFORK_VERSION " serves",
			KV("pid", getpid()));
	if (program->no_control.text[0])
		log_info(&program->log, "no-control",
			LOG_SAY("preforkctl will not find this server: %.400s",
				program->no_control.text));
	program->log.also_fd = 0;
	daemon_is_up(&program->daemon);
}

static int open_log(
	struct log *log, const struct plan_global *global, struct reason *reason)
{
	log_as(log, "sup", -1);
	log->level = (enum log_level)global->log_level;
	return global->log_file ? log_to_file(log, global->log_file, reason)
				: log_to_stderr(log, reason);
}

/* A plan, and the log it asks for, opened before anything depends on it. */
struct prepared {
	struct plan plan;
	struct log log; /* LOG_NONE: the log that is in use is the plan's too */
};

static struct prepared *new_prepared(struct reason *reason)
{
	struct prepared *p = malloc(sizeof(*p));

	if (!p) {
		(void)reason_set(reason, "out of memory");
		return NULL;
	}
	plan_init(&p->plan);
	p->log = LOG_NONE;
	return p;
}

static void free_prepared(struct prepared *p)
{
	plan_fini(&p->plan);
	log_fini(&p->log);
	free(p);
}

static void forget(void *arg, const struct server_plan *plan)
{
	(void)arg;
	free_prepared(plan->own);
}

/* Reads what the options say into the empty @plan: 0; or negative with @reason. */
static int read_plan(const struct options *o, char *const *argv, struct plan *plan,
	struct reason *reason)
{
	char *words[ARGV_MAX + 1] = {NULL};

	if (o->config)
		return plan_file(plan, o->config, reason);
	/* A copy, because reading puts the words into another order. */
	for (int i = 0; argv[i]; i++) {
		if (i == ARGV_MAX)
			return reason_set(reason, "more than %d words", ARGV_MAX);
		words[i] = argv[i];
	}
	return plan_args(plan, words, reason);
}

static struct server_plan for_server(struct prepared *p)
{
	return (struct server_plan){
		.specs = p->plan.specs, .n_specs = p->plan.n_services, .own = p};
}

static bool is_in_use(const struct program *program, const struct plan_global *global)
{
	return strcmp(program->log_file, global->log_file ? global->log_file : "") == 0;
}

static int load(void *arg, struct server_plan *out, struct reason *reason)
{
	const struct program *program = arg;
	struct prepared *p = new_prepared(reason);

	if (!p)
		return -ENOMEM;
	int r = read_plan(program->options, program->argv, &p->plan, reason);
	if (r == 0 && !is_in_use(program, &p->plan.global))
		r = open_log(&p->log, &p->plan.global, reason);
	*out = for_server(p);
	if (r < 0)
		free_prepared(p);
	return r;
}

static int vary(void *arg, const struct server_plan *old, const char *service,
	const char *name, struct span value, struct server_plan *out, struct reason *reason)
{
	const struct prepared *now = old->own;
	struct prepared *p = new_prepared(reason);

	(void)arg;
	if (!p)
		return -ENOMEM;
	int r = plan_vary(&now->plan, service, name, value, &p->plan, reason);
	*out = for_server(p);
	if (r < 0)
		free_prepared(p);
	return r;
}

static void use_log(struct program *program, const char *file)
{
	(void)snprintf(
		program->log_file, sizeof(program->log_file), "%s", file ? file : "");
}

/* The log goes on, where and as the plan says. */
static bool begun(void *arg, const struct server_plan *now)
{
	struct program *program = arg;
	struct prepared *p = now->own;
	enum log_level level = (enum log_level)p->plan.global.log_level;
	bool moves = p->log.fd >= 0, changes = moves || program->log.level != level;

	program->log.level = level;
	if (moves) {
		log_join(&program->log, &p->log);
		use_log(program, p->plan.global.log_file);
	}
	return changes;
}

static bool reopen(void *arg)
{
	struct program *program = arg;
	struct reason reason;

	if (!program->log_file[0])
		return false;
	if (log_to_file(&program->log, program->log_file, &reason) == 0)
		return true;
	log_error(&program->log, "reopen-failed",
		LOG_SAY("%.200s; the old one goes on", reason.text));
	return false;
}

/* Where this program lies: what is there at the time of an upgrade will take over. */
static const char *own_path(char out[PATH_MAX])
{
	return file_read_link(AT_FDCWD, "/proc/self/exe", out, PATH_MAX) == 0 ? out : NULL;
}

/* The channel to the server that this one is to take over from; -1 for none. */
static int upgrade_channel(void)
{
	const char *said = getenv(UPGRADE_ENV);
	bool upgrade = said && strcmp(said, "3") == 0 && chan_is_one(UPGRADE_FD);

	(void)unsetenv(UPGRADE_ENV);
	return upgrade ? UPGRADE_FD : -1;
}

/* A name for this server: of its configuration file, or of the one service. */
static void name_server(const struct options *o, const struct plan *plan, char out[64])
{
	const char *name = o->config ? o->config : plan->services[0]->name;
	const char *slash = strrchr(name, '/');
	size_t n;

	name = slash ? slash + 1 : name;
	const char *dot = strrchr(name, '.');
	n = dot && dot > name ? (size_t)(dot - name) : strlen(name);
	(void)snprintf(out, 64, "%.*s", (int)MIN(n, 63), name);
}

/* Where preforkctl is to find the server: that is its socket, or a link to it. */
struct places {
	char control[CONTROL_PATH_MAX];
	char link[CONTROL_PATH_MAX];
};

/* Where the settings put the socket; NULL for where all are. */
static const char *elsewhere(const struct plan_global *global, struct places *places)
{
	if (global->control)
		return global->control;
	if (global->pidfile && control_path_beside(global->pidfile, places->control))
		return places->control;
	return NULL;
}

/* Says in @served where preforkctl is to find it. Nowhere is what the log tells. */
static void choose_control(struct program *program, const struct plan *plan,
	struct server_program *served, struct places *places)
{
	struct reason reason;
	char name[64];

	name_server(program->options, plan, name);
	served->control = elsewhere(&plan->global, places);
	if (served->upgrade_fd >= 0) { /* its socket comes along */
		if (served->control
			&& control_path_kept(name, served->control, places->link))
			served->control_link = places->link;
		return;
	}
	if (served->control) {
		if (control_path_new(name, places->link, &reason) == 0)
			served->control_link = places->link;
	} else if (control_path_new(name, places->control, &reason) == 0) {
		served->control = places->control;
	} else {
		(void)reason_set(&program->no_control, "%.400s; a pidfile gives it one",
			reason.text);
	}
}

/* The sockets that were opened for this program, into @out for stock_close. */
static int take_passed(struct stock *out, struct reason *reason)
{
	struct activated all[ACTIVATE_MAX];
	int n = activate_take(all, reason);

	for (int i = 0; i < n; i++) {
		struct stock_item item = {
			.service = strdup(all[i].name), .fd = all[i].fd, .foreign = true};

		sock_local(item.fd, &item.bound);
		item.asked = item.bound;
		if (!item.service || stock_add(out, &item) < 0)
			return reason_set(reason, "out of memory");
	}
	return MIN(n, 0);
}

/* In the background, from here on, if that was asked for; errors still reach the terminal. */
static int leave(struct program *program, const struct plan *plan, bool taking_over,
	struct reason *reason)
{
	if (!program->options->daemon || taking_over)
		return 0;
	if (!plan->global.log_file)
		return reason_set(reason,
			"-d needs a file for the log: log_file in [preforkd], or --log-file FILE");
	int r = daemon_begin(&program->daemon, reason);
	program->log.also_fd = r < 0 ? 0 : program->daemon.err;
	return r;
}

/* Everything that comes before there is a server. 0, or negative with @reason. */
static int prepare(struct program *program, const struct plan *plan,
	struct server_program *served, struct places *places, struct reason *reason)
{
	bool taking_over = served->upgrade_fd >= 0;

	use_log(program, plan->global.log_file);
	int r = take_passed(served->passed, reason);
	if (r == 0)
		r = open_log(&program->log, &plan->global, reason);
	if (r == 0)
		r = leave(program, plan, taking_over, reason);
	if (r == 0)
		choose_control(program, plan, served, places);
	return r;
}

static void say_why(const struct program *program, const char *sentence)
{
	if (program->daemon.err >= 0)
		(void)dprintf(program->daemon.err, "preforkd: %s\n", sentence);
	else
		complain(sentence);
}

/* Takes @prepared. */
static int run(const struct options *o, char **argv, struct prepared *prepared)
{
	const struct plan *plan = &prepared->plan;
	char path[PATH_MAX];
	struct places places;
	struct stock passed = {0};
	struct notify notify;
	struct program program = {
		.options = o, .argv = argv, .log = LOG_NONE, .daemon = DAEMON_NONE};
	struct server_program served = {
		.path = own_path(path),
		.argv = o->argv,
		.upgrade_fd = upgrade_channel(),
		.pidfile = plan->global.pidfile,
		.passed = &passed,
		.notify = &notify,
		.load = load,
		.vary = vary,
		.forget = forget,
		.begun = begun,
		.reopen = reopen,
		.ready = say_address,
		.up = up,
		.arg = &program,
	};
	const struct server_plan first = for_server(prepared);
	struct reason reason = {0};
	int status = EXIT_FAILED;

	notify_take(&notify);
	if (prepare(&program, plan, &served, &places, &reason) == 0) {
		status = server_run(&first, &program.log, &served, &reason);
	} else {
		forget(&program, &first);
		takeover_refuse(served.upgrade_fd, reason.text);
	}
	if (reason.text[0])
		say_why(&program, reason.text);
	stock_close(&passed);
	daemon_fini(&program.daemon);
	log_fini(&program.log);
	notify_fini(&notify);
	return status;
}

static int print(const struct plan *plan)
{
	AUTO_BUF text = BUF_INIT(4 * MIB);

	plan_print(plan, &text);
	(void)fwrite(text.p, 1, text.n, stdout);
	return EXIT_DONE;
}

/* Whether a plan that was read could be run. Of a file that was seen while it was read. */
static int check(const struct options *o, struct plan *plan)
{
	const char *at_fault;
	struct reason reason;

	if (!o->config
		&& (plan_check_service(plan, &at_fault, &reason) < 0
			|| plan_check_files(plan, &at_fault, &reason) < 0)) {
		complain(reason.text);
		return EXIT_CONFIG;
	}
	(void)printf("preforkd: %s is fine\n", o->config ? o->config : "the command line");
	return EXIT_DONE;
}

/* @argv begins with the service's name, unless a file says what to run. */
static int carry_out(const struct options *o, char **argv)
{
	struct reason reason;
	struct prepared *prepared = new_prepared(&reason);
	int status;

	if (!prepared) {
		complain(reason.text);
		return EXIT_FAILED;
	}
	if (read_plan(o, argv, &prepared->plan, &reason) < 0) {
		complain(reason.text);
		takeover_refuse(upgrade_channel(), reason.text);
		status = o->config ? EXIT_CONFIG : EXIT_USAGE;
	} else if (o->print) {
		status = print(&prepared->plan);
	} else if (o->check) {
		status = check(o, &prepared->plan);
	} else {
		return run(o, argv, prepared);
	}
	free_prepared(prepared);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {.argv = argv};
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (is(argv[i], "-h", "--help"))
			return help();
		if (is(argv[i], "-V", "--version"))
			return printf("preforkd %s\n", PREFORK_VERSION) > 0 ? EXIT_DONE
									    : EXIT_FAILED;
		if (is(argv[i], "-c", "--config") && i + 1 < argc)
			o.config = argv[++i];
		else if (is(argv[i], "-t", "--check"))
			o.check = true;
		else if (is(argv[i], "-T", "--print"))
			o.print = true;
		else if (is(argv[i], "-d", "--daemon"))
			o.daemon = true;
		else
			return bad_option(argv[i]);
	}
	if (i < argc && strcmp(argv[i], "passwd") == 0)
		return passwd_main(argc - i, argv + i);
	if (i < argc && strcmp(argv[i], "scrub") == 0)
		return scrub_main(argc - i, argv + i);
	if (i < argc && strcmp(argv[i], "trash") == 0)
		return trash_main(argc - i, argv + i);
	if (i < argc && asks_for_help(argv + i))
		return service_help(argv[i]);
	if (i == argc && !o.config)
		return usage_error(
			"nothing to run: name a service, as in: preforkd drive ~/Public");
	if (i < argc && o.config)
		return usage_error("give either a configuration file or a service");
	return carry_out(&o, argv + i);
}
