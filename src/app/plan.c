/* SPDX-License-Identifier: MIT */

#include "app/plan.h"

#include "app/plan_check.h"
#include "app/registry.h"
#include "base/reason.h"
#include "base/words.h"
#include "conf/args.h"
#include "conf/ini.h"
#include "core/model.h"
#include "core/service.h"
#include "os/fd.h"
#include "os/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT "8080"

static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

static const struct opt global_opts[] = {
	{"log_level", OPT_CHOICE(struct plan_global, log_level), .arg = "LEVEL",
		.deflt = "info", .choices = log_levels, .help = "how much the log says"},
	{"log_file", OPT_PATH(struct plan_global, log_file), .arg = "FILE",
		.help = "where the log goes (standard error if not given)"},
	{"control", OPT_PATH(struct plan_global, control), .arg = "FILE",
		.help = "the socket for preforkctl (beside the pidfile, or in /run/preforkd or XDG_RUNTIME_DIR, if not given)"},
	{"pidfile", OPT_PATH(struct plan_global, pidfile), .arg = "FILE",
		.help = "a file for the server's process number, locked while it runs"},
};

void plan_init(struct plan *plan)
{
	*plan = (struct plan){0};
	plan->global_group = OPT_GROUP("Program", global_opts, &plan->global);
}

static void service_free(struct plan_service *s)
{
	if (!s)
		return;
	opt_fini(&s->core_group);
	if (s->conf && s->own_group.n_opts)
		opt_fini(&s->own_group);
	free(s->addrs);
	free(s->conf);
	free(s->name);
	free(s);
}

void plan_fini(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_services; i++)
		service_free(plan->services[i]);
	free(plan->services);
	free(plan->specs);
	opt_fini(&plan->global_group);
	*plan = (struct plan){0};
}

static int find_service(
	const char *name, const struct service_ops **out, struct reason *reason)
{
	AUTO_BUF known = BUF_INIT(1000);

	*out = registry_service(name);
	if (*out)
		return 0;
	registry_list_services(&known);
	return reason_set(reason, "there is no service called \"%s\"; there are: %s", name,
		buf_cstr(&known));
}

static int find_model(const char *name, const struct model_ops **out, struct reason *reason)
{
	AUTO_BUF known = BUF_INIT(1000);

	*out = name ? registry_model(name) : NULL;
	if (*out)
		return 0;
	registry_list_models(&known);
	return reason_set(reason, "there is no model called \"%s\"; there are: %s",
		name ? name : "", buf_cstr(&known));
}

/* A service with the defaults of its two tables, and its place in the plan. */
static int add_service(struct plan *plan, const char *name, const struct service_ops *ops,
	struct plan_service **out, struct reason *reason)
{
	size_t n = plan->n_services + 1;
	struct plan_service **services =
		realloc(plan->services, n * sizeof(struct plan_service *));
	if (!services)
		return reason_set(reason, "out of memory");
	plan->services = services;

	struct spec *specs = realloc(plan->specs, n * sizeof(*specs));
	if (!specs)
		return reason_set(reason, "out of memory");
	plan->specs = specs;

	struct plan_service *s = calloc(1, sizeof(*s));
	if (!s)
		return reason_set(reason, "out of memory");
	plan->services[plan->n_services] = s;
	plan->specs[plan->n_services] = (struct spec){0};
	plan->n_services = n;

	s->core_group = (struct opt_group){
		.title = "Every service",
		.opts = settings_opts,
		.n_opts = settings_n_opts,
		.settings = &s->settings,
		.next = ops->n_opts ? &s->own_group : NULL,
	};
	s->own_group = (struct opt_group){
		.title = ops->name, .opts = ops->opts, .n_opts = ops->n_opts};
	s->name = strdup(name);
	s->conf = calloc(1, ops->conf_bytes ? ops->conf_bytes : 1);
	s->own_group.settings = s->conf;
	if (!s->name || !s->conf)
		return reason_set(reason, "out of memory");
	*out = s;
	return opt_defaults(&s->core_group, reason);
}

/* The settings are complete: resolves what is a name in them. */
static int finish_service(
	struct plan *plan, const struct service_ops *ops, struct reason *reason)
{
	struct plan_service *s = plan->services[plan->n_services - 1];
	struct spec *spec = &plan->specs[plan->n_services - 1];

	*spec = (struct spec){
		.name = s->name,
		.service = ops,
		.settings = &s->settings,
		.service_conf = s->conf,
	};
	return find_model(s->settings.model, &spec->model, reason);
}

static int set(
	struct plan_service *s, const char *name, const char *value, struct reason *reason)
{
	return opt_set(&s->core_group, span_str(name), span_str(value), reason);
}

/* "HOST PORT WORKERS", for a service that takes no argument of its own. */
static int set_positional(
	struct plan_service *s, char **words, int n, struct reason *reason)
{
	AUTO_BUF listen = BUF_INIT(400);
	const char *host = n > 0 ? words[0] : DEFAULT_HOST;
	const char *port = n > 1 ? words[1] : DEFAULT_PORT;

	if (n > 3)
		return reason_set(reason,
			"one argument too many: \"%s\" (HOST PORT WORKERS)", words[3]);
	buf_printf(&listen, strchr(host, ':') && host[0] != '[' ? "[%s]:%s" : "%s:%s", host,
		port);
	if (listen.failed)
		return reason_set(reason, "the address is too long: \"%.100s\"", host);

	int r = set(s, "listen", buf_cstr(&listen), reason);
	if (r == 0 && n > 2)
		r = set(s, "workers", words[2], reason);
	return r;
}

/* Another program's command line, as one value. */
static int set_command(struct plan_service *s, const struct service_ops *ops, char **words,
	int n, struct reason *reason)
{
	AUTO_BUF command = BUF_INIT(OPT_VALUE_MAX);

	for (int i = 0; i < n; i++)
		words_put(&command, span_str(words[i]));
	if (command.failed)
		return reason_set(reason, "the command of %s is too long", ops->name);
	return opt_set(&s->core_group, span_str(ops->argument), buf_span(&command), reason);
}

const char *plan_operand(const struct service_ops *ops)
{
	const struct opt_group own = {.opts = ops->opts, .n_opts = ops->n_opts};
	const struct opt *opt = opt_find(&own, span_str(ops->argument));

	assert(opt && "a service's argument is one of its own options");
	return opt->arg;
}

static int set_operands(struct plan_service *s, const struct service_ops *ops, char **words,
	int n, struct reason *reason)
{
	if (ops->argument && n > 1 && !ops->argument_is_command)
		return reason_set(reason,
			"one argument too many: \"%s\"; %s takes only the %s", words[1],
			ops->name, plan_operand(ops));
	if (ops->argument && n > 0) {
		int r = ops->argument_is_command ? set_command(s, ops, words, n, reason)
						 : set(s, ops->argument, words[0], reason);

		if (r < 0)
			return r;
	}
	if (!ops->argument && n > 0)
		return set_positional(s, words, n, reason);
	return s->settings.listens.n
		       ? 0
		       : set(s, "listen", DEFAULT_HOST ":" DEFAULT_PORT, reason);
}

int plan_args(struct plan *plan, char **argv, struct reason *reason)
{
	const struct service_ops *ops;
	struct plan_service *s;

	int r = find_service(argv[0], &ops, reason);
	if (r == 0)
		r = opt_defaults(&plan->global_group, reason);
	if (r == 0)
		r = add_service(plan, ops->name, ops, &s, reason);
	if (r == 0)
		r = set(s, "run", ops->name, reason);
	if (r < 0)
		return r;

	plan->global_group.next = &s->core_group;
	int n = args_parse(&plan->global_group, argv + 1,
		ops->argument_is_command ? ARGS_STOP : 0, reason);
	plan->global_group.next = NULL;
	if (n < 0)
		return n;
	r = set_operands(s, ops, argv + 1, n, reason);
	if (r == 0) {
		const struct opt *missing = opt_missing(&s->core_group);
		if (missing)
			r = reason_set(reason, "%s needs its %s; try: preforkd %s --help",
				ops->name, missing->arg, ops->name);
	}
	return r == 0 ? finish_service(plan, ops, reason) : r;
}

/* The sentence @why with the line that is to change: of the setting @at_fault, if one is. */
static int name_line(const struct ini *ini, const struct ini_section *section,
	const char *at_fault, struct reason *why, struct reason *reason)
{
	const struct ini_entry *entry = at_fault ? ini_find(section, at_fault) : NULL;

	if (entry && strcmp(at_fault, "command") != 0) /* which may hold all of that */
		ini_hint(entry, why);
	return reason_set(reason, "%s:%u: %.400s", ini->file,
		entry ? entry->line : section->line, why->text);
}

static bool has(const struct opt *opts, size_t n_opts, const char *name)
{
	return opt_find(
		&(struct opt_group){.opts = opts, .n_opts = n_opts}, span_str(name));
}

/* Whether the settings of a section that runs @ops (NULL: [preforkd]) are settings of another
 * kind of section: then the line says so. */
static int check_names(const struct ini *ini, const struct ini_section *section,
	const struct service_ops *ops, struct reason *reason)
{
	const struct service_ops *other;

	for (size_t i = 0; i < section->n_entries; i++) {
		const struct ini_entry *e = &section->entries[i];
		bool common = has(settings_opts, settings_n_opts, e->name);
		bool global = has(global_opts, ARRAY_LEN(global_opts), e->name);

		if (!ops && common && !global)
			return reason_set(reason, "%s:%u: %s stands under [service NAME]",
				ini->file, e->line, e->name);
		if (ops && global && !common)
			return reason_set(reason, "%s:%u: %s stands under [preforkd]",
				ini->file, e->line, e->name);
		if (!ops || common || has(ops->opts, ops->n_opts, e->name))
			continue;
		for (size_t j = 0; (other = registry_service_at(j)); j++) {
			if (has(other->opts, other->n_opts, e->name))
				return reason_set(reason,
					"%s:%u: %s is a setting of %s, and this section runs %s",
					ini->file, e->line, e->name, other->name,
					ops->name);
		}
	}
	return 0;
}

static int read_section(struct plan *plan, const struct ini *ini,
	const struct ini_section *section, struct reason *reason)
{
	const struct ini_entry *run = ini_find(section, "run");
	const struct service_ops *ops;
	struct plan_service *s;
	const char *at_fault;
	struct reason why;

	if (!run)
		return reason_set(reason,
			"%s:%u: [service %s] needs a line \"run = SERVICE\"", ini->file,
			section->line, section->service);
	if (find_service(run->value, &ops, &why) < 0)
		return name_line(ini, section, "run", &why, reason);

	int r = check_names(ini, section, ops, reason);
	if (r == 0)
		r = add_service(plan, section->service, ops, &s, reason);
	if (r == 0)
		r = ini_apply(ini, section, &s->core_group, reason);
	if (r < 0)
		return r;
	if (!s->settings.listens.n)
		return reason_set(reason,
			"%s:%u: [service %s] needs a line \"listen = ADDRESS:PORT\"",
			ini->file, section->line, section->service);
	if (finish_service(plan, ops, &why) < 0)
		return name_line(ini, section, "model", &why, reason);
	if (plan_check_service(plan, &at_fault, &why) < 0)
		return name_line(ini, section, at_fault, &why, reason);
	return 0;
}

static int read_file(const char *path, struct buf *text, struct reason *reason)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);

	if (fd < 0) {
		errno = -fd;
		return reason_errno(reason, "cannot open the configuration %s", path);
	}
	for (;;) {
		char *room = buf_reserve(text, 16 * KIB);
		if (!room)
			return reason_set(
				reason, "%s: a configuration of more than 1 MiB", path);
		ssize_t n = file_read_at(fd, room, 16 * KIB, text->n);
		if (n < 0) {
			errno = (int)-n;
			return reason_errno(
				reason, "cannot read the configuration %s", path);
		}
		text->n += (size_t)n;
		if (n == 0)
			return 0;
	}
}

/* The files that [preforkd] names. They may stand before what says who is to write them, so
 * they are looked at when all has been read. */
static int check_files(struct plan *plan, const struct ini *ini, struct reason *reason)
{
	const char *at_fault;
	struct reason why;

	if (plan_check_files(plan, &at_fault, &why) == 0)
		return 0;
	for (size_t i = 0;; i++) { /* one of them names the file at fault */
		if (!ini->sections[i].service)
			return name_line(ini, &ini->sections[i], at_fault, &why, reason);
	}
}

/* Every section of @text, which @file names in sentences. What a server has opened already
 * (@in_force) is not looked for again. */
static int read_text(struct plan *plan, const char *file, struct span text, bool in_force,
	struct reason *reason)
{
	struct ini *ini = NULL;

	int r = opt_defaults(&plan->global_group, reason);
	if (r == 0)
		r = ini_read(file, text, &ini, reason);
	for (size_t i = 0; r == 0 && i < ini->n_sections; i++) {
		const struct ini_section *section = &ini->sections[i];

		if (section->service)
			r = read_section(plan, ini, section, reason);
		else if ((r = check_names(ini, section, NULL, reason)) == 0)
			r = ini_apply(ini, section, &plan->global_group, reason);
	}
	if (r == 0 && !in_force)
		r = check_files(plan, ini, reason);
	ini_free(ini);
	return r;
}

int plan_file(struct plan *plan, const char *path, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(INI_FILE_MAX + 16 * KIB);

	int r = read_file(path, &text, reason);
	if (r == 0)
		r = read_text(plan, path, buf_span(&text), false, reason);
	if (r == 0 && !plan->n_services)
		return reason_set(reason,
			"%s: there is no [service NAME] in it, so nothing to run", path);
	return r;
}

int plan_vary(const struct plan *plan, const char *service, const char *name,
	struct span value, struct plan *out, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(INI_FILE_MAX);
	struct reason why;

	/* What is printed reads back the same: that is a copy. */
	plan_print(plan, &text);
	if (text.failed)
		return reason_set(reason, "the configuration is too long to be varied");
	int r = read_text(out, "the configuration in force", buf_span(&text), true, reason);
	for (size_t i = 0; i < out->n_services && r == 0; i++) {
		struct plan_service *s = out->services[i];

		if (!name || strcmp(s->name, service) != 0)
			continue;
		r = opt_set(&s->core_group, span_str(name), value, &why);
		if (r == 0)
			r = find_model(s->settings.model, &out->specs[i].model, &why);
		if (r < 0)
			(void)reason_set(reason, "%.400s", why.text);
	}
	return r;
}

void plan_print(const struct plan *plan, struct buf *out)
{
	buf_put_str(out, "[preforkd]\n");
	opt_print(&plan->global_group, out);
	for (size_t i = 0; i < plan->n_services; i++) {
		buf_printf(out, "\n[service %s]\n", plan->services[i]->name);
		opt_print(&plan->services[i]->core_group, out);
	}
}

void plan_help(const char *service, struct buf *out)
{
	struct plan_global global = {0};
	struct settings settings = {0};
	struct opt_group groups[3] = {
		OPT_GROUP("Program", global_opts, &global),
		{.title = "Every service",
			.opts = settings_opts,
			.n_opts = settings_n_opts,
			.settings = &settings},
	};
	const struct service_ops *ops = service ? registry_service(service) : NULL;

	if (ops && ops->n_opts) {
		groups[2] = (struct opt_group){
			.title = ops->name, .opts = ops->opts, .n_opts = ops->n_opts};
		opt_help(&groups[2], out);
		buf_put_byte(out, '\n');
	}
	groups[0].next = &groups[1];
	opt_help(&groups[0], out);
}
