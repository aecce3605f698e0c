/* SPDX-License-Identifier: MIT */

#include "interp/launcher/args.h"

#include "base/reason.h"
#include "base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char args_usage[] =
	"usage: prefork-interp [options] INTERP [SCRIPT [ARG...]]\n"
	"       prefork-interp opt,opt,INTERP[,INTERPARG...] SCRIPT [ARG...]   (as in a #! line)\n"
	"       prefork-interp --status [--json]\n"
	"       prefork-interp --kill [options] INTERP SCRIPT\n"
	"  -U            set-up gets all arguments and the environment (the default)\n"
	"  -L            set-up gets no arguments and a clean environment\n"
	"  -f            end the running server first\n"
	"  -E VAR        a server for each value of the variable\n"
	"  -G STR        a server for each STR\n"
	"  -g IDENT      name the server yourself\n"
	"  --kill        end the server and run nothing; -g IDENT is enough to name it\n"
	"  --status      what servers there are, and why a call was slow\n"
	"  --json        the same for programs\n"
	"  --preload=auto  for a script that does not know of this program\n"
	"  --tty         the script opens /dev/tty: where there is a terminal, run it directly\n"
	"  --compat      share servers with the other implementation of this program\n"
	"With PREFORK_DISABLE=1 in the environment the script is simply run.\n";

#define COMBINED_USUAL 64 /* bytes of a combined word that is cut up without malloc */

/* The words of a command line, wherever they came from. */
struct words {
	char **at; /* NULL behind the last */
};

struct parse {
	struct args *out;
	struct reason *reason;
	size_t room; /* more than there are words, those of a combined one included */
	const char *preload; /* NULL, "auto" or the word itself */
};

static bool word_is_option(const char *word)
{
	return word && word[0] == '-' && word[1] != '\0';
}

/* Room in @out for one more, as many as there are words at most: got when it is needed, for
 * the first malloc costs as much as the rest of the command line. */
static int add_cover(struct parse *parse, char kind, const char *text)
{
	struct args *out = parse->out;

	if (!out->covers)
		out->covers = calloc(parse->room, sizeof(*out->covers));
	if (!out->covers)
		return reason_errno(parse->reason, "cannot start");
	out->covers[out->n_covers++] = (struct args_cover){kind, text};
	return 0;
}

/* An option with a value: the rest of its word, or the next one. */
static int take_value(
	struct parse *parse, char letter, const char *rest, struct words *words)
{
	const char *value = *rest ? rest : *words->at ? *words->at++ : NULL;

	if (!value)
		return reason_set(parse->reason, "option -%c needs a value", letter);
	if (letter != 'g')
		return add_cover(parse, letter, value);
	if (strchr(value, '/') || *value == '\0')
		return reason_set(parse->reason, "an identity is not empty and has no '/'");
	parse->out->ident = value;
	return 0;
}

static int take_letters(struct parse *parse, const char *letters, struct words *words)
{
	for (; *letters; letters++) {
		switch (*letters) {
		case 'U': parse->out->laundered = false; break;
		case 'L': parse->out->laundered = true; break;
		case 'f': parse->out->fresh = true; break;
		case 'E':
		case 'G':
		case 'g': return take_value(parse, *letters, letters + 1, words);
		default:
			return reason_set(parse->reason,
				"unknown option -%c (--help lists them)", *letters);
		}
	}
	return 0;
}

static int take_long(struct parse *parse, const char *name)
{
	struct args *out = parse->out;

	if (strcmp(name, "kill") == 0)
		out->verb = ARGS_KILL;
	else if (strcmp(name, "status") == 0)
		out->verb = ARGS_STATUS;
	else if (strcmp(name, "help") == 0)
		out->verb = ARGS_HELP;
	else if (strcmp(name, "version") == 0)
		out->verb = ARGS_VERSION;
	else if (strcmp(name, "json") == 0)
		out->json = true;
	else if (strcmp(name, "compat") == 0)
		out->compat = true;
	else if (strcmp(name, "tty") == 0)
		out->opens_tty = true;
	else if (strncmp(name, "preload=", 8) == 0)
		parse->preload = name + 8;
	else
		return reason_set(
			parse->reason, "unknown option --%s (--help lists them)", name);
	return 0;
}

/* Takes options off the front; stops at the first word that is none, or behind "--". */
static int take_options(struct parse *parse, struct words *words)
{
	while (word_is_option(*words->at)) {
		const char *word = *words->at++;
		if (strcmp(word, "--") == 0)
			return 0;
		int bad = word[1] == '-' ? take_long(parse, word + 2)
					 : take_letters(parse, word + 1, words);
		if (bad)
			return bad;
	}
	return 0;
}

/* A #! line gives everything behind the program as one word: cut it up again, in place. */
static char **cut_combined(struct parse *parse, char *word)
{
	const char *separator = strchr(word, ' ') ? " " : ",";
	static char *few[COMBINED_USUAL + 2];
	size_t n = 0, room = strlen(word);
	char **pieces = few;

	if (room > COMBINED_USUAL)
		pieces = parse->out->cut = calloc(room + 2, sizeof(*pieces));
	while (pieces && (pieces[n] = strtok_r(n ? NULL : word, separator, &word)))
		n++;
	return pieces;
}

static bool is_combined(const char *word)
{
	return word_is_option(word) && strpbrk(word, " ,");
}

/*
 * What makes an interpreter run our preloader before it takes up the script: @asked
 * itself, or for "auto" what is known of @interp; NULL if nothing is. Python's is a
 * path, as with -m a folder in the working directory could pose as the package.
 */
static const char *preload_word(const char *asked, const char *interp)
{
	const char *slash = strrchr(interp, '/');
	const char *base = slash ? slash + 1 : interp;

	if (strcmp(asked, "auto") != 0)
		return asked;
	if (strncmp(base, "perl", 4) == 0)
		return "-MPrefork::Interp::Auto";
	if (strncmp(base, "python", 6) == 0)
		return PREFORK_DATADIR "/prefork_interp_auto.py";
	return NULL;
}

/* What stands behind INTERP; NULL where that is no script, or one of its options, of which
 * nobody here can know where they end. The known implementation takes any word. */
static const char *script_of(const struct args *args, char **rest)
{
	return *rest && (**rest != '-' || args->compat) ? *rest : NULL;
}

/* INTERP, its arguments (@more), what the preloader needs, and the rest of the command
 * line, which lies in argv behind the word that INTERP came from. */
static int build_command(struct parse *parse, char *interp, char **more, char **rest)
{
	struct args *out = parse->out;
	size_t n = 0;

	if (!*more && !parse->preload) {
		out->command = rest - 1;
		out->command[0] = interp;
		out->n_interp = 1;
		out->script = script_of(out, rest);
		out->args = rest + (out->script ? 1 : 0);
		return 0;
	}
	out->command = calloc(parse->room, sizeof(*out->command));
	if (!out->command)
		return reason_errno(parse->reason, "cannot start");
	out->command[n++] = interp;
	while (*more)
		out->command[n++] = *more++;

	const char *word = parse->preload ? preload_word(parse->preload, interp) : NULL;
	if (parse->preload && !word)
		return reason_set(
			parse->reason, "--preload knows perl and python, not %s", interp);
	out->script = script_of(out, rest);
	if (word && out->script)
		out->command[n++] = (char *)word; /* exec takes it as it is */

	out->n_interp = n;
	while (*rest)
		out->command[n++] = *rest++;
	out->args = out->command + (out->script ? out->n_interp + 1 : n);
	return 0;
}

int args_parse(int argc, char **argv, struct args *out, struct reason *reason)
{
	static char *no_words[] = {NULL};
	struct parse parse = {
		.out = out,
		.reason = reason,
		.room = (size_t)argc + (argc > 1 ? strlen(argv[1]) : 0) + 8,
	};
	struct words rest = {argv + (argc > 0)}, inner = {no_words};

	*out = (struct args){0};
	if (is_combined(*rest.at))
		inner.at = cut_combined(&parse, *rest.at++);
	if (!inner.at)
		return reason_errno(reason, "cannot start");

	int bad = take_options(&parse, &inner);
	char *interp = *inner.at ? *inner.at++ : NULL;
	if (!bad && !interp)
		bad = take_options(&parse, &rest);
	if (bad)
		return bad;
	if (out->verb == ARGS_STATUS || out->verb == ARGS_HELP || out->verb == ARGS_VERSION)
		return 0;
	if (!interp && !*rest.at && out->verb == ARGS_KILL && out->ident)
		return 0; /* the name is all there is to know */
	if (!interp && !(interp = *rest.at ? *rest.at++ : NULL))
		return reason_set(
			reason, "which interpreter? (--help tells how to say it)");
	return build_command(&parse, interp, inner.at, rest.at);
}
