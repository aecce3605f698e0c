/* SPDX-License-Identifier: MIT */

/* preforkctl - asks a running preforkd, and tells it. */

#include "app/ctl_find.h"
#include "app/ctl_show.h"
#include "base/reason.h"
#include "base/util.h"
#include "core/exit.h"

#include <jansson.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TOP_EVERY_MS 1000

struct options {
	const char *socket;
	bool json;
};

struct verb {
	const char *name;
	int n_operands;
	const char *operands;
	const char *summary;
	int (*run)(const struct options *o, char **words);
};

static int complain(const char *sentence)
{
	(void)fprintf(stderr, "preforkctl: %s\n", sentence);
	return EXIT_FAILED;
}

/* The answer to @words, up to NULL, for json_decref; or NULL, and that has been said. */
static json_t *ask(const struct options *o, char *const *words)
{
	char line[512] = "";
	struct reason reason;
	json_t *answer;
	size_t n = 0;

	for (; *words && n < sizeof(line); words++)
		n += (size_t)snprintf(
			line + n, sizeof(line) - n, "%s%s", n ? " " : "", *words);
	if (n >= sizeof(line)) {
		(void)complain("that is too long");
		return NULL;
	}
	if (ctl_ask(o->socket, line, &answer, &reason) == 0)
		return answer;
	(void)complain(reason.text);
	return NULL;
}

static int status_once(const struct options *o, void (*show)(const json_t *status))
{
	char *const words[] = {(char *)"status", NULL};
	json_t *status = ask(o, words);

	if (!status)
		return EXIT_FAILED;
	if (o->json)
		(void)json_dumpf(status, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	else
		show(status);
	if (o->json)
		(void)putchar('\n');
	json_decref(status);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_status(const struct options *o, char **words)
{
	(void)words;
	return status_once(o, ctl_show_table);
}

static int run_metrics(const struct options *o, char **words)
{
	(void)words;
	return status_once(&(struct options){.socket = o->socket}, ctl_show_metrics);
}

static int run_top(const struct options *o, char **words)
{
	int status;

	(void)words;
	do {
		if (isatty(STDOUT_FILENO)) /* to the corner, and all below it goes */
			(void)fputs("\033[H\033[J", stdout);
		status = status_once(o, ctl_show_workers);
		/* Until a key, or the end of input; Ctrl-C does as well. */
	} while (status == EXIT_DONE
		 && poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1,
			    TOP_EVERY_MS)
			    == 0);
	return status;
}

static int tell(const struct options *o, char **words)
{
	json_t *answer = ask(o, words);

	if (!answer)
		return EXIT_FAILED;
	bool ok = json_is_true(json_object_get(answer, "ok"));
	const char *said = json_string_value(json_object_get(answer, "said"));

	if (o->json)
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
	else
		(void)fprintf(ok ? stdout : stderr, "preforkctl: %s\n",
			said ? said : "the answer says nothing");
	json_decref(answer);
	return ok ? EXIT_DONE : EXIT_FAILED;
}

static int tell_for_now(const struct options *o, char **words)
{
	int status = tell(o, words);

	if (status == EXIT_DONE && !o->json)
		(void)printf("preforkctl: this lasts until the next reload; to keep it, "
			     "change the configuration\n");
	return status;
}

static const struct verb verbs[] = {
	{"status", 0, "", "how it stands, as a table (--json: all of it)", run_status},
	{"top", 0, "", "the same with every worker, again every second", run_top},
	{"metrics", 0, "", "the figures as OpenMetrics text", run_metrics},
	{"reload", 0, "", "read the configuration again and change over to it", tell},
	{"resize", 2, " SERVICE MIN..MAX",
		"other numbers of workers, until the next reload", tell_for_now},
	{"switch-model", 2, " SERVICE MODEL", "another model, until the next reload",
		tell_for_now},
	{"restart", 1, " SERVICE", "new workers for a service, also for one that failed",
		tell},
	{"upgrade", 0, "", "let the program that is installed now take over", tell},
	{"drain", 0, "", "accept no more, finish what has begun, end", tell},
	{"stop", 0, "", "end now", tell},
};

static int help(void)
{
	(void)printf("Asks and tells a running preforkd.\n\n"
		     "usage: preforkctl [-s SOCKET] [--json] COMMAND\n\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		(void)printf("  %s%-*s %s\n", verbs[i].name,
			30 - (int)strlen(verbs[i].name), verbs[i].operands,
			verbs[i].summary);
	(void)printf("\nWithout a command: status. Without -s: the one server there is.\n"
		     "Manual: preforkctl(8)\n");
	return EXIT_DONE;
}

static bool is(const char *word, const char *short_form, const char *long_form)
{
	return strcmp(word, short_form) == 0 || strcmp(word, long_form) == 0;
}

static int usage_error(const char *sentence)
{
	(void)complain(sentence);
	(void)fprintf(stderr, "preforkctl: \"preforkctl --help\" says more\n");
	return EXIT_USAGE;
}

static int run_verb(const struct options *o, int n_words, char **words)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		if (strcmp(words[0], verbs[i].name) != 0)
			continue;
		if (n_words - 1 != verbs[i].n_operands)
			return usage_error("that command takes other words");
		return verbs[i].run(o, words);
	}
	return usage_error("there is no such command");
}

int main(int argc, char **argv)
{
	char *status[] = {(char *)"status", NULL};
	struct options o = {0};
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (is(argv[i], "-h", "--help"))
			return help();
		if (is(argv[i], "-V", "--version"))
			return printf("preforkctl %s\n", PREFORK_VERSION) > 0 ? EXIT_DONE
									      : EXIT_FAILED;
		if (is(argv[i], "-s", "--socket") && i + 1 < argc)
			o.socket = argv[++i];
		else if (is(argv[i], "-j", "--json"))
			o.json = true;
		else
			return usage_error("there is no such option");
	}
	if (i < argc && is(argv[argc - 1], "-j", "--json")) {
		o.json = true;
		argv[--argc] = NULL;
	}
	return i == argc ? run_verb(&o, 1, status) : run_verb(&o, argc - i, argv + i);
}
