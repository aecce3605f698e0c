/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/sip.h"
#include "base/util.h"
#include "core/gate.h"
#include "os/addr.h"

#include <fcntl.h>
#include <stdio.h>

static struct addr parsed(const char *text)
{
	struct addr all[ADDR_MOST];
	size_t n;

	assert_int_equal(addr_parse(text, all, &n, NULL), 0);
	return all[0];
}

static enum gate_answer enter(struct gate *gate, const struct gate_limits *limits,
	const char *from, uint64_t at_ms, uint32_t *ticket)
{
	struct addr addr = parsed(from);

	return gate_enter(gate, limits, &addr, at_ms * NS_PER_MS, ticket);
}

static void the_hash_is_the_published_one(void **state)
{
	(void)state;
	const struct sip_key key = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
	char bytes[15];

	for (int i = 0; i < 15; i++)
		bytes[i] = (char)i;
	assert_int_equal(sip_hash(&key, span_of(bytes, 15)), 0xa129ca6149be45e5);
	assert_int_equal(sip_hash(&key, span_of(bytes, 0)), 0x726fdb47dd0e0e31);
	assert_int_equal(sip_hash(&key, span_of(bytes, 8)), 0x93f5f5799a932462);
}

static void an_address_has_so_many_connections_and_no_more(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 3};
	struct gate *gate = gate_new();
	uint32_t tickets[3], none;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			enter(gate, &limits, "192.0.2.1:1", 0, &tickets[i]), GATE_OPEN);
		assert_true(tickets[i]);
	}
	assert_int_equal(enter(gate, &limits, "192.0.2.1:2", 0, &none), GATE_TOO_MANY);
	assert_int_equal(none, 0);
	assert_int_equal(gate_n_refused(gate), 1);
	uint32_t other;
	assert_int_equal(enter(gate, &limits, "192.0.2.2:1", 0, &other), GATE_OPEN);

	gate_leave(gate, tickets[0]);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:3", 0, &tickets[0]), GATE_OPEN);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:4", 0, &none), GATE_TOO_MANY);
	gate_free(gate);
}

static void who_left_twice_owes_nothing(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 1};
	struct gate *gate = gate_new();
	uint32_t ticket, none;

	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &ticket), GATE_OPEN);
	for (int i = 0; i < 3; i++)
		gate_leave(gate, ticket);
	gate_leave(gate, 0);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &ticket), GATE_OPEN);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &none), GATE_TOO_MANY);
	gate_free(gate);
}

static void after_a_burst_an_address_comes_at_its_rate(void **state)
{
	(void)state;
	const struct gate_limits limits = {.rate = 10, .burst = 5};
	struct gate *gate = gate_new();
	uint64_t now_ms = 1'000'000;
	uint32_t t;

	for (int i = 0; i < 5; i++)
		assert_int_equal(
			enter(gate, &limits, "192.0.2.1:1", now_ms, &t), GATE_OPEN);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", now_ms, &t), GATE_TOO_FAST);
	assert_int_equal(enter(gate, &limits, "192.0.2.7:1", now_ms, &t), GATE_OPEN);
	/* Being refused does not make it worse. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(enter(gate, &limits, "192.0.2.1:1", now_ms + 50, &t),
			GATE_TOO_FAST);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", now_ms + 101, &t), GATE_OPEN);
	assert_int_equal(
		enter(gate, &limits, "192.0.2.1:1", now_ms + 102, &t), GATE_TOO_FAST);
	/* After a rest the burst is there again, and no more than that. */
	now_ms += 60'000;
	for (int i = 0; i < 5; i++)
		assert_int_equal(
			enter(gate, &limits, "192.0.2.1:1", now_ms, &t), GATE_OPEN);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", now_ms, &t), GATE_TOO_FAST);
	gate_free(gate);
}

static void an_ipv6_customer_is_one_address_and_a_wrapped_one_is_what_it_wraps(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 1};
	struct gate *gate = gate_new();
	uint32_t t;

	assert_int_equal(enter(gate, &limits, "[2001:db8:1:2::1]:1", 0, &t), GATE_OPEN);
	assert_int_equal(
		enter(gate, &limits, "[2001:db8:1:2:ffff::9]:1", 0, &t), GATE_TOO_MANY);
	assert_int_equal(enter(gate, &limits, "[2001:db8:1:3::1]:1", 0, &t), GATE_OPEN);
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &t), GATE_OPEN);
	assert_int_equal(
		enter(gate, &limits, "[::ffff:192.0.2.1]:1", 0, &t), GATE_TOO_MANY);
	gate_free(gate);
}

static void unix_peers_are_not_counted(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 1, .rate = 1, .burst = 1};
	struct gate *gate = gate_new();
	uint32_t t;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(enter(gate, &limits, "unix:/x", 0, &t), GATE_OPEN);
		assert_int_equal(t, 0);
	}
	gate_free(gate);
}

/* A thousand at their limits, and ten thousand strangers who may all come in. */
static void a_flood_of_addresses_shuts_nobody_out(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 5, .rate = 10, .burst = 5};
	struct gate *gate = gate_new();
	unsigned n_refused = 0;
	char text[64];
	uint32_t t;

	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(
			text, sizeof(text), "10.0.%u.%u:1", i / 5 / 250, i / 5 % 250);
		(void)enter(gate, &limits, text, 0, &t);
	}
	for (unsigned i = 0; i < 10'000; i++) {
		(void)snprintf(text, sizeof(text), "10.1.%u.%u:1", i / 250, i % 250);
		n_refused += enter(gate, &limits, text, 0, &t) != GATE_OPEN;
	}
	/* (1000 / 65536)^2 of them share both cells: 2 or 3 may be expected, 30 never. */
	assert_true(n_refused < 30);
	gate_free(gate);
}

static void a_gate_lives_as_long_as_one_of_its_owners(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 1};
	struct gate *gate = gate_new(), *heirs = gate_share(gate);
	uint32_t t;

	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &t), GATE_OPEN);
	gate_free(gate);
	assert_int_equal(enter(heirs, &limits, "192.0.2.1:1", 0, &t), GATE_TOO_MANY);
	gate_free(heirs);
	gate_free(NULL);
}

static void another_program_counts_on_if_it_counts_alike(void **state)
{
	(void)state;
	const struct gate_limits limits = {.most = 1};
	struct gate *gate = gate_new();
	uint32_t ticket, t;

	assert_null(
		gate_adopt(fcntl(gate_fd(gate), F_DUPFD_CLOEXEC, 3), gate_layout() + 1));
	assert_null(gate_adopt(open("/dev/null", O_RDWR | O_CLOEXEC), gate_layout()));
	assert_null(gate_adopt(-1, gate_layout()));
	struct gate *next =
		gate_adopt(fcntl(gate_fd(gate), F_DUPFD_CLOEXEC, 3), gate_layout());
	assert_non_null(next);
	assert_int_equal(gate_id(next), gate_id(gate));
	assert_int_equal(enter(gate, &limits, "192.0.2.1:1", 0, &ticket), GATE_OPEN);
	assert_int_equal(enter(next, &limits, "192.0.2.1:1", 0, &t), GATE_TOO_MANY);
	gate_free(gate);
	gate_leave(next, ticket);
	assert_int_equal(enter(next, &limits, "192.0.2.1:1", 0, &t), GATE_OPEN);
	assert_int_equal(gate_n_refused(next), 1);
	gate_free(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_the_published_one),
		cmocka_unit_test(an_address_has_so_many_connections_and_no_more),
		cmocka_unit_test(who_left_twice_owes_nothing),
		cmocka_unit_test(after_a_burst_an_address_comes_at_its_rate),
		cmocka_unit_test(
			an_ipv6_customer_is_one_address_and_a_wrapped_one_is_what_it_wraps),
		cmocka_unit_test(unix_peers_are_not_counted),
		cmocka_unit_test(a_flood_of_addresses_shuts_nobody_out),
		cmocka_unit_test(a_gate_lives_as_long_as_one_of_its_owners),
		cmocka_unit_test(another_program_counts_on_if_it_counts_alike),
	};
	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
