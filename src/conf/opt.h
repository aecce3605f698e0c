/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * opt - settings as one table: what a configuration file, a command line,
 * `preforkd -T` and --help know about a setting is its one row here.
 *
 *	struct example {
 *		struct opt_range workers;
 *		char *root;
 *	};
 *	static const struct opt example_opts[] = {
 *		{"workers", OPT_RANGE(struct example, workers), .arg = "MIN..MAX",
 *			.deflt = "1..8", .min = 1, .max = 4096, .help = "processes"},
 *		{"root", OPT_PATH(struct example, root), .arg = "DIR", .flags =
 *OPT_REQUIRED, .help = "the folder that is served"},
 *	};
 *	struct example conf = {0};
 *	struct opt_group group = OPT_GROUP("Example", example_opts, &conf);
 *
 * The life of settings: zeroed memory, opt_defaults, opt_set (or ini_apply,
 * args_parse) any number of times, opt_missing, use, opt_fini. Names are
 * written with '_' in the table and in files, with '-' on the command line, and
 * either is understood in both. Pure: it neither logs, prints nor opens.
 */

#include "base/buf.h"
#include "base/reason.h"
#include "base/span.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPT_VALUE_MAX 4096u /* bytes of one value */
#define OPT_LIST_MAX  64u   /* values of one list */

struct opt_range {
	uint64_t min, max;
};

struct opt_list {
	char **items; /* owned */
	size_t n;
	bool given; /* somebody set it: what stands here is no longer the default */
};

enum opt_type {
	OPT_TYPE_BOOL,     /* yes, no, true, false, on, off; alone on a command line: yes */
	OPT_TYPE_UINT,     /* decimal digits, min..max */
	OPT_TYPE_RANGE,    /* MIN..MAX, or N for N..N; both within min..max */
	OPT_TYPE_BYTES,    /* num_bytes, min..max */
	OPT_TYPE_DURATION, /* num_duration_ns, min..max; in nanoseconds */
	OPT_TYPE_STRING,   /* one line; an empty one is NULL */
	OPT_TYPE_PATH,     /* as a string; not opened or made absolute here */
	OPT_TYPE_CHOICE,   /* the index of a word in choices */
	OPT_TYPE_LIST,     /* strings, one each time it is set; an empty one empties it */
};

enum opt_flags {
	OPT_REQUIRED = 1 << 0, /* a string, path or list that must not stay empty */
	OPT_HIDDEN = 1 << 1,   /* not in --help */
};

struct opt {
	const char *name;
	enum opt_type type; /* with offset, by one of the macros below */
	size_t offset;
	const char *arg;   /* what --help calls the value */
	const char *deflt; /* as it would be written; NULL leaves the member zero */
	const char *help;  /* a phrase, no full stop */
	uint64_t min, max; /* numbers: what is allowed; max 0 is no limit */
	const char *const *choices; /* OPT_TYPE_CHOICE: ends with NULL */
	unsigned flags;             /* enum opt_flags */
	char letter;                /* the short form on a command line; 0 for none */
};

/* The type of a setting and where it goes; a member of another type does not compile. */
#define OPT_BOOL(s, m)     .type = OPT_TYPE_BOOL, .offset = OPT_AT(s, m, bool)
#define OPT_UINT(s, m)     .type = OPT_TYPE_UINT, .offset = OPT_AT(s, m, uint64_t)
#define OPT_RANGE(s, m)    .type = OPT_TYPE_RANGE, .offset = OPT_AT(s, m, struct opt_range)
#define OPT_BYTES(s, m)    .type = OPT_TYPE_BYTES, .offset = OPT_AT(s, m, uint64_t)
#define OPT_DURATION(s, m) .type = OPT_TYPE_DURATION, .offset = OPT_AT(s, m, uint64_t)
#define OPT_STRING(s, m)   .type = OPT_TYPE_STRING, .offset = OPT_AT(s, m, char *)
#define OPT_PATH(s, m)     .type = OPT_TYPE_PATH, .offset = OPT_AT(s, m, char *)
#define OPT_LIST(s, m)     .type = OPT_TYPE_LIST, .offset = OPT_AT(s, m, struct opt_list)
/* For an enum, or an unsigned. */
#define OPT_CHOICE(s, m)         \
	.type = OPT_TYPE_CHOICE, \
	.offset = offsetof(s, m) + OPT_SURE(sizeof(((s *)0)->m) == sizeof(unsigned))

#define OPT_AT(s, m, t) \
	(offsetof(s, m) + OPT_SURE(__builtin_types_compatible_p(typeof(((s *)0)->m), t)))
/* 0, or no constant at all. */
#define OPT_SURE(condition) (0 * sizeof(char[(condition) ? 1 : -1]))

/* A table together with the settings it fills; groups are chained where one section or
 * command line sets several structs. All borrowed. */
struct opt_group {
	const char *title; /* of its part of --help */
	const struct opt *opts;
	size_t n_opts;
	void *settings;
	const struct opt_group *next;
};

#define OPT_GROUP(group_title, table, where)        \
	((struct opt_group){.title = (group_title), \
		.opts = (table),                    \
		.n_opts = ARRAY_LEN(table),         \
		.settings = (where)})

/**
 * opt_defaults - fill zeroed settings of all groups from their tables.
 *
 * A default that does not parse is a bug, and aborts. Returns 0, or -ENOMEM
 * with @reason and settings that opt_fini can free.
 */
[[nodiscard]] int opt_defaults(const struct opt_group *group, struct reason *reason);

/**
 * opt_set - read @value strictly as what @name asks for.
 *
 * A value that is SPAN_NONE (a bare --name) is yes for a bool and refused
 * otherwise; white space around it does not count. A list takes one value
 * more; the first one ever replaces the default.
 *
 * Returns 0, or negative with a @reason that begins with the name and says
 * what is allowed; the old value then stands.
 */
[[nodiscard]] int opt_set(const struct opt_group *group, struct span name,
	struct span value, struct reason *reason);

/* The row called @name ('-' and '_' alike), or NULL. */
const struct opt *opt_find(const struct opt_group *group, struct span name);

/* The row whose name @name was probably meant to be, or NULL. */
const struct opt *opt_nearest(const struct opt_group *group, struct span name);

/* The first required setting that has no value, or NULL. */
const struct opt *opt_missing(const struct opt_group *group);

/* Whether two spellings name the same setting. */
bool opt_same_name(struct span a, struct span b);

/* Appends "name = value" lines that a file could hold: they read back the same. */
void opt_print(const struct opt_group *group, struct buf *out);

/* Appends the options as text for --help, in two columns under the groups' titles. */
void opt_help(const struct opt_group *group, struct buf *out);

/* Frees the strings and lists, and zeroes those members. */
void opt_fini(const struct opt_group *group);
