/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/util.h"
#include "log/access.h"
#include "os/fd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <jansson.h>

struct fixture {
	struct access access;
	int fd; /* a file */
	struct access_record record;
	char text[10000];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(setenv("TZ", "XST-1", 1), 0);
	(void)signal(SIGPIPE, SIG_IGN); /* as the program has it */
	f->fd = memfd_create("access", MFD_CLOEXEC);
	assert_int_equal(fcntl(f->fd, F_SETFL, O_APPEND), 0);
	f->record = (struct access_record){
		.peer = "2001:db8::1",
		.user = SPAN("ann"),
		.method = SPAN("GET"),
		.target = SPAN("/a%20b"),
		.version = SPAN("HTTP/1.1"),
		.user_agent = SPAN("curl/8 \"x\"\n"),
		.conn_id = 77,
		.wall_ns = 1795259071208000000,
		.duration_ns = 1500000,
		.bytes = 512,
		.status = 200,
		.is_whole = true,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	access_fini(&f->access);
	fd_close(&f->fd);
	free(f);
	return 0;
}

static const char *written(struct fixture *f)
{
	ssize_t n = pread(f->fd, f->text, sizeof(f->text) - 1, 0);

	f->text[n] = '\0';
	return f->text;
}

static void common_and_combined_are_what_log_readers_expect(void **state)
{
	struct fixture *f = *state;

	access_init(&f->access, f->fd, ACCESS_COMMON);
	access_add(&f->access, &f->record);
	f->record.user = SPAN("a b");
	f->record.status = 404;
	f->record.bytes = 0;
	access_add(&f->access, &f->record);
	access_fini(&f->access);
	access_init(&f->access, f->fd, ACCESS_COMBINED);
	f->record.user = SPAN_NONE;
	f->record.wall_ns += 31 * 86400 * NS_PER_SEC;
	access_add(&f->access, &f->record);
	access_flush(&f->access);

	assert_string_equal(written(f),
		"2001:db8::1 - ann [21/Nov/2026:12:04:31 +0100] "
		"\"GET /a%20b HTTP/1.1\" 200 512\n"
		"2001:db8::1 - a\\x20b [21/Nov/2026:12:04:31 +0100] "
		"\"GET /a%20b HTTP/1.1\" 404 0\n"
		"2001:db8::1 - - [22/Dec/2026:12:04:31 +0100] "
		"\"GET /a%20b HTTP/1.1\" 404 0 \"-\" \"curl/8 \\x22x\\x22\\x0a\"\n");
}

static void a_json_line_is_json_whatever_strangers_send(void **state)
{
	struct fixture *f = *state;
	char all_bytes[256];

	for (unsigned i = 0; i < sizeof(all_bytes); i++)
		all_bytes[i] = (char)i;
	f->record.target = span_of(all_bytes, sizeof(all_bytes));
	access_init(&f->access, f->fd, ACCESS_JSON);
	access_add(&f->access, &f->record);
	access_flush(&f->access);

	json_error_t error;
	json_t *line = json_loads(written(f), JSON_ALLOW_NUL, &error);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "time")),
		"2026-11-21T11:04:31.208Z");
	assert_string_equal(json_string_value(json_object_get(line, "user")), "ann");
	assert_true(json_is_null(json_object_get(line, "referer")));
	assert_string_equal(
		json_string_value(json_object_get(line, "user_agent")), "curl/8 \"x\"\n");
	assert_int_equal(json_integer_value(json_object_get(line, "status")), 200);
	assert_int_equal(json_integer_value(json_object_get(line, "duration_us")), 1500);
	assert_int_equal(json_integer_value(json_object_get(line, "conn")), 77);
	assert_true(json_is_true(json_object_get(line, "whole")));
	assert_int_equal(
		json_string_length(json_object_get(line, "target")), 128 + 3 * 128);
	assert_ptr_equal(strchr(f->text, '\n'), f->text + strlen(f->text) - 1);
	json_decref(line);
}

static void lines_are_gathered_and_none_is_lost_at_the_end(void **state)
{
	struct fixture *f = *state;
	off_t most_gathered = 0;

	access_init(&f->access, f->fd, ACCESS_COMMON);
	for (int i = 0; i < 1000; i++) {
		off_t before = lseek(f->fd, 0, SEEK_END);

		access_add(&f->access, &f->record);
		off_t wrote = lseek(f->fd, 0, SEEK_END) - before;
		assert_true(!wrote || wrote >= (off_t)ACCESS_FLUSH_BYTES);
		most_gathered = MAX(most_gathered, wrote);
	}
	assert_true(most_gathered > 0);
	access_fini(&f->access);

	off_t one = (off_t)(strchr(written(f), '\n') - f->text + 1);
	assert_int_equal(lseek(f->fd, 0, SEEK_END), 1000 * one);
}

static void a_reader_that_stands_still_costs_lines_and_no_time(void **state)
{
	struct fixture *f = *state;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	access_init(&f->access, ends[1], ACCESS_COMMON);
	while (!f->access.n_lost)
		access_add(&f->access, &f->record);
	assert_true(f->access.lines.n <= ACCESS_HELD_BYTES);
	assert_int_equal(f->access.lines.p[f->access.lines.n - 1], '\n');
	assert_int_equal(access_take_lost(&f->access), 1);
	assert_int_equal(access_take_lost(&f->access), 0);

	fd_close(&ends[0]); /* or the end would wait for it */
	access_reopen(&f->access, f->fd);
	assert_true(access_take_lost(&f->access) > 1000);
	access_add(&f->access, &f->record);
	access_flush(&f->access);
	assert_memory_equal(written(f), "2001:db8::1 - ann", 17);
	fd_close(&ends[1]);
}

static void what_was_gathered_belongs_to_the_old_file(void **state)
{
	struct fixture *f = *state;
	AUTO_CLOSE int new = memfd_create("new", MFD_CLOEXEC);

	access_init(&f->access, f->fd, ACCESS_COMMON);
	access_add(&f->access, &f->record);
	access_reopen(&f->access, new);
	access_add(&f->access, &f->record);
	access_flush(&f->access);
	assert_int_equal(lseek(new, 0, SEEK_END), lseek(f->fd, 0, SEEK_END));

	access_reopen(&f->access, -1);
	access_add(&f->access, &f->record);
	assert_int_equal(f->access.lines.n, 0);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILE(common_and_combined_are_what_log_readers_expect),
		WITH_FILE(a_json_line_is_json_whatever_strangers_send),
		WITH_FILE(lines_are_gathered_and_none_is_lost_at_the_end),
		WITH_FILE(a_reader_that_stands_still_costs_lines_and_no_time),
		WITH_FILE(what_was_gathered_belongs_to_the_old_file),
	};
	return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
