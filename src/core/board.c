/* SPDX-License-Identifier: MIT */

#include "core/board.h"

#include "core/gate.h"
#include "os/mem.h"

#include <string.h>

#define PAGE 4096u

static size_t up_to_page(size_t n)
{
	return (n + PAGE - 1) & ~(size_t)(PAGE - 1);
}

static size_t head_bytes(unsigned n_seats)
{
	return up_to_page(sizeof(struct board) + n_seats * sizeof(struct seat));
}

static void begin(
	struct board *board, unsigned n_seats, size_t input_bytes, size_t map_bytes)
{
	board->n_seats = n_seats;
	board->input_bytes = input_bytes;
	board->map_bytes = map_bytes;
	for (unsigned i = 0; i < n_seats; i++)
		board->seats[i].input =
			(char *)board + head_bytes(n_seats) + i * up_to_page(input_bytes);
}

struct board *board_new_row(unsigned n, unsigned n_seats, size_t input_bytes)
{
	/* Whole pages, so that the inputs can be given back without the head. */
	size_t map_bytes = head_bytes(n_seats) + n_seats * up_to_page(input_bytes);
	char *row = mem_share(n * map_bytes);

	if (!row)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		begin((struct board *)(row + i * map_bytes), n_seats, input_bytes,
			map_bytes);
	mem_inherit(row, n * map_bytes, false);
	return (struct board *)row;
}

struct board *board_next(struct board *board)
{
	return (struct board *)((char *)board + board->map_bytes);
}

struct board *board_new(unsigned n_seats, size_t input_bytes)
{
	return board_new_row(1, n_seats, input_bytes);
}

void board_free(struct board *board)
{
	if (board)
		mem_unshare(board, board->map_bytes);
}

void board_inherit(struct board *board, bool inherit)
{
	mem_inherit(board, board->map_bytes, inherit);
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
	memset(seat->input, 0, n_most);
	board->wiped = 1;
}

void board_reset(struct board *board)
{
	size_t head = head_bytes(board->n_seats);

	board->counters = (struct board_counters){0};
	atomic_store(&board->made, 0);
	for (unsigned i = 0; i < board->n_seats; i++) {
		struct seat *seat = &board->seats[i];

		seat_go(seat, SEAT_FREE);
		seat_clear(seat);
	}
	if (!board->wiped)
		mem_release((char *)board + head, board->map_bytes - head);
	board->wiped = 0;
}
