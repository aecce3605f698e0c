/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "base/util.h"
#include "core/proxy.h"
#include "os/net.h"

#include <string.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"

/* That @in with anything behind it is a header of its whole length, of these ends. */
static void says(struct span in, const char *from, const char *to)
{
	struct proxy_header h;
	char text[ADDR_TEXT_MAX], more[512];

	assert_true(in.n + 3 < sizeof(more));
	memcpy(more, in.p, in.n);
	memcpy(more + in.n, "GET", 3);
	assert_int_equal(proxy_parse(in, &h), in.n);
	assert_int_equal(proxy_parse(span_of(more, in.n + 3), &h), in.n);
	assert_int_equal(h.known, from != NULL);
	if (!from)
		return;
	addr_text(&h.from, text);
	assert_string_equal(text, from);
	addr_text(&h.to, text);
	assert_string_equal(text, to);
}

static void both_versions_name_both_ends(void **state)
{
	(void)state;
	static const char six[] = V2 "\x21\x21\0\x24"
				     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
				     "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02"
				     "\xff\xff\0\x50";

	says(SPAN("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"), "192.0.2.7:56324",
		"198.51.100.1:443");
	says(SPAN("PROXY TCP6 2001:db8::1 2001:db8::2 65535 80\r\n"), "[2001:db8::1]:65535",
		"[2001:db8::2]:80");
	says(SPAN(V2 "\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"),
		"192.0.2.7:56324", "198.51.100.1:443");
	says(span_of(six, sizeof(six) - 1), "[2001:db8::1]:65535", "[2001:db8::2]:80");
}

static void additions_are_skipped(void **state)
{
	(void)state;
	says(SPAN(V2 "\x21\x11\0\x13\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb"
		     "\x02\0\x04name"),
		"192.0.2.7:56324", "198.51.100.1:443");
}

static void unix_ends_are_paths(void **state)
{
	(void)state;
	char in[16 + 216] = V2 "\x21\x31\0\xd8/run/a";

	memcpy(in + 16 + 108, "/run/b", 6);
	says(span_of(in, sizeof(in)), "unix:/run/a", "unix:/run/b");
	memset(in + 16, 'x', 216); /* no NUL: cut to what a path may be */
	struct proxy_header h;
	assert_int_equal(proxy_parse(span_of(in, sizeof(in)), &h), sizeof(in));
	assert_int_equal(strlen(h.from.un.sun_path), 107);
}

static void who_speaks_for_itself_names_nobody(void **state)
{
	(void)state;
	says(SPAN("PROXY UNKNOWN\r\n"), NULL, NULL);
	says(SPAN("PROXY UNKNOWN ffff::1 whatever 1 2\r\n"), NULL, NULL);
	says(SPAN(V2 "\x20\0\0\0"), NULL, NULL);
	says(SPAN(V2 "\x20\x11\0\x03xyz"), NULL, NULL);
	says(SPAN(V2 "\x21\0\0\x02xy"), NULL, NULL);
}

static void every_beginning_of_one_wants_more(void **state)
{
	(void)state;
	static const struct span whole[] = {
		SPAN("PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"),
		SPAN(V2 "\x21\x11\0\x13\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\x01\xbb\x02\0\x04name"),
	};
	struct proxy_header h;

	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		for (size_t n = 0; n < whole[i].n; n++)
			assert_int_equal(
				proxy_parse(span_of(whole[i].p, n), &h), PROXY_MORE);
	}
}

static void nothing_else_is_one(void **state)
{
	(void)state;
	static const struct span bad[] = {
		SPAN("GET / HTTP/1.1\r\n"),
		SPAN("proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n"),
		SPAN("PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"),
		SPAN("PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n"),
		SPAN("PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"),
		SPAN("PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n"),
		SPAN("PROXY TCP4 ::1 ::2 1 2\r\n"),
		SPAN("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n"),
		SPAN("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"),
		SPAN("PROXY \r\n"),
		SPAN(V2 "\x11\x11\0\x0c"
			"abcdabcdabab"),
		SPAN(V2 "\x22\x11\0\x0c"
			"abcdabcdabab"),
		SPAN(V2 "\x21\x41\0\x0c"
			"abcdabcdabab"),
		SPAN(V2 "\x21\x13\0\x0c"
			"abcdabcdabab"),
		SPAN(V2 "\x21\x11\0\x0b"
			"abcdabcdaba"),
		SPAN(V2 "\x21\x21\0\x23"
			"0123456789012345678901234567890123456789"),
		SPAN(V2 "\x21\x31\0\xd7"),
		SPAN(V2 "\x21\x11\x0f\xf1"), /* longer than we care to read */
		SPAN("\r\n\r\n\0\r\nQUIT\r"),
	};
	char long_line[200];
	struct proxy_header h;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int r = proxy_parse(bad[i], &h);

		/* Short of its length it may still seem to be one. */
		if (r != PROXY_BAD && !(i == 22 && r == PROXY_MORE))
			fail_msg("number %zu: %d", i, r);
	}
	memset(long_line, ' ', sizeof(long_line));
	memcpy(long_line, "PROXY UNKNOWN", 13);
	assert_int_equal(proxy_parse(span_of(long_line, 106), &h), PROXY_MORE);
	assert_int_equal(proxy_parse(span_of(long_line, 107), &h), PROXY_BAD);
}

static bool is_in(const char *net, const char *address)
{
	struct addr all[ADDR_MOST];
	struct net parsed;
	size_t n;

	assert_int_equal(net_parse(net, &parsed, NULL), 0);
	assert_int_equal(addr_parse(address, all, &n, NULL), 0);
	return net_has(&parsed, &all[0]);
}

static void a_block_has_the_addresses_that_begin_like_it(void **state)
{
	(void)state;
	assert_true(is_in("10.0.0.0/8", "10.255.1.2:1"));
	assert_false(is_in("10.0.0.0/8", "11.0.0.0:1"));
	assert_true(is_in("192.0.2.128/25", "192.0.2.255:1"));
	assert_false(is_in("192.0.2.128/25", "192.0.2.127:1"));
	assert_true(is_in("192.0.2.7", "192.0.2.7:1"));
	assert_false(is_in("192.0.2.7", "192.0.2.6:1"));
	assert_true(is_in("0.0.0.0/0", "203.0.113.9:1"));
	assert_false(is_in("0.0.0.0/0", "[::1]:1"));
	assert_true(is_in("2001:db8::/33", "[2001:db8:7fff::1]:1"));
	assert_false(is_in("2001:db8::/33", "[2001:db8:8000::1]:1"));
	assert_true(is_in("10.0.0.0/8", "[::ffff:10.1.1.1]:1"));
	assert_true(is_in("unix", "unix:/x"));
	assert_false(is_in("unix", "127.0.0.1:1"));
	assert_false(is_in("::/0", "unix:/x"));
}

static void what_is_no_block_is_refused_with_a_sentence(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.1/8", "10.0.0/8", "::/129", "2001:db8::1/64",
		"unix/0", "1111111111111111111111111111111111111111111111111"};
	struct reason reason;
	struct net net;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		reason.text[0] = '\0';
		assert_true(net_parse(bad[i], &net, &reason) < 0);
		assert_true(reason.text[0] == '"');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_name_both_ends),
		cmocka_unit_test(additions_are_skipped),
		cmocka_unit_test(unix_ends_are_paths),
		cmocka_unit_test(who_speaks_for_itself_names_nobody),
		cmocka_unit_test(every_beginning_of_one_wants_more),
		cmocka_unit_test(nothing_else_is_one),
		cmocka_unit_test(a_block_has_the_addresses_that_begin_like_it),
		cmocka_unit_test(what_is_no_block_is_refused_with_a_sentence),
	};
	return cmocka_run_group_tests_name("proxy", tests, NULL, NULL);
}
