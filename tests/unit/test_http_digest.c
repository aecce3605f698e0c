/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"
#include "../cmocka_all.h"

#include "base/util.h"
#include "http/digest.h"
#include "http/prefer.h"

#include <stdio.h>

#define MD5_B64    "XrY7u+Ae7tCTyyK7j1rNww=="
#define MD5_HEX    "5eb63bbbe01eeed093cb22bb8f5acdc3"
#define SHA1_HEX   "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"
#define SHA256_B64 "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="

static char text[4096];

/* Parses a PUT with these lines as its fields. */
static void read_head(struct http_head *head, const char *lines)
{
	(void)snprintf(text, sizeof(text), "PUT /x HTTP/1.1\r\nHost: x\r\n%s\r\n", lines);
	http_head_init(head);
	assert_int_equal(http_head_parse(head, span_str(text)), HTTP_HEAD_DONE);
}

static void every_notation_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		unsigned has;
	} cases[] = {
		{"", 0},
		{"Content-MD5: " MD5_B64 "\r\n", BIT(HTTP_DIGEST_MD5)},
		{"Digest: MD5=" MD5_B64 ", unixsum=30637\r\n", BIT(HTTP_DIGEST_MD5)},
		{"Content-Digest: sha-256=:" SHA256_B64 ":, crc=:AAAA:\r\n",
			BIT(HTTP_DIGEST_SHA256)},
		{"Repr-Digest: sha-256=:" SHA256_B64 ":\r\nRepr-Digest: md5=:" MD5_B64
		 ":\r\n",
			BIT(HTTP_DIGEST_SHA256) | BIT(HTTP_DIGEST_MD5)},
		{"OC-Checksum: SHA1:" SHA1_HEX " ADLER32:1a0b045d\r\n",
			BIT(HTTP_DIGEST_SHA1)},
		{"OC-Checksum: MD5:" MD5_HEX "\r\nContent-MD5: " MD5_B64 "\r\n",
			BIT(HTTP_DIGEST_MD5)},
		{"Upload-Checksum: md5 " MD5_B64 "\r\n", BIT(HTTP_DIGEST_MD5)},
		{"Upload-Checksum: crc32 AAAAAA==\r\n", 0},
	};
	struct http_head head;
	struct http_digests digests;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		read_head(&head, cases[i].lines);
		assert_true(http_digest_read(&head, &digests));
		assert_int_equal(digests.has, cases[i].has);
		if (digests.has & BIT(HTTP_DIGEST_MD5))
			assert_memory_equal(digests.value[HTTP_DIGEST_MD5],
				"\x5e\xb6\x3b\xbb\xe0\x1e\xee\xd0\x93\xcb\x22\xbb\x8f\x5a\xcd\xc3",
				16);
	}
}

static void what_is_no_digest_or_contradicts_another_is_refused(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"Content-MD5: x\r\n",
		"Content-MD5: AAAA\r\n",
		"Content-Digest: sha-256=" SHA256_B64 "\r\n",
		"Content-Digest: sha-256\r\n",
		"Content-Digest: md5=:" SHA256_B64 ":\r\n",
		"Digest: SHA-256=" MD5_B64 "\r\n",
		"OC-Checksum: SHA1\r\n",
		"Upload-Checksum: md5\r\n",
		"Upload-Checksum: sha1 " MD5_B64 "\r\n",
		"OC-Checksum: SHA1:" MD5_HEX "\r\n",
		"OC-Checksum: MD5:5eb63bbbe01eeed093cb22bb8f5acdcg\r\n",
		"OC-Checksum: MD5:5eb63bbbe01eeed093cb22bb8f5acdc4\r\nContent-MD5: " MD5_B64
		"\r\n",
	};
	struct http_head head;
	struct http_digests digests;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		read_head(&head, cases[i]);
		if (http_digest_read(&head, &digests))
			fail_msg("%s", cases[i]);
	}
}

/* What a client with the line @want is answered, of an MD5 and a SHA-256. */
static unsigned wanted(const char *want)
{
	struct http_head head;

	read_head(&head, want);
	return http_digest_wanted(&head, HTTP_H_WANT_REPR_DIGEST,
		BIT(HTTP_DIGEST_MD5) | BIT(HTTP_DIGEST_SHA256), BIT(HTTP_DIGEST_SHA256));
}

static void the_one_that_is_wanted_most_is_answered(void **state)
{
	(void)state;

	assert_int_equal(wanted(""), BIT(HTTP_DIGEST_SHA256));
	assert_int_equal(wanted("Want-Repr-Digest: md5=1\r\n"), BIT(HTTP_DIGEST_MD5));
	assert_int_equal(wanted("Want-Repr-Digest: md5=2, sha-256=10, sha-512=10\r\n"),
		BIT(HTTP_DIGEST_SHA256));
	assert_int_equal(
		wanted("Want-Repr-Digest: md5=3\r\nWant-Repr-Digest: sha-256=2\r\n"),
		BIT(HTTP_DIGEST_MD5));
	assert_int_equal(wanted("Want-Repr-Digest: sha-256=0\r\n"), 0);
	assert_int_equal(wanted("Want-Repr-Digest: sha-512=9\r\n"), 0);
	assert_int_equal(wanted("Want-Repr-Digest: sha-256, md5=11, sha-256=x\r\n"), 0);
}

static void digests_are_written_as_they_are_read(void **state)
{
	(void)state;
	struct http_head head;
	struct http_digests digests;
	AUTO_BUF out = BUF_INIT(1024);

	read_head(&head, "Content-MD5: " MD5_B64 "\r\nDigest: SHA-256=" SHA256_B64 "\r\n");
	assert_true(http_digest_read(&head, &digests));
	http_digest_put(&out, &digests, digests.has);
	assert_span(buf_span(&out), "md5=:" MD5_B64 ":, sha-256=:" SHA256_B64 ":");
	buf_clear(&out);
	http_digest_put_owncloud(&out, &digests);
	assert_span(buf_span(&out),
		"MD5:" MD5_HEX
		" SHA256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
}

static void preferences_are_found_among_others(void **state)
{
	(void)state;
	struct http_head head;

	read_head(&head,
		"Prefer: wait=10; x, Return = \"minimal\"; y=z\r\nPrefer: depth-noroot\r\n");
	assert_true(http_prefer(&head, SPAN("return"), SPAN("minimal")));
	assert_false(http_prefer(&head, SPAN("return"), SPAN("representation")));
	assert_true(http_prefer(&head, SPAN("depth-noroot"), SPAN_NONE));
	assert_true(http_prefer(&head, SPAN("wait"), SPAN_NONE));
	assert_false(http_prefer(&head, SPAN("minimal"), SPAN_NONE));
	read_head(&head, "");
	assert_false(http_prefer(&head, SPAN("return"), SPAN("minimal")));
	read_head(&head, "Prefer: return=representation, return=minimal\r\n");
	assert_false(http_prefer(&head, SPAN("return"), SPAN("minimal")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_notation_is_read),
		cmocka_unit_test(what_is_no_digest_or_contradicts_another_is_refused),
		cmocka_unit_test(the_one_that_is_wanted_most_is_answered),
		cmocka_unit_test(digests_are_written_as_they_are_read),
		cmocka_unit_test(preferences_are_found_among_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
