/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ini - a configuration file as sections of settings that know their lines.
 *
 * The text is read with inih, tamed to one simple rule: a line is empty, a
 * comment (its first letter is # or ;), "[preforkd]", "[service NAME]" or
 * "name = value". So there are no comments behind a value (it may hold # and
 * ;), no values over several lines, and indentation means nothing. "name: value"
 * is understood too; a byte order mark and CR at line ends are ignored.
 * Whatever would be cut, skipped or guessed is an error with its line. Pure:
 * the caller has read the file.
 */

#include "base/span.h"
#include "conf/opt.h"

#include <stddef.h>

#define INI_FILE_MAX     (1 * MIB)
#define INI_LINE_MAX     (OPT_VALUE_MAX + 256u) /* bytes, without the line end */
#define INI_SECTIONS_MAX 256u
#define INI_ENTRIES_MAX  512u /* settings in one section */
#define INI_NAME_MAX     32u  /* bytes of a service's name */

struct ini_entry {
	unsigned line;
	char *name; /* with '_' for '-'; owned */
	char *value;
};

struct ini_section {
	unsigned line;
	char *service; /* NAME of [service NAME]; NULL for [preforkd] */
	struct ini_entry *entries;
	size_t n_entries;
};

struct ini {
	char *file;                   /* its name, for sentences */
	struct ini_section *sections; /* in the file's order; none twice */
	size_t n_sections;
};

/**
 * ini_read - take a file's @text apart; @file is its name for error sentences.
 *
 * Returns 0 with a new *@out for ini_free; or negative with a @reason that
 * begins "FILE:LINE: ", and *@out untouched.
 */
[[nodiscard]] int ini_read(
	const char *file, struct span text, struct ini **out, struct reason *reason);

void ini_free(struct ini *ini); /* NULL is fine */

/* The last value of @name in a section, or NULL. */
const struct ini_entry *ini_find(const struct ini_section *section, const char *name);

/* Adds to the sentence of a refused value how it was probably meant: a comment, or quotes. */
void ini_hint(const struct ini_entry *entry, struct reason *reason);

/**
 * ini_apply - set everything a section says, and see that nothing required is missing.
 *
 * The groups' settings have their defaults. A setting that is no list may
 * stand once. Returns 0, or negative with a @reason "FILE:LINE: ...".
 */
[[nodiscard]] int ini_apply(const struct ini *ini, const struct ini_section *section,
	const struct opt_group *group, struct reason *reason);
