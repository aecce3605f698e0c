/* SPDX-License-Identifier: MIT */

/*
 * Whatever our parser accepts, another parser must accept and understand alike:
 * a request that two programs in a row read differently is how requests are
 * smuggled. The reverse does not hold; ours_is_stricter lists where.
 *
 * It may refuse what we accept in four places, none of which moves the end of
 * a message: a method it has not heard of, a byte above 0x7f in the target, a
 * target that http_target_read refuses later, and a tab behind a value.
 */

#include "../assert_span.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/chunk.h"
#include "http/head.h"
#include "http/target.h"
#include "http_peer.h"

#define HEADS  400'000u
#define BODIES 200'000u

static const char *const head_seeds[] = {
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /a/b%20c?d=e HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\nAccept: */*\r\n\r\n",
	"PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
	"PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
	"PROPFIND http://h:81/x HTTP/1.1\r\nhost: h\r\nDEPTH:1\r\nX:\r\nY: \t z \t\r\n\r\n",
	"\r\nOPTIONS * HTTP/1.1\r\nHost: [::1]\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n",
	"MOVE /a HTTP/1.1\r\nHost: h\r\nDestination: http://h/b\r\nOverwrite: F\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"DELETE / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
	"PATCH / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n",
};

static const char *const body_seeds[] = {
	"5\r\nhello\r\n0\r\n\r\n",
	"1;a=b\r\nx\r\n00A;\"q\"\r\n0123456789\r\n0\r\nDigest: x\r\nA:b\r\n\r\nGET",
	"ffffffffffffffff\r\nx",
	"0\r\n\r\n",
};

/* What an attacker would write in place of, or beside, what stands there. */
static const struct span pieces[] = {
	SPAN("\r"),
	SPAN("\n"),
	SPAN("\r\n"),
	SPAN("\r\n "),
	SPAN("\r\n\r\n"),
	SPAN(" "),
	SPAN("\t"),
	SPAN("\0"),
	SPAN("\x0b"),
	SPAN("\x80"),
	SPAN(":"),
	SPAN(","),
	SPAN(";"),
	SPAN("\""),
	SPAN("0"),
	SPAN("5"),
	SPAN("f"),
	SPAN("0x"),
	SPAN("+"),
	SPAN("-"),
	SPAN("HTTP/1.1"),
	SPAN("HTTP/1.0"),
	SPAN("chunked"),
	SPAN("identity"),
	SPAN("Content-Length: 6\r\n"),
	SPAN("Content-Length"),
	SPAN("Transfer-Encoding: chunked\r\n"),
	SPAN("Transfer-Encoding"),
	SPAN("Connection: keep-alive\r\n"),
	SPAN("Host: b\r\n"),
	SPAN("#"),
	SPAN("?"),
};

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* A seed with one to three places changed: a piece put in, over what stood there or not. */
static void mutate(struct buf *out, const char *text, uint32_t *seed)
{
	buf_clear(out);
	buf_put_str(out, text);
	for (unsigned n = 1 + next_random(seed) % 3; n > 0; n--) {
		char rest[512];
		size_t at = next_random(seed) % (out->n + 1);
		size_t drop = next_random(seed) % 4;
		struct span tail = span_from(span_from(buf_span(out), at), drop);

		memcpy(rest, tail.p, tail.n);
		out->n = at;
		buf_put_span(out, pieces[next_random(seed) % ARRAY_LEN(pieces)]);
		buf_put(out, rest, tail.n);
	}
	assert_false(out->failed);
}

static bool has_tab(const struct http_head *head)
{
	return span_find(span_of(head->bytes, head->n_bytes), '\t') < head->n_bytes;
}

/* The other takes Transfer-Encodings, a name of its own, for Transfer-Encoding. */
static bool has_longer_name(const struct http_head *head)
{
	static const struct span coding = SPAN("Transfer-Encoding");
	unsigned at = http_head_first(head, HTTP_H_OTHER);

	for (; at; at = http_head_next(head, at)) {
		struct span name = http_head_name(head, at);

		if (name.n > coding.n && span_ieq(span_of(name.p, coding.n), coding))
			return true;
	}
	return false;
}

static bool peer_may_refuse(const struct http_head *head)
{
	struct span target = http_head_target(head);
	struct http_target where;
	const char *why;

	for (size_t i = 0; i < target.n; i++) {
		if ((unsigned char)target.p[i] >= 0x80)
			return true;
	}
	return head->method == HTTP_UNKNOWN || has_tab(head)
	       || http_target_read(head, &where, &why) != 0;
}

/* In Connection the other gives up at a tab and at an empty item, which are allowed there.
 */
static bool is_plain_connection(const struct http_head *head)
{
	unsigned at = http_head_first(head, HTTP_H_CONNECTION);

	for (; at; at = http_head_next(head, at)) {
		struct span rest = http_head_value(head, at), option;

		while (span_cut(&rest, ',', &option)) {
			if (!span_trim(option).n)
				return false;
		}
	}
	return !has_tab(head);
}

static void assert_same_head(const struct http_head *ours, const struct http_peer *peer)
{
	assert_span(http_head_method(ours), peer->method);
	assert_true(span_eq(http_head_target(ours), peer->target));
	assert_int_equal(ours->n_bytes, peer->n_bytes);
	assert_int_equal(ours->body == HTTP_BODY_CHUNKED, peer->chunked);
	assert_int_equal(ours->body == HTTP_BODY_LENGTH, peer->has_length);
	if (is_plain_connection(ours))
		assert_int_equal(ours->keep_alive, peer->keep_alive);
	if (peer->has_length)
		assert_true(ours->length == peer->length);

	assert_int_equal(ours->n_fields, peer->n_fields);
	for (unsigned i = 0; i < peer->n_fields; i++) {
		assert_true(span_eq(http_head_name(ours, i + 1), peer->fields[i].name));
		assert_true(span_eq(
			http_head_value(ours, i + 1), span_trim(peer->fields[i].value)));
	}
}

static void what_ours_accepts_the_other_reads_alike(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(512);
	uint32_t seed = 20261121;
	unsigned n_accepted = 0;

	for (unsigned i = 0; i < HEADS; i++) {
		struct http_head head;
		struct http_peer peer;

		mutate(&text, head_seeds[i % ARRAY_LEN(head_seeds)], &seed);
		http_head_init(&head);
		if (http_head_parse(&head, buf_span(&text)) != HTTP_HEAD_DONE
			|| has_longer_name(&head))
			continue;
		bool accepted = http_peer_head(buf_span(&text), &peer);
		if (!accepted && peer_may_refuse(&head))
			continue;
		if (!accepted)
			fail_msg("only ours accepts \"%.*s\"", SPAN_FMT(buf_span(&text)));
		assert_same_head(&head, &peer);
		n_accepted++;
	}
	assert_true(n_accepted > HEADS / 20); /* else this compares nothing */
}

static int decode(struct span *in, struct buf *payload, struct buf *trailers)
{
	struct http_chunk chunk;
	struct span piece;
	int rc;

	http_chunk_init(&chunk, trailers);
	while ((rc = http_chunk_next(&chunk, in, &piece)) == HTTP_CHUNK_DATA)
		buf_put_span(payload, piece);
	return rc;
}

/* The other takes a trailer for a header and a second length for a contradiction. */
static bool frames(struct span trailers)
{
	struct span line, name;

	while (span_cut(&trailers, '\n', &line)) {
		name = span_of(line.p, span_find(line, ':'));
		if (span_ieq(name, SPAN("Content-Length"))
			|| span_ieq(name, SPAN("Transfer-Encoding")))
			return true;
	}
	return false;
}

static void a_body_ends_where_the_other_ends_it(void **state)
{
	(void)state;
	static const char head[] =
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
	AUTO_BUF text = BUF_INIT(512), request = BUF_INIT(1024), payload = BUF_INIT(1024);
	AUTO_BUF trailers = BUF_INIT(HTTP_TRAILER_MAX);
	uint32_t seed = 11;
	unsigned n_accepted = 0;

	for (unsigned i = 0; i < BODIES; i++) {
		struct http_peer peer;

		mutate(&text, body_seeds[i % ARRAY_LEN(body_seeds)], &seed);
		struct span rest = buf_span(&text);
		buf_clear(&payload);
		buf_clear(&trailers);
		if (decode(&rest, &payload, &trailers) != HTTP_CHUNK_END
			|| frames(buf_span(&trailers)))
			continue;

		buf_clear(&request);
		buf_put_str(&request, head);
		buf_put_span(&request, buf_span(&text));
		if (!http_peer_request(buf_span(&request), &peer))
			fail_msg("only ours accepts \"%.*s\"", SPAN_FMT(buf_span(&text)));
		assert_true(span_eq(buf_span(&payload), span_of(peer.body, peer.n_body)));
		assert_int_equal(request.n - rest.n, peer.n_bytes);
		n_accepted++;
	}
	assert_true(n_accepted > BODIES / 20);
}

static void ours_is_stricter(void **state)
{
	(void)state;
	static const char *const heads[] = {
		"GET / HTTP/1.1\nHost: a\n\n", /* lines that end with LF */
		"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", /* a folded line */
		"GET / HTTP/1.1\r\n\r\n",                          /* no Host */
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",    /* two */
		"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",             /* one that is no host */
		"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",              /* two spaces */
		"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",            /* a fragment */
		"\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",   /* many empty lines */
		"PUT / HTTP/1.1\r\nHost: a\r\nDepth: 0\r\nDepth: 1\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n",
		"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	};

	for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
		struct http_head head;
		struct http_peer peer;

		http_head_init(&head);
		assert_int_equal(http_head_parse(&head, span_str(heads[i])), HTTP_HEAD_BAD);
		if (!http_peer_head(span_str(heads[i]), &peer))
			fail_msg("the other refuses it too: %s", heads[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ours_accepts_the_other_reads_alike),
		cmocka_unit_test(a_body_ends_where_the_other_ends_it),
		cmocka_unit_test(ours_is_stricter),
	};
	return cmocka_run_group_tests_name("http_differential", tests, NULL, NULL);
}
