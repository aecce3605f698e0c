/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "conf/args.h"
#include "conf/ini.h"
#include "conf/near.h"
#include "conf/opt.h"

#include <errno.h>
#include <stdlib.h>

enum model { MODEL_FORK, MODEL_POOL, MODEL_RING };
static const char *const models[] = {"fork", "pool", "ring", NULL};

struct core {
	struct opt_list listen;
	struct opt_range workers;
	enum model model;
	uint64_t start_deadline_ns;
};

static const struct opt core_opts[] = {
	{"listen", OPT_LIST(struct core, listen), .arg = "ADDRESS", .flags = OPT_REQUIRED,
		.letter = 'l', .help = "where to listen"},
	{"workers", OPT_RANGE(struct core, workers), .arg = "MIN..MAX", .deflt = "4..64",
		.min = 1, .max = 4096, .help = "processes"},
	{"model", OPT_CHOICE(struct core, model), .arg = "MODEL", .deflt = "pool",
		.choices = models, .help = "how a connection reaches a process"},
	{"start_deadline", OPT_DURATION(struct core, start_deadline_ns), .arg = "TIME",
		.deflt = "10s", .min = NS_PER_SEC, .max = 3600 * NS_PER_SEC,
		.help = "a worker that is not ready by then is killed, and another is made "
			"after a pause"},
};

struct drive {
	char *root;
	bool read_only;
	uint64_t max_upload;
	uint64_t depth;
	uint64_t quota;
	struct opt_list index;
};

static const struct opt drive_opts[] = {
	{"root", OPT_PATH(struct drive, root), .arg = "DIR", .help = "the folder"},
	{"read_only", OPT_BOOL(struct drive, read_only), .deflt = "no", .letter = 'r',
		.help = "nothing is ever changed"},
	{"max_upload", OPT_BYTES(struct drive, max_upload), .arg = "SIZE", .deflt = "64G",
		.help = "the largest file"},
	{"depth", OPT_UINT(struct drive, depth), .deflt = "20", .max = 1000,
		.help = "levels"},
	{"quota", OPT_BYTES(struct drive, quota), .deflt = "0", .help = "0 is none"},
	{"index", OPT_LIST(struct drive, index), .deflt = "index.html", .help = "pages"},
};

struct fixture {
	struct core core;
	struct drive drive;
	struct opt_group groups[2];
	struct reason reason;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->groups[0] = OPT_GROUP("Every service", core_opts, &f->core);
	f->groups[1] = OPT_GROUP("The drive", drive_opts, &f->drive);
	f->groups[0].next = &f->groups[1];
	*state = f;
	return opt_defaults(f->groups, &f->reason);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	opt_fini(f->groups);
	free(f);
	return 0;
}

static int set(struct fixture *f, const char *name, const char *value)
{
	return opt_set(f->groups, span_str(name), span_str(value), &f->reason);
}

/* Reads @text and applies its first section. */
static int read_and_apply(struct fixture *f, const char *text)
{
	struct ini *ini;
	int rc = ini_read("x.conf", span_str(text), &ini, &f->reason);

	if (rc)
		return rc;
	rc = ini_apply(ini, &ini->sections[0], f->groups, &f->reason);
	ini_free(ini);
	return rc;
}

static void settings_begin_as_the_table_says(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->core.workers.min, 4);
	assert_int_equal(f->core.workers.max, 64);
	assert_int_equal(f->core.model, MODEL_POOL);
	assert_true(f->core.start_deadline_ns == 10 * NS_PER_SEC);
	assert_true(f->drive.max_upload == 64 * GIB);
	assert_int_equal(f->drive.index.n, 1);
	assert_false(f->drive.index.given);
	assert_null(f->drive.root);
}

static void each_type_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "workers", " 7 "), 0);
	assert_int_equal(f->core.workers.min, 7);
	assert_int_equal(f->core.workers.max, 7);
	assert_int_equal(set(f, "model", "ring"), 0);
	assert_int_equal(f->core.model, MODEL_RING);
	assert_int_equal(set(f, "start-deadline", "2m"), 0);
	assert_true(f->core.start_deadline_ns == 120 * NS_PER_SEC);
	assert_int_equal(set(f, "read_only", "on"), 0);
	assert_true(f->drive.read_only);
	assert_int_equal(set(f, "read_only", "false"), 0);
	assert_false(f->drive.read_only);
	assert_int_equal(set(f, "root", "/srv/my files"), 0);
	assert_string_equal(f->drive.root, "/srv/my files");
	assert_int_equal(set(f, "root", ""), 0);
	assert_null(f->drive.root);
}

static void a_wrong_value_changes_nothing_and_the_sentence_says_what_is_allowed(
	void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name, *value, *says;
	} wrong[] = {
		{"workers", "4..x",
			"workers: \"4..x\" is not a number or MIN..MAX, such as 4..64"},
		{"workers", "", "workers: \"\" is not a number or MIN..MAX, such as 4..64"},
		{"workers", "9..2", "workers: 9..2 has its ends reversed"},
		{"workers", "0..4",
			"workers: 0..4 is out of bounds; it must be at least 1 and at most 4096"},
		{"start_deadline", "2ms",
			"start_deadline: 2ms is out of bounds; it must be at least 1s and at most 1h"},
		{"start_deadline", "soon",
			"start_deadline: \"soon\" is not a time, such as 10s"},
		{"depth", "1001", "depth: 1001 is out of bounds; it must be at most 1000"},
		{"depth", "-1", "depth: \"-1\" is not a number, such as 20"},
		{"model", "pol", "model: \"pol\" is not fork, pool or ring"},
		{"read_only", "YES!", "read_only: \"YES!\" is not yes or no"},
		{"max_upload", "big", "max_upload: \"big\" is not a size, such as 64G"},
		{"quota", "5Q", "quota: \"5Q\" is not a size, such as 64K, 10M or 2G"},
		{"root", "a\nb", "root: byte 2 is a control character"},
		{"wrokers", "1",
			"\"wrokers\" is not a setting that is known here; is it workers?"},
		{"read-onyl", "1",
			"\"read-onyl\" is not a setting that is known here; is it read_only?"},
		{"entirely", "1", "\"entirely\" is not a setting that is known here"},
		{"a\"b\x1b", "1", "\"a\\x22b\\x1b\" is not a setting that is known here"},
	};
	AUTO_BUF before = BUF_INIT(10000), after = BUF_INIT(10000);

	opt_print(f->groups, &before);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(set(f, wrong[i].name, wrong[i].value), -EINVAL);
		assert_string_equal(f->reason.text, wrong[i].says);
	}
	opt_print(f->groups, &after);
	assert_true(span_eq(buf_span(&before), buf_span(&after)));
}

static void the_first_value_of_a_list_replaces_its_default_and_an_empty_one_empties_it(
	void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, "index", "a.html"), 0);
	assert_int_equal(set(f, "index", "b.html"), 0);
	assert_int_equal(f->drive.index.n, 2);
	assert_string_equal(f->drive.index.items[0], "a.html");
	assert_int_equal(set(f, "index", ""), 0);
	assert_int_equal(f->drive.index.n, 0);

	for (unsigned i = 0; i < OPT_LIST_MAX; i++)
		assert_int_equal(set(f, "index", "x"), 0);
	assert_int_equal(set(f, "index", "x"), -EINVAL);
	assert_int_equal(f->drive.index.n, OPT_LIST_MAX);
}

static void what_is_printed_reads_back_the_same(void **state)
{
	struct fixture *f = *state;
	AUTO_BUF text = BUF_INIT(10000), again = BUF_INIT(10000);

	assert_int_equal(set(f, "listen", "127.0.0.1:1"), 0);
	assert_int_equal(set(f, "listen", "[::1]:1"), 0);
	assert_int_equal(set(f, "index", ""), 0);
	assert_int_equal(set(f, "root", "/a ; b # c = d"), 0);
	assert_int_equal(set(f, "start_deadline", "90s"), 0);
	assert_int_equal(set(f, "max_upload", "1025"), 0);
	buf_put_str(&text, "[preforkd]\n");
	opt_print(f->groups, &text);
	assert_non_null(strstr(buf_cstr(&text), "\nlisten = [::1]:1\n"));
	assert_non_null(strstr(buf_cstr(&text), "\nindex =\n"));
	assert_non_null(strstr(buf_cstr(&text), "\nstart_deadline = 90s\n"));

	opt_fini(f->groups);
	assert_int_equal(opt_defaults(f->groups, &f->reason), 0);
	assert_int_equal(read_and_apply(f, buf_cstr(&text)), 0);
	buf_put_str(&again, "[preforkd]\n");
	opt_print(f->groups, &again);
	assert_string_equal(buf_cstr(&text), buf_cstr(&again));
}

static void help_stands_in_columns_and_fits_the_terminal(void **state)
{
	struct fixture *f = *state;
	AUTO_BUF help = BUF_INIT(10000);
	struct span rest, line;

	opt_help(f->groups, &help);
	const char *text = buf_cstr(&help);

	assert_non_null(strstr(text, "Every service:\n"
				     "  -l, --listen ADDRESS        where to listen\n"));
	assert_non_null(strstr(text, "\n      --start-deadline TIME   a worker"));
	assert_non_null(strstr(text, " a process: fork|pool|ring\n"));
	assert_non_null(
		strstr(text, "   (default: pool)\n      --start-deadline TIME   a worker"));
	assert_non_null(strstr(text, "\n\nThe drive:\n      --root DIR"));
	rest = buf_span(&help);
	while (span_cut(&rest, '\n', &line))
		assert_true(line.n <= 80);
}

static void a_command_line_sets_options_and_leaves_operands(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"one", "--read-only", "--workers=2..3", "-l", ":1", "two",
		"-l:2", "--model", "fork", "-", "--", "--root", NULL};

	assert_int_equal(args_parse(f->groups, (char **)argv, 0, &f->reason), 4);
	assert_string_equal(argv[0], "one");
	assert_string_equal(argv[1], "two");
	assert_string_equal(argv[2], "-");
	assert_string_equal(argv[3], "--root");
	assert_null(argv[4]);
	assert_true(f->drive.read_only);
	assert_int_equal(f->core.workers.min, 2);
	assert_int_equal(f->core.listen.n, 2);
	assert_string_equal(f->core.listen.items[1], ":2");
	assert_int_equal(f->core.model, MODEL_FORK);
}

static void another_programs_options_are_its_own(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"-r", "tr", "-l", "a-z", NULL};

	assert_int_equal(args_parse(f->groups, (char **)argv, ARGS_STOP, &f->reason), 3);
	assert_string_equal(argv[1], "-l");
	assert_int_equal(f->core.listen.n, 0);
}

static void a_wrong_command_line_is_explained(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *arg;
		const char *says;
	} wrong[] = {
		{"--wokers=3", "--wokers: no such option; is it --workers?"},
		{"--read_onli", "--read_onli: no such option; is it --read-only?"},
		{"--zzz", "--zzz: no such option; see --help"},
		{"-z", "-z: no such option; see --help"},
		{"--workers", "workers: it needs a value, such as 4..64"},
		{"--read-only=maybe", "read_only: \"maybe\" is not yes or no"},
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		const char *argv[] = {wrong[i].arg, NULL};

		assert_int_equal(
			args_parse(f->groups, (char **)argv, 0, &f->reason), -EINVAL);
		assert_string_equal(f->reason.text, wrong[i].says);
	}
}

static void a_file_is_sections_of_settings_with_their_lines(void **state)
{
	struct fixture *f = *state;
	struct ini *ini = NULL;

	assert_int_equal(
		ini_read("x.conf",
			SPAN("\xEF\xBB\xBF# first\r\n[preforkd]\n\n[service files]\n"
			     "  listen = :1 ; # not a comment\n\tlisten=:2\n; a comment\n"
			     "read-only: yes\n[service b.2]"),
			&ini, &f->reason),
		0);

	assert_int_equal(ini->n_sections, 3);
	assert_null(ini->sections[0].service);
	assert_int_equal(ini->sections[0].n_entries, 0);
	struct ini_section *files = &ini->sections[1];
	assert_string_equal(files->service, "files");
	assert_int_equal(files->line, 4);
	assert_int_equal(files->n_entries, 3);
	assert_string_equal(files->entries[0].value, ":1 ; # not a comment");
	assert_int_equal(files->entries[0].line, 5);
	assert_string_equal(ini_find(files, "listen")->value, ":2");
	assert_string_equal(files->entries[2].name, "read_only");
	assert_string_equal(files->entries[2].value, "yes");
	assert_int_equal(files->entries[2].line, 8);
	assert_null(ini_find(files, "root"));
	assert_string_equal(ini->sections[2].service, "b.2");
	ini_free(ini);
}

static void a_bad_file_is_refused_with_its_line(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"workers = 1", "x.conf:1: a setting before the first [section]"},
		{"[service a]\nlisten = :1\n\nnonsense\nmore nonsense\n[",
			"x.conf:4: neither [section], nor name = value, nor # comment"},
		{"[service a]\n= 3",
			"x.conf:2: a setting's name is letters, digits, '-' and '_'"},
		{"[service a", "x.conf:1: a section's line ends with ]"},
		{"[service a] # b", "x.conf:1: a section's line ends with ]"},
		{"[services a]", "x.conf:1: a section is [preforkd] or [service NAME]"},
		{"[]", "x.conf:1: a section is [preforkd] or [service NAME]"},
		{"[service]",
			"x.conf:1: a service's name is 1 to 32 letters, digits, '-', '_' "
			"and '.', and begins with a letter"},
		{"[service a]\n[preforkd]\n[service a]",
			"x.conf:3: this section is already on line 1"},
		{"[service a]\nroot = a\x01",
			"x.conf:2: byte 9 of the text is a control character"},
		{"[service a]\nlisten = :1\nworkers = 1\nworkers = 2",
			"x.conf:4: workers is already set on line 3"},
		{"[service a]\nlisten = :1\nwokers = 1",
			"x.conf:3: \"wokers\" is not a setting that is known here; is it workers?"},
		{"#\n[service a]\nworkers = 1",
			"x.conf:2: this section lacks \"listen = ADDRESS\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		opt_fini(f->groups);
		assert_int_equal(opt_defaults(f->groups, &f->reason), 0);
		assert_int_equal(read_and_apply(f, wrong[i].text), -EINVAL);
		assert_string_equal(f->reason.text, wrong[i].says);
	}
}

static void a_long_line_is_refused_and_never_cut(void **state)
{
	struct fixture *f = *state;
	AUTO_BUF text = BUF_INIT(20000);
	struct ini *ini = NULL;

	buf_put_str(&text, "[service a]\nroot = ");
	for (unsigned i = 0; i < OPT_VALUE_MAX; i++)
		buf_put_byte(&text, 'x');
	assert_int_equal(ini_read("x", buf_span(&text), &ini, &f->reason), 0);
	assert_int_equal(strlen(ini->sections[0].entries[0].value), OPT_VALUE_MAX);
	ini_free(ini);

	for (unsigned i = 0; i < 300; i++)
		buf_put_byte(&text, 'x');
	assert_int_equal(ini_read("x", buf_span(&text), &ini, &f->reason), -EINVAL);
	assert_string_equal(f->reason.text, "x:2: longer than 4352 bytes");
}

static void words_are_as_near_as_the_letters_between_them(void **state)
{
	(void)state;
	assert_int_equal(near_steps(SPAN("workers"), SPAN("workers")), 0);
	assert_int_equal(near_steps(SPAN("read-only"), SPAN("read_only")), 0);
	assert_int_equal(near_steps(SPAN("wrokers"), SPAN("workers")), 1);
	assert_int_equal(near_steps(SPAN("kitten"), SPAN("sitting")), 3);
	assert_int_equal(near_steps(SPAN(""), SPAN("abc")), 3);
	assert_true(
		near_steps(SPAN("a"), SPAN("0123456789012345678901234567890123")) > 100);
}

int main(void)
{
#define WITH_SETTINGS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SETTINGS(settings_begin_as_the_table_says),
		WITH_SETTINGS(each_type_is_read),
		WITH_SETTINGS(
			a_wrong_value_changes_nothing_and_the_sentence_says_what_is_allowed),
		WITH_SETTINGS(
			the_first_value_of_a_list_replaces_its_default_and_an_empty_one_empties_it),
		WITH_SETTINGS(what_is_printed_reads_back_the_same),
		WITH_SETTINGS(help_stands_in_columns_and_fits_the_terminal),
		WITH_SETTINGS(a_command_line_sets_options_and_leaves_operands),
		WITH_SETTINGS(another_programs_options_are_its_own),
		WITH_SETTINGS(a_wrong_command_line_is_explained),
		WITH_SETTINGS(a_file_is_sections_of_settings_with_their_lines),
		WITH_SETTINGS(a_bad_file_is_refused_with_its_line),
		WITH_SETTINGS(a_long_line_is_refused_and_never_cut),
		cmocka_unit_test(words_are_as_near_as_the_letters_between_them),
	};
	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
