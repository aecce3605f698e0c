/* SPDX-License-Identifier: MIT */

/* The witness of the benchmarks and of the fault tests is itself to be trusted. */

#include "../cmocka_all.h"

#include "load/answer.h"
#include "load/latency.h"

#include "base/util.h"

/* Reads @text in pieces of @step bytes: what answer_read said last, and the body. */
static int read_all(
	struct answer *a, const char *text, size_t step, char *body, size_t *left)
{
	struct span rest = span_str(text);
	size_t n_body = 0;
	int got = ANSWER_MORE;

	answer_start(a);
	while (rest.n > 0 && got == ANSWER_MORE) {
		struct span in = span_of(rest.p, MIN(step, rest.n));
		struct span piece;
		size_t given = in.n;
		while ((got = answer_read(a, &in, &piece)) == ANSWER_PIECE) {
			memcpy(body + n_body, piece.p, piece.n);
			n_body += piece.n;
		}
		rest = span_from(rest, given - in.n);
	}
	body[n_body] = '\0';
	*left = rest.n;
	return got;
}

static void an_answer_is_whole_at_its_last_byte_however_it_comes_in_pieces(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		unsigned status;
		const char *body;
		bool keeps_alive;
	} rows[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: v\r\n\r\n",
			200, "hello", true},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
			201, "", true},
		{"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, "", false},
		{"HTTP/1.0 404 Not Found\r\nContent-Length: 1\r\n\r\nx", 404, "x", false},
	};
	char body[64];
	size_t left;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t step = 1; step < 80; step++) {
			struct answer a;
			assert_int_equal(read_all(&a, rows[i].text, step, body, &left), 0);
			assert_int_equal(left, 0);
			assert_int_equal(a.status, rows[i].status);
			assert_string_equal(body, rows[i].body);
			assert_int_equal(a.n_body, strlen(rows[i].body));
			assert_int_equal(a.keeps_alive, rows[i].keeps_alive);
		}
	}
}

static void bytes_behind_an_answer_are_left_alone(void **state)
{
	(void)state;
	struct answer a;
	char body[64];
	size_t left;

	assert_int_equal(
		read_all(&a, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1", 99,
			body, &left),
		0);
	assert_int_equal(left, strlen("HTTP/1.1"));
}

static void what_is_not_an_answer_is_bad(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"SSH-2.0-OpenSSH\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
	};
	struct answer a;
	char body[64];
	size_t left;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(read_all(&a, texts[i], 7, body, &left), ANSWER_BAD);
}

static void the_end_of_the_connection_ends_only_an_answer_without_a_length(void **state)
{
	(void)state;
	struct answer a;
	char body[64];
	size_t left;

	assert_int_equal(
		read_all(&a, "HTTP/1.1 200 OK\r\n\r\nall", 99, body, &left), ANSWER_MORE);
	assert_string_equal(body, "all");
	assert_true(answer_end(&a));
	assert_int_equal(read_all(&a, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nall", 99,
				 body, &left),
		ANSWER_MORE);
	assert_false(answer_end(&a));
	assert_int_equal(read_all(&a, "HTTP/1.1 200", 99, body, &left), ANSWER_MORE);
	assert_false(answer_end(&a));
}

static void a_percentile_is_right_to_three_percent(void **state)
{
	(void)state;
	static struct latency l;

	assert_int_equal(latency_at(&l, 500), 0);
	for (uint64_t us = 1; us <= 1000; us++)
		latency_add(&l, us * 1000);

	assert_in_range(latency_at(&l, 500), 500'000, 516'000);
	assert_in_range(latency_at(&l, 990), 990'000, 1'000'000);
	assert_int_equal(latency_at(&l, 1000), 1'000'000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_answer_is_whole_at_its_last_byte_however_it_comes_in_pieces),
		cmocka_unit_test(bytes_behind_an_answer_are_left_alone),
		cmocka_unit_test(what_is_not_an_answer_is_bad),
		cmocka_unit_test(
			the_end_of_the_connection_ends_only_an_answer_without_a_length),
		cmocka_unit_test(a_percentile_is_right_to_three_percent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
