/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/buf.h"
#include "base/reason.h"
#include "base/util.h"
#include "service/drive/auth/basic.h"
#include "service/drive/auth/memo.h"
#include "service/drive/auth/throttle.h"
#include "service/drive/auth/users.h"
#include "service/drive/auth/verify.h"

#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>

/* Cheap enough for tests; made once. */
static const char *cheap_hash(const char *password, const char *setting)
{
	static struct crypt_data data;

	return crypt_r(password, setting, &data);
}

#define BCRYPT "$2b$04$abcdefghijklmnopqrstuu"
#define SHA512 "$6$rounds=1000$saltsalt"

static struct users *two_users(void)
{
	AUTO_BUF text = BUF_INIT(2000);
	struct users *users = NULL;
	struct reason reason;

	buf_printf(&text, "# who may\n\nzoe:%s\r\n", cheap_hash("zoe's", BCRYPT));
	buf_printf(&text, "  ann:%s:ro", cheap_hash("ann's", SHA512));
	assert_int_equal(users_parse("u", buf_span(&text), &users, &reason), 0);
	return users;
}

static void a_users_file_is_a_table(void **state)
{
	(void)state;
	struct users *users = two_users();

	assert_int_equal(users->n, 2);
	assert_true(users_find(users, SPAN("ann"))->read_only);
	assert_false(users_find(users, SPAN("zoe"))->read_only);
	assert_null(users_find(users, SPAN("an")));
	assert_null(users_find(users, SPAN("annn")));
	assert_null(users_find(users, SPAN("")));
	assert_null(users_find(users, span_of("ann\0x", 5)));
	users_free(users);
}

static void a_bad_line_is_refused_with_its_number_and_no_hash(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"\nann", "u:2: a line is NAME:HASH or NAME:HASH:ro"},
		{"ann:",
			"u:1: there is no password hash; make a new one with: preforkd passwd "
			"FILE NAME"},
		{":x", "u:1: a user's name has 1 to 64 bytes"},
		{"a\x01:x", "u:1: a user's name holds no colon and no control characters"},
		{"a\xff:x", "u:1: a user's name is UTF-8"},
		{"ann:{SHA}c2VjcmV0", "u:1: {SHA} hashes are cracked"},
		{"ann:$apr1$abc$secret", "u:1: MD5 hashes are cracked"},
		{"ann:rl3secret.KU", "u:1: this is no hash of a kind that is accepted"},
		{"ann:secret", "u:1: this is no hash of a kind that is accepted"},
		{"ann:$6$salt$secret",
			"u:1: the password hash is not as long as its kind is"},
		{"ann:$2b$04$abcdefghijklmnopqrstuu/secret",
			"u:1: the password hash is not as long as its kind is"},
	};

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct users *users = NULL;
		struct reason reason;

		assert_int_equal(users_parse("u", span_str(wrong[i].text), &users, &reason),
			-EINVAL);
		assert_memory_equal(reason.text, wrong[i].says, strlen(wrong[i].says));
		assert_null(strstr(reason.text, "secret"));
		assert_null(users);
	}
}

static void a_user_stands_once_and_rights_are_known_words(void **state)
{
	(void)state;
	static const struct {
		const char *behind; /* the first user's hash */
		bool again;         /* then another line for the same user */
		const char *says;
	} wrong[] = {
		{"", true, "u: the user a stands there twice"},
		{":rw", false, "u:1: behind the hash stands nothing, or :ro"},
		{":ro:x", false, "u:1: behind the hash stands nothing, or :ro"},
		{":", false, "u:1: behind the hash stands nothing, or :ro"},
	};
	const char *hash = cheap_hash("x", BCRYPT);

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		AUTO_BUF text = BUF_INIT(1000);
		struct users *users = NULL;
		struct reason reason;

		buf_printf(&text, "a:%s%s\n", hash, wrong[i].behind);
		if (wrong[i].again)
			buf_printf(&text, "b:%s\na:%s\n", hash, hash);
		assert_int_equal(
			users_parse("u", buf_span(&text), &users, &reason), -EINVAL);
		assert_string_equal(reason.text, wrong[i].says);
	}
}

static void only_the_right_password_is_right(void **state)
{
	(void)state;
	struct users *users = two_users();
	const struct user *who = NULL;
	char wide[VERIFY_PASSWORD_MAX + 2] = {0};

	assert_int_equal(
		verify_password(users, SPAN("ann"), SPAN("ann's"), &who), VERIFY_OK);
	assert_string_equal(who->name, "ann");
	assert_int_equal(
		verify_password(users, SPAN("zoe"), SPAN("zoe's"), &who), VERIFY_OK);

	who = NULL;
	memset(wide, 'x', sizeof(wide) - 1);
	const struct {
		struct span name, password;
	} wrong[] = {
		{SPAN("ann"), SPAN("zoe's")},
		{SPAN("ann"), SPAN("")},
		{SPAN("ann"), span_of("ann's\0x", 7)},
		{SPAN("ann"), span_str(wide)},
		{SPAN("nobody"), SPAN("ann's")},
		{SPAN(""), SPAN("")},
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(
			verify_password(users, wrong[i].name, wrong[i].password, &who),
			VERIFY_DENIED);
	assert_null(who);
	users_free(users);
}

static void nobody_is_let_in_by_an_empty_file(void **state)
{
	(void)state;
	struct users none = {0};
	const struct user *who = NULL;

	assert_int_equal(verify_password(&none, SPAN("x"), SPAN(""), &who), VERIFY_DENIED);
	assert_null(users_find(&none, SPAN("x")));
}

static void a_basic_header_is_a_name_and_a_password(void **state)
{
	(void)state;
	struct basic basic;

	assert_true(basic_decode(SPAN("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), &basic));
	assert_true(span_eq(basic.name, SPAN("Aladdin")));
	assert_true(span_eq(basic.password, SPAN("open sesame")));
	assert_true(basic_decode(SPAN("basic  YTpiOmM="), &basic));
	assert_true(span_eq(basic.name, SPAN("a")));
	assert_true(span_eq(basic.password, SPAN("b:c")));
	assert_true(basic_decode(SPAN("Basic YTo="), &basic));
	assert_int_equal(basic.password.n, 0);
	basic_wipe(&basic);

	static const char *const wrong[] = {"", "Basic", "Basic ",
		"Basic YWI=", "Bearer YTo=", "Basic YTo==", "Basic YTp=", "Basic Y To=",
		"Basic YT.=", "Basic Y", "Basic ====", "Basic YTo", "Basic YTpi\nYg=="};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(basic_decode(span_str(wrong[i]), &basic));

	char big[6 + BASIC_MAX / 3 * 4 + 8];
	memset(big, 'Q', sizeof(big));
	memcpy(big, "Basic Ojo6", 10);
	assert_false(basic_decode(span_of(big, sizeof(big)), &basic));
}

static void a_memo_knows_what_was_put_until_it_is_too_old_or_cleared(void **state)
{
	(void)state;
	struct memo *memo = memo_new();
	struct user ann = {.name = NULL}, zoe = {.name = NULL};

	assert_non_null(memo);
	memo_put(memo, SPAN("Basic a"), &ann, 1000);
	memo_put(memo, SPAN("Basic z"), &zoe, 1000);
	assert_ptr_equal(memo_find(memo, SPAN("Basic a"), 2000), &ann);
	assert_ptr_equal(memo_find(memo, SPAN("Basic z"), 2000), &zoe);
	assert_null(memo_find(memo, SPAN("Basic "), 2000));
	assert_null(memo_find(memo, SPAN("Basic a\0"), 2000));
	memo_put(memo, SPAN("Basic a"), &zoe, 1000);
	assert_ptr_equal(memo_find(memo, SPAN("Basic a"), 2000), &zoe);
	assert_null(memo_find(memo, SPAN("Basic a"), 1000 + MEMO_LIFE_NS));
	memo_clear(memo);
	assert_null(memo_find(memo, SPAN("Basic z"), 2000));
	memo_free(memo);
}

static void a_memo_keeps_a_bounded_number_and_the_newest(void **state)
{
	(void)state;
	struct memo *memo = memo_new();
	struct user ann = {.name = NULL};
	unsigned n_known = 0;
	char value[32];

	for (unsigned i = 0; i < 5000; i++) {
		struct buf text = BUF_FIXED(value);

		buf_put_u64(&text, i);
		memo_put(memo, buf_span(&text), &ann, 1000 + i);
		assert_ptr_equal(memo_find(memo, buf_span(&text), 1000 + i), &ann);
	}
	for (unsigned i = 0; i < 5000; i++) {
		struct buf text = BUF_FIXED(value);

		buf_put_u64(&text, i);
		n_known += memo_find(memo, buf_span(&text), 7000) != NULL;
	}
	assert_int_equal(n_known, MEMO_ROWS * MEMO_IN_ROW);
	memo_free(memo);
}

static struct addr address(const char *text)
{
	struct addr addr = {0};
	struct sockaddr_in6 *in6 = (void *)&addr.ss;
	struct sockaddr_in *in = (void *)&addr.ss;

	addr.sa.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	void *at = strchr(text, ':') ? (void *)&in6->sin6_addr : (void *)&in->sin_addr;
	assert_int_equal(inet_pton(addr.sa.sa_family, text, at), 1);
	return addr;
}

static struct throttle *new_throttle(void)
{
	return calloc(1, THROTTLE_BYTES);
}

static void failures_slow_the_next_tries_up_to_a_cap_and_are_forgiven(void **state)
{
	(void)state;
	static const uint64_t waits_ms[] = {
		0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000};
	struct throttle *t = new_throttle();
	struct addr peer = address("192.0.2.1");
	uint64_t now = 1000 * NS_PER_SEC;

	assert_int_equal(throttle_delay(t, &peer, now), 0);
	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++) {
		throttle_failed(t, &peer, now);
		uint64_t wait = throttle_delay(t, &peer, now);
		assert_true(wait == waits_ms[i] * NS_PER_MS);
		now += wait;
	}
	now += 8 * NS_PER_SEC + (THROTTLE_LEVEL_MAX - 1) * THROTTLE_FORGIVE_NS;
	assert_true(throttle_delay(t, &peer, now) == 0);
	throttle_failed(t, &peer, now);
	assert_true(throttle_delay(t, &peer, now) <= NS_PER_SEC / 4);
	free(t);
}

static void tries_at_once_stand_in_line_and_a_long_line_is_refused(void **state)
{
	(void)state;
	struct throttle *t = new_throttle();
	struct addr peer = address("192.0.2.1"), other = address("192.0.2.2");
	uint64_t now = 1000 * NS_PER_SEC;

	for (unsigned i = 0; i < THROTTLE_LEVEL_MAX; i++)
		throttle_failed(t, &peer, now);
	assert_true(throttle_delay(t, &peer, now) == 8 * NS_PER_SEC);
	assert_true(throttle_delay(t, &peer, now) == 16 * NS_PER_SEC);
	assert_true(throttle_delay(t, &peer, now) == 24 * NS_PER_SEC);
	assert_true(throttle_delay(t, &peer, now) == THROTTLE_TOO_MANY);
	assert_true(throttle_delay(t, &peer, now) == THROTTLE_TOO_MANY);
	assert_true(throttle_delay(t, &other, now) == 0);
	assert_true(throttle_delay(t, &peer, now + 10 * NS_PER_SEC) == 22 * NS_PER_SEC);
	free(t);
}

static void ipv6_counts_by_its_64_and_a_mapped_address_is_the_ipv4_one(void **state)
{
	(void)state;
	struct throttle *t = new_throttle();
	struct addr one = address("2001:db8:1:2:3::1"),
		    same = address("2001:db8:1:2:ffff::2"),
		    other = address("2001:db8:1:3::1"), v4 = address("192.0.2.9"),
		    mapped = address("::ffff:192.0.2.9"), local = {0};
	uint64_t now = 1000 * NS_PER_SEC;

	local.sa.sa_family = AF_UNIX;
	for (unsigned i = 0; i < 3; i++) {
		throttle_failed(t, &one, now);
		throttle_failed(t, &mapped, now);
		throttle_failed(t, &local, now);
	}
	assert_true(throttle_delay(t, &same, now) == NS_PER_SEC / 2);
	assert_true(throttle_delay(t, &other, now) == 0);
	assert_true(throttle_delay(t, &v4, now) == NS_PER_SEC / 2);
	assert_true(throttle_delay(t, &local, now) == 0);
	free(t);
}

static void a_flood_of_addresses_stays_within_the_table(void **state)
{
	(void)state;
	struct throttle *t = new_throttle();
	struct addr peer = address("10.0.0.0");
	struct sockaddr_in *in = (void *)&peer.ss;

	for (uint32_t i = 1; i < 20000; i++) {
		in->sin_addr.s_addr = htonl(0x0a000000 + i);
		throttle_failed(t, &peer, i * NS_PER_MS);
		throttle_failed(t, &peer, i * NS_PER_MS);
		assert_true(throttle_delay(t, &peer, i * NS_PER_MS) > 0);
	}
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_users_file_is_a_table),
		cmocka_unit_test(a_bad_line_is_refused_with_its_number_and_no_hash),
		cmocka_unit_test(a_user_stands_once_and_rights_are_known_words),
		cmocka_unit_test(only_the_right_password_is_right),
		cmocka_unit_test(nobody_is_let_in_by_an_empty_file),
		cmocka_unit_test(a_basic_header_is_a_name_and_a_password),
		cmocka_unit_test(a_memo_knows_what_was_put_until_it_is_too_old_or_cleared),
		cmocka_unit_test(a_memo_keeps_a_bounded_number_and_the_newest),
		cmocka_unit_test(failures_slow_the_next_tries_up_to_a_cap_and_are_forgiven),
		cmocka_unit_test(tries_at_once_stand_in_line_and_a_long_line_is_refused),
		cmocka_unit_test(
			ipv6_counts_by_its_64_and_a_mapped_address_is_the_ipv4_one),
		cmocka_unit_test(a_flood_of_addresses_stays_within_the_table),
	};
	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
