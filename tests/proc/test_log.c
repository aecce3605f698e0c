/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct fixture {
	struct log log; /* writes into the pipe */
	int reader;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 8192), 8192);
	f->reader = ends[0];
	f->log = LOG_NONE;
	log_adopt(&f->log, ends[1]);
	log_as(&f->log, "files", 3);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_fini(&f->log);
	fd_close(&f->reader);
	free(f);
	return 0;
}

/* What is in the pipe now, as a string. */
static const char *read_all(int fd, char *text, size_t cap)
{
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	ssize_t n = read(fd, text, cap - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Skips "12:04:31.208 ", and checks that it is that. */
static const char *behind_time(const char *line)
{
	static const char shape[] = "00:00:00.000 ";

	for (size_t i = 0; i < sizeof(shape) - 1; i++) {
		if (shape[i] == '0')
			assert_in_range(line[i], '0', '9');
		else
			assert_int_equal(line[i], shape[i]);
	}
	return line + sizeof(shape) - 1;
}

static void an_event_is_one_line(void **state)
{
	struct fixture *f = *state;
	char text[9000];
	const bool begun = true; /* clang 14's own true is an int */

	log_warn(&f->log, "worker-died", LOG_SAY("worker was killed by %s", "SIGSEGV"),
		KV("pid", 4121), KV("up_s", (uint64_t)812), KV("offset", -1L),
		KV("begun", begun), KV("path", "/a"), KV("agent", SPAN("x y")),
		KV("user", SPAN_NONE), KV("empty", ""));

	assert_string_equal(behind_time(read_all(f->reader, text, sizeof(text))),
		"warn files[3] worker-died: worker was killed by SIGSEGV pid=4121 up_s=812 "
		"offset=-1 begun=yes path=/a agent=\"x y\" user=- empty=\"\"\n");
}

static int evaluated(int *n)
{
	return ++*n;
}

static void what_is_not_wanted_is_not_even_evaluated(void **state)
{
	struct fixture *f = *state;
	char text[9000];
	int n = 0;

	log_debug(&f->log, "detail", "never seen", KV("n", evaluated(&n)));
	assert_int_equal(n, 0);
	f->log.level = LOG_DEBUG;
	log_as(&f->log, "sup", -1);
	log_debug(&f->log, "detail", "seen");

	assert_string_equal(behind_time(read_all(f->reader, text, sizeof(text))),
		"debug sup detail: seen\n");
}

static void strangers_cannot_forge_a_line_or_a_field(void **state)
{
	struct fixture *f = *state;
	char text[9000], wide[1000];

	memset(wide, 'w', sizeof(wide));
	log_error(&f->log, "odd", "said \"no\"\n12:00:00.000 error fake",
		KV("target", SPAN("a b=\"c\"\n\x1b[2J\xc3\xa9")),
		KV("wide", span_of(wide, sizeof(wide))));

	const char *line = behind_time(read_all(f->reader, text, sizeof(text)));
	const char *end = strchr(line, '\n');
	assert_non_null(end);
	assert_int_equal(end[1], '\0');
	assert_non_null(strstr(line, "odd: said \"no\"\\x0a12:00"));
	assert_non_null(strstr(
		line, " target=\"a b=\\x22c\\x22\\x0a\\x1b[2J\\xc3\\xa9\" wide=\"www"));
	assert_true((size_t)(end - line) < 2 * LOG_VALUE_MAX + 100);
}

static void a_line_that_does_not_fit_is_cut_and_says_so(void **state)
{
	struct fixture *f = *state;
	char text[9000], wide[LOG_VALUE_MAX];

	memset(wide, '\x01', sizeof(wide));
	struct span w = span_of(wide, sizeof(wide));
	log_warn(&f->log, "wide", "many", KV("a", w), KV("b", w), KV("c", w), KV("d", w),
		KV("e", w), KV("f", w));

	size_t n = strlen(read_all(f->reader, text, sizeof(text)));
	assert_true(n < LOG_LINE_MAX);
	assert_string_equal(text + n - 4, "...\n");
}

static void a_full_pipe_does_not_block_and_the_losses_are_counted(void **state)
{
	struct fixture *f = *state;
	char text[9000];
	unsigned n_written = 0;

	while (f->log.n_lost < 5) {
		log_info(&f->log, "flood", "one more line that nobody reads");
		n_written++;
	}
	assert_true(n_written > 5);
	(void)read_all(f->reader, text, sizeof(text));
	log_info(&f->log, "after", "somebody reads again");

	const char *line = behind_time(read_all(f->reader, text, sizeof(text)));
	const char *second = "warn files[3] log-lost: 5 lines lost\n";
	assert_memory_equal(line, second, strlen(second));
	assert_string_equal(behind_time(line + strlen(second)),
		"info files[3] after: somebody reads again\n");
	assert_int_equal(f->log.n_lost, 0);
}

static void a_reader_that_went_away_harms_nobody(void **state)
{
	struct fixture *f = *state;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fd_close(&ends[0]);
	log_adopt(&f->log, ends[1]);
	log_info(&f->log, "gone", "to nobody");
	assert_int_equal(f->log.n_lost, 1);
}

static void a_file_is_appended_to_with_the_date_and_can_be_moved_away(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/conf.log.XXXXXX", path[64], old[64], text[500];
	struct stat st;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	(void)snprintf(old, sizeof(old), "%s/old", dir);
	assert_int_equal(log_to_file(&f->log, path, NULL), 0);
	log_info(&f->log, "a", "first");
	assert_int_equal(rename(path, old), 0);
	log_info(&f->log, "b", "still there");
	assert_int_equal(log_to_file(&f->log, path, NULL), 0);
	log_info(&f->log, "c", "in the new one");

	AUTO_CLOSE int fd = open(old, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n] = '\0';
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], ' ');
	(void)behind_time(text + 11);
	assert_non_null(strstr(text, "first\n"));
	assert_non_null(strstr(text, "still there\n"));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(st.st_mode & 07777 & ~0640u, 0);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(unlink(old), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_file_that_cannot_be_opened_is_refused_and_the_log_goes_on(void **state)
{
	struct fixture *f = *state;
	char text[500];
	struct reason reason;

	assert_int_equal(log_to_file(&f->log, "/nonexistent/log", &reason), -ENOENT);
	assert_string_equal(reason.text,
		"cannot open the log /nonexistent/log: No such file or directory");
	log_info(&f->log, "on", "as before");
	assert_non_null(strstr(read_all(f->reader, text, sizeof(text)), "as before"));
}

static void the_journal_gets_priorities_and_no_time(void **state)
{
	struct fixture *f = *state;
	char text[500], stream[64];
	struct stat st;
	AUTO_CLOSE int fd = fcntl(f->log.fd, F_DUPFD_CLOEXEC, 3);

	assert_int_equal(fstat(fd, &st), 0);
	(void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_adopt(&f->log, fd_take(&fd));
	log_warn(&f->log, "here", "is a line");
	assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);

	assert_string_equal(read_all(f->reader, text, sizeof(text)),
		"<4>warn files[3] here: is a line\n");
}

static void our_own_descriptor_leaves_the_shells_blocking(void **state)
{
	struct fixture *f = *state;
	AUTO_CLOSE int own = out_open_fd(f->log.fd);

	assert_true(own >= 0);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(f->log.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(own, F_GETFD) & FD_CLOEXEC);
}

static void who_shares_a_file_with_the_log_does_not_write_over_it(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/test-log-XXXXXX", text[100];
	AUTO_CLOSE int shells = mkstemp(path);
	AUTO_CLOSE int reader = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(shells >= 0 && reader >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(shells, "before\n", 7), 7);
	int own = out_open_fd(shells);
	assert_true(own >= 0);
	log_adopt(&f->log, own);
	f->log.stamp = LOG_STAMP_NONE;
	log_warn(&f->log, "here", "is a line");
	assert_int_equal(write(shells, "after\n", 6), 6);

	assert_string_equal(read_all(reader, text, sizeof(text)),
		"before\n<4>warn files[3] here: is a line\nafter\n");
}

int main(void)
{
#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_PIPE(an_event_is_one_line),
		WITH_PIPE(what_is_not_wanted_is_not_even_evaluated),
		WITH_PIPE(strangers_cannot_forge_a_line_or_a_field),
		WITH_PIPE(a_line_that_does_not_fit_is_cut_and_says_so),
		WITH_PIPE(a_full_pipe_does_not_block_and_the_losses_are_counted),
		WITH_PIPE(a_reader_that_went_away_harms_nobody),
		WITH_PIPE(a_file_is_appended_to_with_the_date_and_can_be_moved_away),
		WITH_PIPE(a_file_that_cannot_be_opened_is_refused_and_the_log_goes_on),
		WITH_PIPE(the_journal_gets_priorities_and_no_time),
		WITH_PIPE(our_own_descriptor_leaves_the_shells_blocking),
		WITH_PIPE(who_shares_a_file_with_the_log_does_not_write_over_it),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
