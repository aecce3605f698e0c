/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "core/board.h"
#include "core/slot_sup.h"

#include <string.h>

static void a_ready_worker_may_drain_or_die_but_not_start_again(void **state)
{
	(void)state;

	assert_true(slot_may_go(SLOT_READY, SLOT_DRAINING));
	assert_true(slot_may_go(SLOT_READY, SLOT_COOLING));
	assert_false(slot_may_go(SLOT_READY, SLOT_STARTING));
	assert_false(slot_may_go(SLOT_READY, SLOT_EMPTY));
}

static void whatever_has_a_process_can_be_found_dead(void **state)
{
	(void)state;
	static const enum slot_state with_process[] = {
		SLOT_STARTING, SLOT_READY, SLOT_DRAINING, SLOT_KILLING};

	for (size_t i = 0; i < ARRAY_LEN(with_process); i++)
		assert_true(slot_may_go(with_process[i], SLOT_COOLING));
	assert_false(slot_may_go(SLOT_EMPTY, SLOT_COOLING));
}

static void every_state_has_a_name_and_a_way_out_and_in(void **state)
{
	(void)state;

	for (int a = 0; a < SLOT_N_STATES; a++) {
		int out = 0, in = 0;

		for (int b = 0; b < SLOT_N_STATES; b++) {
			out += slot_may_go((enum slot_state)a, (enum slot_state)b);
			in += slot_may_go((enum slot_state)b, (enum slot_state)a);
		}
		assert_true(out > 0 && in > 0);
		assert_true(strlen(slot_state_name((enum slot_state)a)) > 0);
	}
}

static void a_seat_that_two_want_goes_to_one(void **state)
{
	(void)state;
	struct board *board = board_new(2, 100);
	assert_non_null(board);
	struct seat *seat = &board->seats[1];

	seat_go(seat, SEAT_OFFERED);
	assert_true(seat_try(seat, SEAT_OFFERED, SEAT_REVOKED));
	assert_false(seat_try(seat, SEAT_OFFERED, SEAT_HELD));
	assert_int_equal(seat_state(seat), SEAT_REVOKED);

	board_free(board);
}

static void who_came_after_the_asker_looked_at_the_clock_does_not_give_way(void **state)
{
	(void)state;
	struct seat seat = {0};

	atomic_store(&seat.since_ns, 2 * SEAT_SILENT_NS);
	assert_int_equal(seat_age_ns(&seat, 2 * SEAT_SILENT_NS - 1), 0);
	assert_false(seat_may_give_way(&seat, 2 * SEAT_SILENT_NS - 1));
	assert_false(seat_may_give_way(&seat, 3 * SEAT_SILENT_NS));
	assert_true(seat_may_give_way(&seat, 3 * SEAT_SILENT_NS + 1));
}

static void a_board_for_the_next_worker_remembers_nothing(void **state)
{
	(void)state;
	struct board *board = board_new(3, 8192);
	assert_non_null(board);

	for (unsigned i = 0; i < 3; i++)
		memset(board_input(board, i), 'x', 8192);
	seat_go(&board->seats[2], SEAT_SENDING);
	board_add(&board->counters->requests, 7);
	board_reset(board);

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(seat_state(&board->seats[i]), SEAT_FREE);
		assert_int_equal(board_input(board, i)[0], 0);
		assert_int_equal(board_input(board, i)[8191], 0);
	}
	assert_int_equal(board->counters->requests, 0);
	board_free(board);
}

static void a_board_that_was_wiped_is_as_new_too(void **state)
{
	(void)state;
	const size_t most = 8192;
	struct board *board = board_new(1, most);
	assert_non_null(board);
	struct seat *seat = &board->seats[0];

	/* A small request and a big one. */
	for (size_t n = 100; n <= most; n += most - 100) {
		memset(board_input(board, 0), 'x', n);
		board_add(&seat->n_read, n);
		board_wipe(board);
		board_reset(board);
		for (size_t i = 0; i < most; i++)
			assert_int_equal(board_input(board, 0)[i], 0);
	}

	/* One that dies before it can. */
	board_input(board, 0)[0] = 'x';
	board_reset(board);
	assert_int_equal(board_input(board, 0)[0], 0);
	board_free(board);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ready_worker_may_drain_or_die_but_not_start_again),
		cmocka_unit_test(whatever_has_a_process_can_be_found_dead),
		cmocka_unit_test(every_state_has_a_name_and_a_way_out_and_in),
		cmocka_unit_test(a_seat_that_two_want_goes_to_one),
		cmocka_unit_test(
			who_came_after_the_asker_looked_at_the_clock_does_not_give_way),
		cmocka_unit_test(a_board_for_the_next_worker_remembers_nothing),
		cmocka_unit_test(a_board_that_was_wiped_is_as_new_too),
	};
	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
