/* SPDX-License-Identifier: MIT */

#include "conf/ini.h"

#include <ini.h>

#include <errno.h>
#include <stdlib.h>

/* inih numbers no lines, keeps quiet about empty sections and cuts what is long; so lines
 * come to it one by one through give_line, which looks at each first. */
struct reading {
	struct ini *ini;
	struct span rest; /* of the text */
	unsigned line;    /* the one inih is looking at */
	int rc;           /* of the first failure; nothing is read behind it */
	struct reason *reason;
};

/* Puts "FILE:LINE: " before the sentence, and returns @rc. */
static int place(const char *file, unsigned line, int rc, struct reason *reason)
{
	struct reason bare;

	if (!reason)
		return rc;
	bare = *reason;
	(void)reason_set(reason, "%s:%u: %s", file, line, bare.text);
	return rc;
}

#define FAIL(reading, ...)                                            \
	((reading)->rc = place((reading)->ini->file, (reading)->line, \
		 reason_set((reading)->reason, __VA_ARGS__), (reading)->reason))

static int no_memory(struct reading *reading)
{
	errno = ENOMEM;
	reading->rc = reason_errno(reading->reason, "%s", reading->ini->file);
	return reading->rc;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool other = (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		if (!letter && !(other && i))
			return false;
	}
	return s.n > 0;
}

static const struct ini_section *find_section(const struct ini *ini, struct span service)
{
	for (size_t i = 0; i < ini->n_sections; i++) {
		const struct ini_section *at = &ini->sections[i];

		if (span_eq(span_str(at->service), service) && !at->service == !service.p)
			return at;
	}
	return NULL;
}

/* Appends a section; @service is SPAN_NONE for [preforkd]. */
static int add_section(struct reading *reading, struct span service)
{
	struct ini *ini = reading->ini;
	const struct ini_section *twin = find_section(ini, service);

	if (twin)
		return FAIL(reading, "this section is already on line %u", twin->line);
	if (ini->n_sections == INI_SECTIONS_MAX)
		return FAIL(reading, "more than %u sections", INI_SECTIONS_MAX);

	struct ini_section *grown =
		realloc(ini->sections, (ini->n_sections + 1) * sizeof(*grown));
	if (!grown)
		return no_memory(reading);
	ini->sections = grown;
	char *name = service.p ? span_dup(service) : NULL;
	if (service.p && !name)
		return no_memory(reading);
	grown[ini->n_sections++] =
		(struct ini_section){.line = reading->line, .service = name};
	return 0;
}

/* @line begins with a bracket. */
static int read_heading(struct reading *reading, struct span line)
{
	if (line.p[line.n - 1] != ']')
		return FAIL(reading, "a section's line ends with ]");

	struct span inside = span_trim(span_of(line.p + 1, line.n - 2));
	if (span_eq(inside, SPAN("preforkd")))
		return add_section(reading, SPAN_NONE);

	struct span kind, service = inside;
	(void)span_cut(&service, ' ', &kind); /* true: there is something to cut */
	service = span_trim(service);
	if (!span_eq(kind, SPAN("service")))
		return FAIL(reading, "a section is [preforkd] or [service NAME]");
	if (!is_name(service) || service.n > INI_NAME_MAX)
		return FAIL(reading,
			"a service's name is 1 to %u letters, digits, '-', '_' and '.', "
			"and begins with a letter",
			INI_NAME_MAX);
	return add_section(reading, service);
}

/* The next line of the text, without what ends it. */
static struct span next_line(struct reading *reading)
{
	struct span line;

	(void)span_cut(&reading->rest, '\n', &line); /* true: the caller looked */
	reading->line++;
	if (reading->line == 1 && span_starts(line, SPAN("\xEF\xBB\xBF")))
		line = span_from(line, 3);
	if (span_ends(line, SPAN("\r")))
		line.n--;
	return span_trim(line); /* indentation would join lines */
}

/* inih's source of lines: fgets with the contract that what it gives is whole. */
static char *give_line(char *into, int room, void *arg)
{
	struct reading *reading = arg;

	if (reading->rc || !reading->rest.p)
		return NULL;

	struct span line = next_line(reading);
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f) {
			(void)FAIL(reading, "byte %zu of the text is a control character",
				i + 1);
			return NULL;
		}
	}
	if (line.n > INI_LINE_MAX || line.n + 2 > (size_t)room) {
		(void)FAIL(reading, "longer than %u bytes", INI_LINE_MAX);
		return NULL;
	}
	if (line.n && line.p[0] == '[' && read_heading(reading, line))
		return NULL;

	if (line.n)
		memcpy(into, line.p, line.n);
	into[line.n] = '\n';
	into[line.n + 1] = '\0';
	return into;
}

static int add_entry(struct reading *reading, struct ini_section *section, struct span name,
	struct span value)
{
	if (section->n_entries == INI_ENTRIES_MAX)
		return FAIL(
			reading, "more than %u settings in one section", INI_ENTRIES_MAX);

	struct ini_entry *grown =
		realloc(section->entries, (section->n_entries + 1) * sizeof(*grown));
	if (!grown)
		return no_memory(reading);
	section->entries = grown;

	struct ini_entry *entry = &grown[section->n_entries];
	*entry = (struct ini_entry){
		.line = reading->line, .name = span_dup(name), .value = span_dup(value)};
	section->n_entries++;
	if (!entry->name || !entry->value)
		return no_memory(reading);
	for (char *c = entry->name; *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return 0;
}

/* inih found "name = value". Returns nonzero for done, as inih wants. */
static int take_entry(
	void *arg, const char *section_name, const char *name, const char *value)
{
	struct reading *reading = arg;
	struct ini *ini = reading->ini;

	(void)section_name; /* cut at 50 bytes; the heading was read by read_heading */
	if (!ini->n_sections)
		return !FAIL(reading, "a setting before the first [section]");
	if (!is_name(span_str(name)))
		return !FAIL(reading, "a setting's name is letters, digits, '-' and '_'");
	return !add_entry(reading, &ini->sections[ini->n_sections - 1], span_str(name),
		span_str(value));
}

/* Debian's inih is set up by variables, for the whole process; nobody else here uses it. */
static void tame_inih(void)
{
	ini_use_stack = false; /* its stack buffer holds 200 bytes */
	ini_initial_alloc = INI_LINE_MAX + 3;
	ini_max_line = INI_LINE_MAX + 3;
	ini_allow_inline_comments = false;
	ini_allow_multiline = false;
}

int ini_read(const char *file, struct span text, struct ini **out, struct reason *reason)
{
	if (text.n > INI_FILE_MAX)
		return reason_set(reason, "%s: larger than 1 MiB", file);

	struct ini *ini = calloc(1, sizeof(*ini));
	struct reading reading = {.ini = ini, .rest = text, .reason = reason};
	if (!ini || !(ini->file = span_dup(span_str(file)))) {
		free(ini);
		errno = ENOMEM;
		return reason_errno(reason, "%s", file);
	}

	tame_inih();
	int bad = ini_parse_stream(give_line, &reading, take_entry, &reading);
	if (bad == -2)
		(void)no_memory(&reading);
	if (bad > 0 && (!reading.rc || (unsigned)bad < reading.line)) {
		reading.line = (unsigned)bad;
		(void)FAIL(&reading, "neither [section], nor name = value, nor # comment");
	}
	if (reading.rc) {
		ini_free(ini);
		return reading.rc;
	}
	*out = ini;
	return 0;
}

void ini_free(struct ini *ini)
{
	if (!ini)
		return;
	for (size_t i = 0; i < ini->n_sections; i++) {
		struct ini_section *section = &ini->sections[i];

		for (size_t j = 0; j < section->n_entries; j++) {
			free(section->entries[j].name);
			free(section->entries[j].value);
		}
		free(section->entries);
		free(section->service);
	}
	free(ini->sections);
	free(ini->file);
	free(ini);
}

const struct ini_entry *ini_find(const struct ini_section *section, const char *name)
{
	for (size_t i = section->n_entries; i-- > 0;) {
		if (opt_same_name(span_str(section->entries[i].name), span_str(name)))
			return &section->entries[i];
	}
	return NULL;
}

void ini_hint(const struct ini_entry *entry, struct reason *reason)
{
	const char *value = entry->value;
	struct reason bare = *reason;

	if (strstr(value, " #") || strstr(value, " ;"))
		(void)reason_set(
			reason, "%.420s; a comment has a line of its own", bare.text);
	else if (value[0] == '"' || value[0] == '\'')
		(void)reason_set(
			reason, "%.420s; a value is written without quotes", bare.text);
}

/* The line before entry @i that sets the same, or 0. */
static unsigned line_of_twin(const struct ini_section *section, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (!strcmp(section->entries[j].name, section->entries[i].name))
			return section->entries[j].line;
	}
	return 0;
}

static int apply_entry(const struct ini_section *section, size_t i,
	const struct opt_group *group, struct reason *reason)
{
	const struct ini_entry *entry = &section->entries[i];
	const struct opt *opt = opt_find(group, span_str(entry->name));
	unsigned twin = opt && opt->type != OPT_TYPE_LIST ? line_of_twin(section, i) : 0;

	if (twin)
		return reason_set(
			reason, "%s is already set on line %u", entry->name, twin);
	return opt_set(group, span_str(entry->name), span_str(entry->value), reason);
}

int ini_apply(const struct ini *ini, const struct ini_section *section,
	const struct opt_group *group, struct reason *reason)
{
	for (size_t i = 0; i < section->n_entries; i++) {
		int rc = apply_entry(section, i, group, reason);

		if (rc && reason)
			ini_hint(&section->entries[i], reason);
		if (rc)
			return place(ini->file, section->entries[i].line, rc, reason);
	}

	const struct opt *missing = opt_missing(group);
	if (missing)
		return place(ini->file, section->line,
			reason_set(reason, "this section lacks \"%s = %s\"", missing->name,
				missing->arg ? missing->arg : "..."),
			reason);
	return 0;
}
