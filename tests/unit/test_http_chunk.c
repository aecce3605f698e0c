/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/util.h"
#include "http/chunk.h"

/* Decodes @in in pieces of at most @step bytes. *@left is what was not used. */
static int decode(struct span in, size_t step, struct buf *payload, struct buf *trailers,
	struct span *left)
{
	struct http_chunk chunk;
	struct span piece;
	int rc = HTTP_CHUNK_MORE;

	http_chunk_init(&chunk, trailers);
	while (in.n && rc == HTTP_CHUNK_MORE) {
		struct span part = span_of(in.p, MIN(step, in.n));
		size_t before = part.n;

		while ((rc = http_chunk_next(&chunk, &part, &piece)) == HTTP_CHUNK_DATA) {
			assert_true(piece.n > 0);
			buf_put_span(payload, piece);
		}
		in = span_from(in, before - part.n);
	}
	assert_true((rc == HTTP_CHUNK_BAD) == (chunk.why != NULL));
	*left = in;
	return rc;
}

static const struct {
	int rc;
	const char *payload, *left;
	struct span text;
} cases[] = {
	{HTTP_CHUNK_END, "", "", SPAN("0\r\n\r\n")},
	{HTTP_CHUNK_END, "hello world", "GET",
		SPAN("5\r\nhello\r\n006\r\n world\r\n0\r\n\r\nGET")},
	{HTTP_CHUNK_END, "0123456789", "",
		SPAN("A;name=\"v\";x\r\n0123456789\r\n00;e\r\n\r\n")},
	{HTTP_CHUNK_END, "a", "", SPAN("1\r\na\r\n0\r\nDigest: x\r\nB:\r\n\r\n")},
	{HTTP_CHUNK_MORE, "hel", "", SPAN("5\r\nhel")},
	{HTTP_CHUNK_MORE, "hello", "", SPAN("5\r\nhello\r\n0\r\n\r")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN(";x\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("g\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("-1\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0x1\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN(" 1\r\na")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("1 \r\na")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("1\na\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("1\r\r\na")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("1;x\na\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("1;x\0\r\na\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("8000000000000000\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("10000000000000005\r\nhello")},
	{HTTP_CHUNK_BAD, "a", NULL, SPAN("1\r\nab\r\n0\r\n\r\n")},
	{HTTP_CHUNK_BAD, "a", NULL, SPAN("1\r\na\n0\r\n\r\n")},
	{HTTP_CHUNK_BAD, "a", NULL, SPAN("1\r\na\r0\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\n\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA b: c\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA : c\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\n: c\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA: c\r\n folded\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA: c\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA: c\x01\r\n\r\n")},
	{HTTP_CHUNK_BAD, "", NULL, SPAN("0\r\nA\r\n\r\n")},
};

static void every_case_decodes_alike_in_pieces_of_any_size(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (size_t step = 1; step <= cases[i].text.n; step++) {
			AUTO_BUF payload = BUF_INIT(1000);
			struct span left;
			int rc = decode(cases[i].text, step, &payload, NULL, &left);

			if (rc != cases[i].rc)
				fail_msg("case %zu in pieces of %zu: %d", i, step, rc);
			assert_true(
				span_eq(buf_span(&payload), span_str(cases[i].payload)));
			if (cases[i].left)
				assert_span(left, cases[i].left);
		}
	}
}

static void trailers_are_kept_for_who_asks(void **state)
{
	(void)state;
	AUTO_BUF payload = BUF_INIT(10);
	AUTO_BUF trailers = BUF_INIT(HTTP_TRAILER_MAX);
	struct span left;

	int rc = decode(SPAN("0\r\nContent-Digest: sha-256=:x:\r\nB:\tc \r\n\r\n"), 7,
		&payload, &trailers, &left);

	assert_int_equal(rc, HTTP_CHUNK_END);
	assert_span(buf_span(&trailers), "Content-Digest: sha-256=:x:\r\nB:\tc \r\n");
}

static void long_lines_and_long_trailers_are_refused(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(2 * HTTP_TRAILER_MAX);
	AUTO_BUF payload = BUF_INIT(10);
	AUTO_BUF trailers = BUF_INIT(HTTP_TRAILER_MAX);
	struct span left;

	buf_put_str(&text, "1;");
	while (text.n < HTTP_CHUNK_LINE_MAX + 1)
		buf_put_byte(&text, 'x');
	assert_int_equal(
		decode(buf_span(&text), 100, &payload, NULL, &left), HTTP_CHUNK_BAD);
	assert_int_equal(
		decode(span_of(text.p, HTTP_CHUNK_LINE_MAX), 100, &payload, NULL, &left),
		HTTP_CHUNK_MORE);

	buf_clear(&text);
	buf_put_str(&text, "0\r\n");
	while (text.n < HTTP_TRAILER_MAX + 3)
		buf_put_str(&text, "A: b\r\n");
	assert_int_equal(
		decode(buf_span(&text), 100, &payload, &trailers, &left), HTTP_CHUNK_BAD);
	assert_false(trailers.failed);
}

static void what_is_written_can_be_read(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		const char *text;
	} heads[] = {{1, "1\r\n"}, {15, "f\r\n"}, {16, "10\r\n"},
		{0x12345678, "12345678\r\n"}, {UINT64_MAX, "ffffffffffffffff\r\n"}};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		char out[HTTP_CHUNK_HEAD_MAX];
		size_t n = http_chunk_head(out, heads[i].n);

		assert_span(span_of(out, n), heads[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_decodes_alike_in_pieces_of_any_size),
		cmocka_unit_test(trailers_are_kept_for_who_asks),
		cmocka_unit_test(long_lines_and_long_trailers_are_refused),
		cmocka_unit_test(what_is_written_can_be_read),
	};
	return cmocka_run_group_tests_name("http_chunk", tests, NULL, NULL);
}
