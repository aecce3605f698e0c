/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "core/crew_sup.h"
#include "core/settings.h"
#include "model/grow_sup.h"

/* A crew of one worker that is ready, whose only seat is taken, and one that starts. */
struct room {
	struct settings settings;
	struct spec spec;
	struct slot slots[2];
	struct crew crew;
	struct grow grow;
};

static void open_room(struct room *room)
{
	*room = (struct room){
		.settings = {.workers = {1, 2}, .spares = {1, 1}},
		.spec = {.settings = &room->settings},
		.crew = {.spec = &room->spec,
			.slots = room->slots,
			.n_slots = 2,
			.n_connections = 1,
			.n_wanted = 2,
			.n_in = {[SLOT_READY] = 1, [SLOT_STARTING] = 1}},
	};
	room->crew.loop = loop_new();
	assert_non_null(room->crew.loop);
	for (unsigned i = 0; i < 2; i++) {
		room->slots[i].state = i == 0 ? SLOT_READY : SLOT_STARTING;
		room->slots[i].board = board_new(1, 100);
		assert_non_null(room->slots[i].board);
	}
	seat_go(&room->slots[0].board->seats[0], SEAT_HELD);
	grow_init(&room->grow, &room->crew);
}

static void close_room(struct room *room)
{
	grow_fini(&room->grow);
	for (unsigned i = 0; i < 2; i++)
		board_free(room->slots[i].board);
	loop_free(room->crew.loop);
}

static void it_goes_on_looking_though_the_extra_worker_takes_its_time_to_start(void **state)
{
	(void)state;
	struct room room;
	open_room(&room);

	room.grow.shrink.on(&room.grow.shrink);

	assert_true(room.grow.shrink.at_ns > 0);
	close_room(&room);
}

static void it_looks_no_more_when_there_is_to_be_nobody_extra(void **state)
{
	(void)state;
	struct room room;
	open_room(&room);

	room.crew.n_wanted = 1;
	room.grow.shrink.on(&room.grow.shrink);

	assert_int_equal(room.grow.shrink.at_ns, 0);
	close_room(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			it_goes_on_looking_though_the_extra_worker_takes_its_time_to_start),
		cmocka_unit_test(it_looks_no_more_when_there_is_to_be_nobody_extra),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
