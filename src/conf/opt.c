/* SPDX-License-Identifier: MIT */

#include "conf/opt.h"

#include "base/escape.h"
#include "base/num.h"
#include "conf/near.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define SHOWN_MAX  60u /* bytes of a refused value that a sentence repeats */
#define HELP_WIDTH 80u /* columns of --help */
#define HELP_TEXT  30u /* the column where explanations begin */

/* What a type can do. @at is the member; @value is trimmed and fits OPT_VALUE_MAX. */
struct type_ops {
	const char *is;      /* completes "... is not" */
	const char *example; /* for a row without a default; NULL: only what it is called */
	int (*set)(
		const struct opt *opt, void *at, struct span value, struct reason *reason);
	void (*print)(const struct opt *opt, const void *at, struct buf *out);
};

static const struct type_ops *ops_of(const struct opt *opt);

static void *member(const struct opt_group *group, const struct opt *opt)
{
	return (char *)group->settings + opt->offset;
}

/* @value as it may stand in a sentence. */
static const char *shown(struct span value, struct buf *into)
{
	escape_log(into, value, SHOWN_MAX);
	const char *text = buf_cstr(into);
	return text ? text : "?";
}

/* A value that shows how one is written; a default of 0, for "none", does not. NULL where
 * there is none. */
static const char *example_of(const struct opt *opt)
{
	bool shows = opt->deflt && *opt->deflt && strcmp(opt->deflt, "0") != 0;

	return shows ? opt->deflt : ops_of(opt)->example;
}

static int refuse(const struct opt *opt, struct span value, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(4 * SHOWN_MAX + 4);

	if (opt->type == OPT_TYPE_BOOL) /* "yes or no" are all there are */
		return reason_set(reason, "%s: \"%s\" is not %s", opt->name,
			shown(value, &text), ops_of(opt)->is);
	return reason_set(reason, "%s: \"%s\" is not %s, such as %s", opt->name,
		shown(value, &text), ops_of(opt)->is, example_of(opt));
}

static int lacks_value(const struct opt *opt, struct reason *reason)
{
	const char *example = example_of(opt);

	return reason_set(reason, "%s: it needs a value%s %s", opt->name,
		example ? ", such as" : ":", example ? example : opt->arg);
}

static int no_memory(const struct opt *opt, struct reason *reason)
{
	errno = ENOMEM;
	return reason_errno(reason, "%s", opt->name);
}

/* How a number of this row is written: in the largest unit that divides it. */
static void print_number(const struct opt *opt, uint64_t n, struct buf *out)
{
	static const struct unit {
		uint64_t worth;
		const char *name;
	} bytes[] = {{1024 * GIB, "T"}, {GIB, "G"}, {MIB, "M"}, {KIB, "K"}, {1, ""}},
	  times[] = {{86400 * NS_PER_SEC, "d"}, {3600 * NS_PER_SEC, "h"},
		  {60 * NS_PER_SEC, "m"}, {NS_PER_SEC, "s"}, {NS_PER_MS, "ms"}};
	const struct unit *units = opt->type == OPT_TYPE_DURATION ? times : bytes;

	if (!n || (opt->type != OPT_TYPE_BYTES && opt->type != OPT_TYPE_DURATION)) {
		buf_put_u64(out, n);
		return;
	}
	static_assert(ARRAY_LEN(bytes) == ARRAY_LEN(times), "one loop walks either");
	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		bool last = i + 1 == ARRAY_LEN(bytes); /* finer than it is never read */

		if (n % units[i].worth && !last)
			continue;
		buf_put_u64(out, n / units[i].worth);
		buf_put_str(out, units[i].name);
		return;
	}
}

static bool in_bounds(const struct opt *opt, uint64_t n)
{
	return n >= opt->min && (!opt->max || n <= opt->max);
}

static int out_of_bounds(const struct opt *opt, struct span value, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(4 * SHOWN_MAX + 4);
	AUTO_BUF bounds = BUF_INIT(80);

	if (opt->min || !opt->max) {
		buf_put_str(&bounds, "at least ");
		print_number(opt, opt->min, &bounds);
	}
	if (opt->max) {
		buf_put_str(&bounds, opt->min ? " and at most " : "at most ");
		print_number(opt, opt->max, &bounds);
	}
	const char *allowed = buf_cstr(&bounds);
	return reason_set(reason, "%s: %s is out of bounds; it must be %s", opt->name,
		shown(value, &text), allowed ? allowed : "smaller");
}

static int set_bool(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!span_eq(value, span_str(words[i])))
			continue;
		*(bool *)at = i % 2;
		return 0;
	}
	return refuse(opt, value, reason);
}

static void print_bool(const struct opt *opt, const void *at, struct buf *out)
{
	(void)opt;
	buf_put_str(out, *(const bool *)at ? "yes" : "no");
}

static int set_number(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	uint64_t n;
	bool ok = opt->type == OPT_TYPE_BYTES      ? num_bytes(value, &n)
		  : opt->type == OPT_TYPE_DURATION ? num_duration_ns(value, &n)
						   : num_u64(value, &n);

	if (!ok)
		return refuse(opt, value, reason);
	if (!in_bounds(opt, n))
		return out_of_bounds(opt, value, reason);
	*(uint64_t *)at = n;
	return 0;
}

static void print_one_number(const struct opt *opt, const void *at, struct buf *out)
{
	print_number(opt, *(const uint64_t *)at, out);
}

static int set_range(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	struct span low = value, high = value;
	struct opt_range range;

	for (size_t i = 0; i + 1 < value.n; i++) {
		if (value.p[i] != '.' || value.p[i + 1] != '.')
			continue;
		low = span_of(value.p, i);
		high = span_from(value, i + 2);
		break;
	}
	if (!num_u64(low, &range.min) || !num_u64(high, &range.max))
		return refuse(opt, value, reason);
	if (range.min > range.max)
		return reason_set(reason,
			"%s: %" PRIu64 "..%" PRIu64 " has its ends reversed", opt->name,
			range.min, range.max);
	if (!in_bounds(opt, range.min) || !in_bounds(opt, range.max))
		return out_of_bounds(opt, value, reason);
	*(struct opt_range *)at = range;
	return 0;
}

static void print_range(const struct opt *opt, const void *at, struct buf *out)
{
	const struct opt_range *range = at;

	(void)opt;
	buf_printf(out, "%" PRIu64, range->min);
	if (range->min != range->max)
		buf_printf(out, "..%" PRIu64, range->max);
}

/* A copy of @value in *@copy, NULL if it is empty. */
static int copy_text(
	const struct opt *opt, struct span value, char **copy, struct reason *reason)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return reason_set(reason, "%s: byte %zu is a control character",
				opt->name, i + 1);
	}
	*copy = value.n ? span_dup(value) : NULL;
	return value.n && !*copy ? no_memory(opt, reason) : 0;
}

static int set_string(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	char **string = at, *copy = NULL;
	int rc = copy_text(opt, value, &copy, reason);

	if (rc)
		return rc;
	free(*string);
	*string = copy;
	return 0;
}

static void print_string(const struct opt *opt, const void *at, struct buf *out)
{
	char *const *string = at;

	(void)opt;
	buf_put_str(out, *string);
}

static int set_choice(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(4 * SHOWN_MAX + 4);
	AUTO_BUF words = BUF_INIT(300);

	for (unsigned i = 0; opt->choices[i]; i++) {
		if (span_eq(value, span_str(opt->choices[i]))) {
			memcpy(at, &i, sizeof(i)); /* the member may be any enum */
			return 0;
		}
		buf_put_str(&words, !i ? "" : opt->choices[i + 1] ? ", " : " or ");
		buf_put_str(&words, opt->choices[i]);
	}
	const char *allowed = buf_cstr(&words);
	return reason_set(reason, "%s: \"%s\" is not %s", opt->name, shown(value, &text),
		allowed ? allowed : "known");
}

static void print_choice(const struct opt *opt, const void *at, struct buf *out)
{
	unsigned i;

	memcpy(&i, at, sizeof(i));
	buf_put_str(out, opt->choices[i]);
}

static void empty_list(struct opt_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct opt_list){.given = list->given};
}

static int set_list(
	const struct opt *opt, void *at, struct span value, struct reason *reason)
{
	struct opt_list *list = at;
	char *copy = NULL;
	int rc = copy_text(opt, value, &copy, reason);

	if (rc)
		return rc;
	if (!list->given || !copy)
		empty_list(list);
	list->given = true;
	if (!copy)
		return 0;

	if (list->n == OPT_LIST_MAX) {
		free(copy);
		return reason_set(
			reason, "%s: more than %u values", opt->name, OPT_LIST_MAX);
	}
	char **items = realloc(list->items, (list->n + 1) * sizeof(*items));
	if (!items) {
		free(copy);
		return no_memory(opt, reason);
	}
	items[list->n] = copy;
	list->items = items;
	list->n++;
	return 0;
}

/* All but the first item stand on lines of their own, which begin with the name again. */
static void print_list(const struct opt *opt, const void *at, struct buf *out)
{
	const struct opt_list *list = at;

	for (size_t i = 0; i < list->n; i++) {
		if (i)
			buf_printf(out, "\n%s = ", opt->name);
		buf_put_str(out, list->items[i]);
	}
}

static const struct type_ops *ops_of(const struct opt *opt)
{
	static const struct type_ops all[] = {
		[OPT_TYPE_BOOL] = {"yes or no", NULL, set_bool, print_bool},
		[OPT_TYPE_UINT] = {"a number", "10", set_number, print_one_number},
		[OPT_TYPE_RANGE] = {"a number or MIN..MAX", "4..64", set_range,
			print_range},
		[OPT_TYPE_BYTES] = {"a size", "64K, 10M or 2G", set_number,
			print_one_number},
		[OPT_TYPE_DURATION] = {"a time", "250ms, 30s or 5m", set_number,
			print_one_number},
		[OPT_TYPE_STRING] = {"a text", NULL, set_string, print_string},
		[OPT_TYPE_PATH] = {"a path", NULL, set_string, print_string},
		[OPT_TYPE_CHOICE] = {"known", NULL, set_choice, print_choice},
		[OPT_TYPE_LIST] = {"a text", NULL, set_list, print_list},
	};
	return &all[opt->type];
}

bool opt_same_name(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (!near_same(a.p[i], b.p[i]))
			return false;
	}
	return true;
}

/* The row of @name, and the group that has it. */
static const struct opt *find(
	const struct opt_group *group, struct span name, const struct opt_group **in)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			if (!opt_same_name(span_str(group->opts[i].name), name))
				continue;
			*in = group;
			return &group->opts[i];
		}
	}
	return NULL;
}

const struct opt *opt_find(const struct opt_group *group, struct span name)
{
	return find(group, name, &group);
}

const struct opt *opt_nearest(const struct opt_group *group, struct span name)
{
	const struct opt *nearest = NULL;
	size_t least = near_enough(name) + 1;

	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			size_t steps = near_steps(span_str(group->opts[i].name), name);

			if (steps < least) {
				least = steps;
				nearest = &group->opts[i];
			}
		}
	}
	return nearest;
}

static int unknown(const struct opt_group *group, struct span name, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(4 * SHOWN_MAX + 4);
	const struct opt *nearest = opt_nearest(group, name);

	if (!nearest)
		return reason_set(reason, "\"%s\" is not a setting that is known here",
			shown(name, &text));
	return reason_set(reason, "\"%s\" is not a setting that is known here; is it %s?",
		shown(name, &text), nearest->name);
}

int opt_set(const struct opt_group *group, struct span name, struct span value,
	struct reason *reason)
{
	const struct opt *opt = find(group, name, &group);

	if (!opt)
		return unknown(group, name, reason);
	if (!value.p && opt->type == OPT_TYPE_BOOL)
		value = SPAN("yes");
	if (!value.p)
		return lacks_value(opt, reason);
	value = span_trim(value);
	if (value.n > OPT_VALUE_MAX)
		return reason_set(
			reason, "%s: longer than %u bytes", opt->name, OPT_VALUE_MAX);
	return ops_of(opt)->set(opt, member(group, opt), value, reason);
}

int opt_defaults(const struct opt_group *group, struct reason *reason)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			const struct opt *opt = &group->opts[i];
			if (!opt->deflt)
				continue;

			int rc = ops_of(opt)->set(
				opt, member(group, opt), span_str(opt->deflt), reason);
			if (rc == -ENOMEM)
				return rc;
			assert(!rc && "a default is a value its own row allows");
			if (opt->type == OPT_TYPE_LIST)
				((struct opt_list *)member(group, opt))->given = false;
		}
	}
	return 0;
}

static bool is_empty(const struct opt *opt, const void *at)
{
	if (opt->type == OPT_TYPE_LIST)
		return !((const struct opt_list *)at)->n;
	assert(opt->type == OPT_TYPE_STRING || opt->type == OPT_TYPE_PATH);
	return !*(char *const *)at;
}

const struct opt *opt_missing(const struct opt_group *group)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			const struct opt *opt = &group->opts[i];

			if ((opt->flags & OPT_REQUIRED)
				&& is_empty(opt, member(group, opt)))
				return opt;
		}
	}
	return NULL;
}

void opt_print(const struct opt_group *group, struct buf *out)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			const struct opt *opt = &group->opts[i];

			buf_printf(out, "%s = ", opt->name);
			size_t bare = out->n;
			ops_of(opt)->print(opt, member(group, opt), out);
			if (out->n == bare && bare)
				out->n--; /* no space behind the last word of a line */
			buf_put_byte(out, '\n');
		}
	}
}

/* Appends @words from column @column on, broken between words at the right edge, with
 * continuation lines under the first. */
static void put_wrapped(struct buf *out, struct span words, size_t column)
{
	struct span word;
	size_t at = column;

	while (span_cut(&words, ' ', &word)) {
		bool first = at == column;

		if (!first && at + 1 + word.n > HELP_WIDTH) {
			buf_printf(out, "\n%*s", (int)column, "");
			at = column;
			first = true;
		}
		if (!first)
			buf_put_byte(out, ' ');
		buf_put_span(out, word);
		at += word.n + !first;
	}
	buf_put_byte(out, '\n');
}

/* "  -c, --config FILE" */
static void put_usage(struct buf *out, const struct opt *opt)
{
	if (opt->letter)
		buf_printf(out, "  -%c, --", opt->letter);
	else
		buf_put_str(out, "      --");
	for (const char *c = opt->name; *c; c++)
		buf_put_byte(out, (char)(*c == '_' ? '-' : *c));
	if (opt->arg)
		buf_printf(out, " %s", opt->arg);
}

static void put_help(struct buf *out, const struct opt *opt)
{
	AUTO_BUF words = BUF_INIT(2048);
	size_t start = out->n;

	put_usage(out, opt);
	size_t used = out->n - start;
	if (used + 2 > HELP_TEXT) {
		buf_put_byte(out, '\n');
		used = 0;
	}
	buf_printf(out, "%*s", (int)(HELP_TEXT - used), "");

	bool listed = opt->arg && strchr(opt->arg, '|'); /* "full|rename" */
	buf_put_str(&words, opt->help);
	for (size_t i = 0; opt->choices && opt->choices[i] && !listed; i++)
		buf_printf(&words, "%s%s", i ? "|" : ": ", opt->choices[i]);
	if (opt->deflt && *opt->deflt && opt->type != OPT_TYPE_BOOL)
		buf_printf(&words, " (default: %s)", opt->deflt);
	put_wrapped(out, buf_span(&words), HELP_TEXT);
}

void opt_help(const struct opt_group *group, struct buf *out)
{
	for (bool first = true; group; group = group->next, first = false) {
		buf_printf(out, "%s%s:\n", first ? "" : "\n", group->title);
		for (size_t i = 0; i < group->n_opts; i++) {
			if (!(group->opts[i].flags & OPT_HIDDEN))
				put_help(out, &group->opts[i]);
		}
	}
}

void opt_fini(const struct opt_group *group)
{
	for (; group; group = group->next) {
		for (size_t i = 0; i < group->n_opts; i++) {
			const struct opt *opt = &group->opts[i];
			void *at = member(group, opt);

			if (opt->type == OPT_TYPE_LIST) {
				empty_list(at);
				((struct opt_list *)at)->given = false;
			} else if (opt->type == OPT_TYPE_STRING
				   || opt->type == OPT_TYPE_PATH) {
				free(*(char **)at);
				*(char **)at = NULL;
			}
		}
	}
}
