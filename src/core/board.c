/* SPDX-License-Identifier: MIT */

#include "core/board.h"

#include "core/gate.h"
#include "core/heritage.h"
#include "os/mem.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096u

static size_t up_to_page(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t head_bytes(unsigned n_seats)
{
	return up_to_page(sizeof(struct board_counters) + n_seats * sizeof(struct seat));
}

/* One that lies at @map. NULL without memory. */
static struct board *place(
	char *map, unsigned n_seats, size_t input_bytes, size_t map_bytes)
{
	struct board *board = malloc(sizeof(*board));

	if (board)
		*board = (struct board){
			.counters = (struct board_counters *)map,
			.seats = (struct seat *)(map + sizeof(struct board_counters)),
			.inputs = map + head_bytes(n_seats),
			.n_seats = n_seats,
			.input_bytes = input_bytes,
			.map_bytes = map_bytes,
		};
	return board;
}

void board_free_row(struct board *first)
{
	for (struct board *board = first, *next; board; board = next) {
		next = board->next;
		board_free(board);
	}
}

struct board *board_new_row(unsigned n, unsigned n_seats, size_t input_bytes)
{
	/* Whole pages, so that the inputs can be given back without the head. */
	size_t map_bytes = head_bytes(n_seats) + n_seats * up_to_page(input_bytes);
	char *map = mem_share(n * map_bytes);
	struct board *first = NULL;

	if (!map)
		return NULL;
	while (n > 0) {
		struct board *board =
			place(map + (n - 1) * map_bytes, n_seats, input_bytes, map_bytes);

		if (!board) {
			mem_unshare(map, n * map_bytes);
			board_free_row(first);
			return NULL;
		}
		board->next = first;
		first = board;
		n--;
	}
	return first;
}

struct board *board_new(unsigned n_seats, size_t input_bytes)
{
	return board_new_row(1, n_seats, input_bytes);
}

void board_free(struct board *board)
{
	if (!board)
		return;
	mem_unshare(board->counters, board->map_bytes);
	free(board);
}

char *board_input(const struct board *board, uint32_t seat)
{
	return board->inputs + seat * up_to_page(board->input_bytes);
}

void board_heritage(const struct board *first, unsigned n, struct heritage *out)
{
	heritage_add_memory(out, first->counters, n * first->map_bytes);
}

void board_inherit(struct board *board, bool inherit)
{
	mem_inherit(board->counters, board->map_bytes, inherit);
}

void board_leave_gate(struct board *board, struct gate *gate)
{
	for (unsigned i = 0; gate && i < board->n_seats; i++)
		gate_leave(gate, atomic_exchange(&board->seats[i].ticket, 0));
}

void board_wipe(struct board *board)
{
	struct seat *seat = &board->seats[0];
	uint64_t n_most = atomic_load(&seat->n_read); /* that can ever have been in it */

	if (n_most > MIN(board->input_bytes, PAGE))
		return;
	memset(board->inputs, 0, n_most);
	atomic_store(&board->counters->wiped, 1);
}

void board_reset(struct board *board)
{
	size_t head = head_bytes(board->n_seats);
	bool wiped = atomic_load(&board->counters->wiped);

	*board->counters = (struct board_counters){0};
	for (unsigned i = 0; i < board->n_seats; i++) {
		struct seat *seat = &board->seats[i];

		seat_go(seat, SEAT_FREE);
		seat_clear(seat);
	}
	if (!wiped)
		mem_release(board->inputs, board->map_bytes - head);
}
