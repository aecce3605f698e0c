/* SPDX-License-Identifier: MIT */

/* Any words after prefork-interp, also a #! line's one word, are a command to run, some other
 * wish, or a sentence; what follows the script is passed on as it was. */

#include "base/reason.h"
#include "base/util.h"
#include "interp/launcher/args.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MOST = 32 };

/* The command is what exec can take, and ends as the command line does. */
static void check_command(const struct args *args, char *const *end)
{
	size_t n_args = 0;

	assert(args->n_interp > 0);
	for (size_t i = 0; i < args->n_interp; i++)
		assert(args->command[i]);
	assert(args->script == args->command[args->n_interp]);
	assert(args->args == args->command + args->n_interp + (args->script ? 1 : 0));
	while (args->args[n_args])
		n_args++;
	assert(memcmp(args->args, end - n_args, n_args * sizeof(*end)) == 0);
}

static void read_line(int argc, char **argv)
{
	struct reason reason = {0};
	struct args args;

	if (args_parse(argc, argv, &args, &reason) < 0)
		assert(reason.text[0]);
	else if (args.verb == ARGS_RUN || args.verb == ARGS_KILL)
		check_command(&args, argv + argc);
	for (size_t i = 0; i < args.n_covers; i++)
		assert(args.covers[i].text
			&& (args.covers[i].kind == 'E' || args.covers[i].kind == 'G'));
	assert(!args.ident || (*args.ident && !strchr(args.ident, '/')));

	if (args.command < argv || args.command > argv + argc)
		free(args.command);
	free(args.covers);
	free(args.cut);
}

/* Words have a NUL in between. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char program[] = "prefork-interp";
	char *text = malloc(size + 1), *argv[WORDS_MOST + 2] = {program};
	int argc = 1;

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t at = 0; at < size && argc <= WORDS_MOST; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	read_line(argc, argv);
	free(text);
	return 0;
}
