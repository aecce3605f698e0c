/* SPDX-License-Identifier: MIT */

#include "conf/args.h"

#include <errno.h>
#include <stdio.h>

static const struct opt *find_letter(const struct opt_group *group, char letter)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			if (group->opts[i].letter == letter)
				return &group->opts[i];
		}
	}
	return NULL;
}

/* The name of an option as one types it, into @text. */
static const char *typed(const struct opt *opt, char text[64])
{
	size_t n = (size_t)snprintf(text, 64, "--%s", opt->name);

	for (size_t i = 2; i < n && i < 63; i++) {
		if (text[i] == '_')
			text[i] = '-';
	}
	return text;
}

/* The option that @word names, and the value that is part of the word (else SPAN_NONE);
 * NULL with @reason if there is no such option. */
static const struct opt *take_apart(const struct opt_group *group, const char *word,
	struct span *value, struct reason *reason)
{
	const struct opt *opt, *nearest;
	char text[64];

	*value = SPAN_NONE;
	if (word[1] != '-') {
		opt = find_letter(group, word[1]);
		if (!opt)
			(void)reason_set(
				reason, "-%c: no such option; see --help", word[1]);
		else if (word[2])
			*value = span_str(word + 2);
		return opt;
	}

	struct span name, rest = span_str(word + 2);
	(void)span_cut(&rest, '=', &name); /* true: the word is not spent */
	*value = rest;
	opt = opt_find(group, name);
	nearest = opt ? NULL : opt_nearest(group, name);
	if (nearest)
		(void)reason_set(reason, "--%.*s: no such option; is it %s?",
			SPAN_FMT(name), typed(nearest, text));
	else if (!opt)
		(void)reason_set(
			reason, "--%.*s: no such option; see --help", SPAN_FMT(name));
	return opt;
}

/* Handles the option at argv[*at], and its value behind it; moves *@at past both. */
static int set_one(
	const struct opt_group *group, char **argv, size_t *at, struct reason *reason)
{
	struct span value;
	const struct opt *opt = take_apart(group, argv[*at], &value, reason);

	if (!opt)
		return -EINVAL;
	(*at)++;
	if (!value.p && opt->type != OPT_TYPE_BOOL && argv[*at])
		value = span_str(argv[(*at)++]);
	return opt_set(group, span_str(opt->name), value, reason);
}

int args_parse(
	const struct opt_group *group, char **argv, unsigned flags, struct reason *reason)
{
	int n_operands = 0;
	bool operands_only = false;

	for (size_t at = 0; argv[at];) {
		bool is_operand = operands_only || argv[at][0] != '-' || !argv[at][1];

		if (is_operand) {
			operands_only = operands_only || (flags & ARGS_STOP);
			argv[n_operands++] = argv[at++];
		} else if (span_eq(span_str(argv[at]), SPAN("--"))) {
			operands_only = true;
			at++;
		} else {
			int rc = set_one(group, argv, &at, reason);
			if (rc)
				return rc;
		}
	}
	argv[n_operands] = NULL;
	return n_operands;
}
