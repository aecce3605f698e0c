/* SPDX-License-Identifier: MIT */

/* preforkctl - asks a running preforkd, and tells it. */

#include "app/ctl_find.h"
#include "app/ctl_screen.h"
#include "app/ctl_show.h"
#include "base/buf.h"
#include "base/reason.h"
#include "base/util.h"
#include "core/exit.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TOP_EVERY_MS 1000

enum { TEXT_MAX = 64 << 20 }; /* bytes of what is shown */

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

static bool put(struct span text)
{
	return fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;
}

static void put_json(const json_t *answer)
{
	(void)json_dumpf(answer, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	(void)putchar('\n');
}

/* Asks for the status, and has what @show makes of it printed. */
static int status_once(const struct options *o,
	void (*show)(const json_t *status, struct buf *out),
	bool (*print)(struct span text))
{
	char *const words[] = {(char *)"status", NULL};
	AUTO_BUF text = BUF_INIT(TEXT_MAX);
	json_t *status = ask(o, words);
	bool done = true;

	if (!status)
		return EXIT_FAILED;
	if (o->json) {
		put_json(status);
		done = fflush(stdout) == 0;
	} else {
		show(status, &text);
		done = !text.failed && print(buf_span(&text));
	}
	json_decref(status);
	return done ? EXIT_DONE : EXIT_FAILED;
}

static int run_status(const struct options *o, char **words)
{
	(void)words;
	return status_once(o, ctl_show_table, put);
}

static int run_metrics(const struct options *o, char **words)
{
	(void)words;
	return status_once(&(struct options){.socket = o->socket}, ctl_show_metrics, put);
}

static int run_top(const struct options *o, char **words)
{
	struct ctl_screen screen;
	int status;

	(void)words;
	ctl_screen_begin(&screen);
	do {
		status = status_once(o, ctl_show_workers, ctl_screen_show);
	} while (status == EXIT_DONE && !ctl_screen_key(&screen, TOP_EVERY_MS));
	ctl_screen_end(&screen);
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
		put_json(answer);
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
		     "usage: preforkctl [-s SOCKET] [--json] [COMMAND]\n\n");
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		(void)printf("  %s%-*s %s\n", verbs[i].name,
			30 - (int)strlen(verbs[i].name), verbs[i].operands,
			verbs[i].summary);
	(void)printf(
		"\n  -s, --socket SOCKET            which server: a name, or its socket's path\n"
		"  -j, --json                     print the answer as it is\n"
		"\nWithout a command: status. Without -s: the one server there is.\n"
		"Manual: preforkctl(8)\n");
	return EXIT_DONE;
}

static bool is(const char *word, const char *short_form, const char *long_form)
{
	return strcmp(word, short_form) == 0 || strcmp(word, long_form) == 0;
}

[[gnu::format(printf, 1, 2)]] static int usage_error(const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "preforkctl: ");
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "; \"preforkctl --help\" says more\n");
	return EXIT_USAGE;
}

static int run_verb(const struct options *o, int n_words, char **words)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
		const struct verb *verb = &verbs[i];

		if (strcmp(words[0], verb->name) != 0)
			continue;
		if (n_words - 1 == verb->n_operands)
			return verb->run(o, words);
		if (!verb->n_operands)
			return usage_error(
				"%s is a command of one word, and means all services",
				verb->name);
		return usage_error("%s takes other words, as in: preforkctl %s%s",
			verb->name, verb->name, verb->operands);
	}
	return usage_error("there is no command \"%s\"", words[0]);
}

/* Takes the options out of @argv, wherever they stand: how many words are left, or -1 with
 * *@status what to end with. */
static int take_options(int argc, char **argv, struct options *o, int *status)
{
	int n = 0;

	*status = EXIT_DONE;
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-') {
			argv[n++] = argv[i];
		} else if (is(argv[i], "-j", "--json")) {
			o->json = true;
		} else if (is(argv[i], "-s", "--socket") && i + 1 < argc) {
			o->socket = argv[++i];
		} else if (is(argv[i], "-h", "--help")) {
			*status = help();
			return -1;
		} else if (is(argv[i], "-V", "--version")) {
			(void)printf("preforkctl %s\n", PREFORK_VERSION);
			return -1;
		} else {
			*status =
				is(argv[i], "-s", "--socket")
					? usage_error("-s needs a server's name or socket")
					: usage_error("there is no option %s", argv[i]);
			return -1;
		}
	}
	argv[n] = NULL;
	return n;
}

int main(int argc, char **argv)
{
	char *status[] = {(char *)"status", NULL};
	struct options o = {0};
	int result;

	int n_words = take_options(argc, argv, &o, &result);
	if (n_words < 0)
		return result;
	return n_words ? run_verb(&o, n_words, argv) : run_verb(&o, 1, status);
}
