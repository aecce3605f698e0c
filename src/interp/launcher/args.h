/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * args - the launcher's command line, in its three forms.
 *
 *   prefork-interp [options] INTERP [SCRIPT [ARGS...]]
 *   prefork-interp opt,opt,INTERP,INTERPARG SCRIPT [ARGS...]      a #! line's one word
 *   prefork-interp 'opt opt INTERP INTERPARG' SCRIPT [ARGS...]
 */

#include <stdbool.h>
#include <stddef.h>

struct reason;

enum args_verb {
	ARGS_RUN,
	ARGS_KILL,
	ARGS_STATUS,
	ARGS_HELP,
	ARGS_VERSION,
};

/* One -E or -G, in the order given: the identity depends on it. */
struct args_cover {
	char kind; /* 'E': the variable of that name; 'G': the text itself */
	const char *text;
};

struct args {
	enum args_verb verb;
	bool fresh;        /* -f */
	bool laundered;    /* -L */
	bool json;         /* --json */
	bool compat;       /* --compat */
	bool opens_tty;    /* --tty */
	const char *ident; /* -g, or NULL */
	struct args_cover *covers;
	size_t n_covers;

	char **command;  /* all there is to exec: INTERP, its arguments, SCRIPT, ARGS; then
			    NULL */
	size_t n_interp; /* how many of them come before SCRIPT */
	const char *script; /* NULL without one; options of INTERP may follow then */
	char **args;        /* into command: what follows SCRIPT */
	char **cut;         /* the words of a long combined one, or NULL */
};

/**
 * args_parse - understand the command line; *@out keeps pointers into @argv, whose combined
 * word is cut up.
 *
 * Allocated, and the launcher's as long as it lives: covers, cut, and a command that does not
 * lie in @argv. Returns 0, or negative with @reason saying what is wrong with it, and the same
 * allocated.
 */
[[nodiscard]] int args_parse(
	int argc, char **argv, struct args *out, struct reason *reason);

/* The text of --help. */
extern const char args_usage[];
