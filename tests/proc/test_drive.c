/* SPDX-License-Identifier: MIT */

/* The drive's request code on a socket pair and a temporary folder, in one process. */

#include "cmocka_all.h"

#include "one.h"

#include "base/buf.h"
#include "service/drive/drive.h"
#include "service/drive/policy.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOST        "Host: localhost\r\n"
#define SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

struct scene {
	char root[32];
	struct policy policy;
	struct opt_group group;
	struct one *one;
	int client; /* -1 when it has been closed */
	struct buf got;
};

static void dial(struct scene *s)
{
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	s->client = ends[0];
	one_give(s->one, ends[1]);
}

static int begin(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	struct reason reason;

	snprintf(s->root, sizeof(s->root), "/tmp/drive.XXXXXX");
	assert_non_null(mkdtemp(s->root));
	s->group = OPT_GROUP("drive", policy_opts, &s->policy);
	assert_int_equal(opt_defaults(&s->group, &reason), 0);
	assert_int_equal(opt_set(&s->group, SPAN("root"), span_str(s->root), &reason), 0);
	assert_int_equal(opt_set(&s->group, SPAN("max_upload"), SPAN("1M"), &reason), 0);
	s->one = one_start(&drive_service, &s->policy, -1);
	s->got = BUF_INIT(8 * MIB);
	dial(s);
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *, int, struct FTW *)
{
	return remove(path);
}

static int end(void **state)
{
	struct scene *s = *state;

	if (s->client >= 0)
		close(s->client);
	one_stop(s->one);
	buf_fini(&s->got);
	opt_fini(&s->group);
	(void)nftw(s->root, remove_one, 16,
		FTW_DEPTH | FTW_PHYS); /* a leftover harms nobody */
	free(s);
	return 0;
}

static void receive(struct scene *s)
{
	for (;;) {
		char *to = buf_reserve(&s->got, 64 * KIB);
		assert_non_null(to);
		ssize_t n = recv(s->client, to, 64 * KIB, 0);
		if (n <= 0)
			return;
		s->got.n += (size_t)n;
	}
}

/* Sends @bytes and returns, as a string, all that comes until nothing moves any more. */
static const char *say(struct scene *s, struct span bytes)
{
	buf_clear(&s->got);
	while (bytes.n > 0) {
		ssize_t n = send(s->client, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0)
			break; /* the drive ended the connection */
		bytes = span_from(bytes, (size_t)n);
		one_settle(s->one);
	}
	do
		receive(s);
	while (one_turn(s->one, 0) > 0);
	receive(s);
	return buf_cstr(&s->got);
}

#define SAY(s, literal) say((s), SPAN(literal))

static void put_file(const struct scene *s, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", s->root, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static bool file_is(const struct scene *s, const char *name, const char *text)
{
	char path[128], got[256] = {0};
	snprintf(path, sizeof(path), "%s/%s", s->root, name);
	FILE *f = fopen(path, "r");
	if (!f)
		return text == NULL;
	size_t n = fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	return text && n == strlen(text) && strcmp(got, text) == 0;
}

static void assert_starts(const char *text, const char *with)
{
	assert_non_null(text);
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("expected %s..., got: %s", with, text);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

static void a_file_is_answered_and_the_connection_goes_on(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "hello");

	const char *got = SAY(s, "GET /a HTTP/1.1\r\n" HOST "\r\n");
	assert_starts(got, "HTTP/1.1 200 ");
	assert_non_null(strstr(got, "\r\n\r\nhello"));
	assert_starts(SAY(s, "HEAD /a HTTP/1.1\r\n" HOST "\r\n"), "HTTP/1.1 200 ");
	assert_null(strstr(buf_cstr(&s->got), "hello"));
	assert_int_equal(one_conns(s->one), 1);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct scene *s = *state;
	AUTO_BUF many = BUF_INIT(64 * KIB);
	put_file(s, "a", "first");
	put_file(s, "b", "second");

	for (int i = 0; i < 50; i++) {
		buf_put_str(&many, "GET /a HTTP/1.1\r\n" HOST "\r\n");
		buf_put_str(&many, "GET /b HTTP/1.1\r\n" HOST "\r\n");
	}
	const char *got = say(s, buf_span(&many));

	assert_int_equal(count(got, "HTTP/1.1 200 "), 100);
	assert_int_equal(count(got, "first"), 50);
	assert_true(strstr(got, "first") < strstr(got, "second"));
}

static void a_head_may_come_byte_by_byte(void **state)
{
	struct scene *s = *state;
	static const char request[] = "GET /a HTTP/1.1\r\n" HOST "\r\n";
	const char *got = NULL;
	put_file(s, "a", "hello");

	for (size_t i = 0; i + 1 < sizeof(request); i++) {
		got = say(s, span_of(request + i, 1));
		if (i + 2 < sizeof(request))
			assert_int_equal(s->got.n, 0);
	}
	assert_starts(got, "HTTP/1.1 200 ");
}

static void an_upload_replaces_a_file_when_it_is_whole(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "old");

	SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 6\r\n\r\nne");
	assert_true(file_is(s, "a", "old"));
	assert_starts(SAY(s, "wish"), "HTTP/1.1 204 ");
	assert_true(file_is(s, "a", "newish"));

	const char *got =
		SAY(s, "PUT /b HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
		       "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
		       "GET /b HTTP/1.1\r\n" HOST "\r\n");
	assert_starts(got, "HTTP/1.1 201 ");
	assert_non_null(strstr(got, "\r\n\r\nabcde"));
}

static void an_upload_that_breaks_off_leaves_the_old_file(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "old");

	SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 600\r\n\r\nhalf");
	close(s->client);
	s->client = -1;
	one_settle(s->one);

	assert_int_equal(one_conns(s->one), 0);
	assert_true(file_is(s, "a", "old"));
}

static void a_refused_upload_is_told_before_it_is_sent(void **state)
{
	struct scene *s = *state;

	const char *got = SAY(s, "PUT /no/a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
				 "Content-Length: 5\r\n\r\n");
	assert_starts(got, "HTTP/1.1 409 ");
	assert_non_null(strstr(got, "Connection: close\r\n"));

	dial(s);
	got = SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
		     "Content-Length: 5\r\n\r\n");
	assert_string_equal(got, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_starts(SAY(s, "hello"), "HTTP/1.1 201 ");
}

static void a_small_unwanted_body_is_passed_over(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "hello");

	const char *got =
		SAY(s, "MKCOL /d HTTP/1.1\r\n" HOST
		       "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nxxxxx"
		       "GET /a HTTP/1.1\r\n" HOST "\r\n");

	assert_starts(got, "HTTP/1.1 415 ");
	assert_non_null(strstr(got, "HTTP/1.1 200 "));
}

static void too_long_a_body_is_refused_whether_announced_or_not(void **state)
{
	struct scene *s = *state;
	AUTO_BUF body = BUF_INIT(4 * MIB);

	assert_starts(SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 1048577\r\n\r\n"),
		"HTTP/1.1 413 ");

	dial(s);
	buf_put_str(&body, "PUT /a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
	buf_put_str(&body, "200000\r\n");
	char *fill = buf_reserve(&body, 2 * MIB);
	assert_non_null(fill);
	memset(fill, 'x', 2 * MIB);
	body.n += 2 * MIB;
	assert_starts(say(s, buf_span(&body)), "HTTP/1.1 413 ");
	assert_true(file_is(s, "a", NULL));
}

static void a_part_never_replaces_the_whole(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "whole");

	assert_starts(SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Content-Range: bytes 0-1/5\r\n"
			     "Content-Length: 2\r\n\r\nxx"),
		"HTTP/1.1 400 ");
	assert_true(file_is(s, "a", "whole"));
}

static void who_stalls_is_told_and_let_go(void **state)
{
	struct scene *s = *state;

	SAY(s, "GET /a HT");
	one_pass(s->one, s->policy.head_ns);
	assert_starts(SAY(s, ""), "HTTP/1.1 408 ");
	assert_int_equal(one_conns(s->one), 0);

	dial(s);
	SAY(s, "PUT /a HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhe");
	one_pass(s->one, s->policy.body_ns);
	assert_starts(SAY(s, ""), "HTTP/1.1 408 ");
	assert_int_equal(one_conns(s->one), 0);
}

static void a_drain_ends_connections_politely(void **state)
{
	struct scene *s = *state;
	put_file(s, "a", "hello");

	one_drain(s->one);
	const char *got = SAY(s, "GET /a HTTP/1.1\r\n" HOST "\r\n");

	assert_starts(got, "HTTP/1.1 200 ");
	assert_non_null(strstr(got, "Connection: close\r\n"));
	assert_int_equal(one_conns(s->one), 0);
}

static void a_large_answer_waits_for_a_slow_reader(void **state)
{
	struct scene *s = *state;
	char path[64];
	const size_t size = 3 * MIB + 17;
	snprintf(path, sizeof(path), "%s/big", s->root);
	assert_int_equal(truncate((put_file(s, "big", ""), path), (off_t)size), 0);

	const char *got = SAY(s, "GET /big HTTP/1.1\r\n" HOST "\r\n");

	const char *body = strstr(got, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal((size_t)(got + s->got.n - body - 4), size);
}

static void what_is_private_has_no_name(void **state)
{
	struct scene *s = *state;
	static const struct span requests[] = {
		SPAN("GET /.prefork/ HTTP/1.1\r\n" HOST "\r\n"),
		SPAN("GET /%2eprefork/tmp HTTP/1.1\r\n" HOST "\r\n"),
		SPAN("PROPFIND //.prefork HTTP/1.1\r\n" HOST "\r\n"),
		SPAN("DELETE /.prefork HTTP/1.1\r\n" HOST "\r\n"),
		SPAN("PUT /.prefork/x HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"),
		SPAN("COPY /.prefork HTTP/1.1\r\n" HOST "Destination: /x\r\n\r\n"),
	};

	for (size_t i = 0; i < ARRAY_LEN(requests); i++)
		assert_starts(say(s, requests[i]), "HTTP/1.1 40");
}

/* Puts @n versions into the trash, as an earlier server would have. */
static void fill_trash(const struct scene *s, unsigned n)
{
	char path[128];

	for (unsigned i = 0; i < n; i++) {
		int at =
			snprintf(path, sizeof(path), "%s/.prefork/trash/%016x", s->root, i);
		assert_int_equal(mkdir(path, 0700), 0);
		(void)snprintf(path + at, sizeof(path) - (size_t)at, "/0");
		assert_int_equal(symlink("was", path), 0);
		(void)snprintf(path + at, sizeof(path) - (size_t)at, "/%016x-d-0-", i + 1);
		assert_int_equal(mknod(path, S_IFREG | 0600, 0), 0);
	}
}

/* Asks for what takes long, and then on another connection for something small, which is
 * answered first. Returns the answer to the long one. */
static const char *ask_beside(struct scene *s, struct span request)
{
	struct span small = SPAN("GET /a HTTP/1.1\r\n" HOST "\r\n");
	int first = s->client;

	assert_int_equal(send(first, request.p, request.n, MSG_NOSIGNAL), request.n);
	dial(s);
	assert_int_equal(send(s->client, small.p, small.n, MSG_NOSIGNAL), small.n);
	for (buf_clear(&s->got); s->got.n == 0; receive(s))
		assert_true(one_turn(s->one, 0) > 0);
	assert_starts(buf_cstr(&s->got), "HTTP/1.1 200 ");
	close(s->client);
	s->client = first;
	buf_clear(&s->got);
	receive(s);
	assert_int_equal(s->got.n, 0);
	return SAY(s, "");
}

static void a_trash_of_any_size_leaves_others_their_turn(void **state)
{
	struct scene *s = *state;

	put_file(s, "a", "hello");
	fill_trash(s, 1500);
	const char *got = ask_beside(s, SPAN("GET /~/trash/ HTTP/1.1\r\n" HOST "\r\n"));
	assert_starts(got, "HTTP/1.1 200 ");
	assert_non_null(strstr(got, "1500 entries"));
	got = ask_beside(s, SPAN("DELETE /~/trash/ HTTP/1.1\r\n" HOST "\r\n"));
	assert_starts(got, "HTTP/1.1 204 ");
	got = SAY(s, "GET /~/trash/ HTTP/1.1\r\n" HOST "\r\n");
	assert_non_null(strstr(got, "Nothing here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(a_file_is_answered_and_the_connection_goes_on),
		SCENE(pipelined_requests_are_answered_in_order),
		SCENE(a_head_may_come_byte_by_byte),
		SCENE(an_upload_replaces_a_file_when_it_is_whole),
		SCENE(an_upload_that_breaks_off_leaves_the_old_file),
		SCENE(a_refused_upload_is_told_before_it_is_sent),
		SCENE(a_small_unwanted_body_is_passed_over),
		SCENE(too_long_a_body_is_refused_whether_announced_or_not),
		SCENE(a_part_never_replaces_the_whole),
		SCENE(who_stalls_is_told_and_let_go),
		SCENE(a_drain_ends_connections_politely),
		SCENE(a_large_answer_waits_for_a_slow_reader),
		SCENE(what_is_private_has_no_name),
		SCENE(a_trash_of_any_size_leaves_others_their_turn),
	};
	return cmocka_run_group_tests_name("drive", tests, NULL, NULL);
}
