/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * board - what one worker and the supervisor both see: counters, and a seat per connection.
 *
 * One shared mapping a worker, which no other worker has mapped: a worker that
 * was broken into sees its own connections and nobody else's. The supervisor
 * reads it at any time, also after the worker's death. It believes nothing in
 * it that could hurt: lengths are checked against the seat's size, states
 * against the table below. Where things lie in it, and how large they are, each
 * knows by itself: struct board is not shared, a worker has a copy by its fork.
 *
 * A seat's state says who may touch the connection. "S" is the supervisor, "W" the worker:
 *
 *   in         until                                          then      who
 *   FREE       a connection is handed over                    OFFERED   S
 *   OFFERED    the worker takes it                            HELD      W
 *              it did not for too long: it goes elsewhere     REVOKED   S
 *   HELD       the request begins (conn_begun)                BEGUN     W
 *              nothing of a request has come, or one ended    IDLE      W
 *   BEGUN      the first byte is about to be sent             SENDING   W
 *              the request ends (conn_settled)                HELD      W
 *   SENDING    the request ends                               HELD      W
 *   IDLE       something is to be read                        HELD      W
 *              the supervisor wants it back                   REVOKED   S
 *   any        the worker says that it let go (DONE, PARK)    FREE      S
 *
 * Two may want to leave OFFERED and IDLE, so those steps are compare-and-swap;
 * who loses leaves the connection alone. When the worker dies: OFFERED, HELD and
 * IDLE can be given to another, with the bytes in `input`; BEGUN can be answered
 * by a refusal. SENDING depends on how much the kernel says was sent (sock_tally):
 * nothing, and it is as it was before; the whole answer, and it is IDLE; else it
 * can only be closed.
 */

#include "base/util.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heritage;

enum seat_state {
	SEAT_FREE,
	SEAT_OFFERED,
	SEAT_HELD,
	SEAT_BEGUN,
	SEAT_SENDING,
	SEAT_IDLE,
	SEAT_REVOKED,
	SEAT_N_STATES,
};

#define SEAT_PEER_MAX 28u /* a sockaddr_in6 */

struct seat {
	_Atomic uint32_t state;    /* enum seat_state */
	_Atomic uint32_t begun;    /* not 0: the request may have had an effect */
	_Atomic uint64_t since_ns; /* CLOCK_MONOTONIC, when it became OFFERED or IDLE */
	_Atomic uint64_t n_read;   /* bytes ever taken from the socket, by any worker */
	_Atomic uint64_t
		n_used; /* of them, no longer in input: one store moves either end */
	_Atomic uint64_t n_sent;      /* bytes ever given to the socket */
	_Atomic uint64_t answer_from; /* SENDING: what n_sent was before this answer */
	_Atomic uint64_t answer_to;   /* and will be after it, once that is known; else 0 */
	_Atomic uint32_t ticket;      /* core/gate.h, while a worker has the connection */
	_Atomic uint32_t
		n_request; /* with answer_to: bytes of input that are answered then */
	_Atomic uint32_t peer_len; /* not 0: who connected, by a proxy's word */
	char peer[SEAT_PEER_MAX];
};

/* One cache line that the worker writes and the supervisor reads. */
struct board_counters {
	_Alignas(64) _Atomic uint64_t progress; /* grows whenever work moves on */
	_Atomic uint64_t connections;           /* taken, since the worker began */
	_Atomic uint64_t requests;              /* settled */
	_Atomic uint64_t bytes_in;
	_Atomic uint64_t bytes_out;
	_Atomic uint32_t
		blocking;       /* not 0: inside worker_blocking(); give it nothing new */
	_Atomic uint32_t wiped; /* not 0: by board_wipe */
};
static_assert(sizeof(struct board_counters) == 64, "one cache line");

struct board {
	struct board_counters
		*counters; /* shared, as what follows: the mapping begins here */
	struct seat *seats;
	char *inputs;
	uint32_t n_seats;
	size_t input_bytes; /* of each seat */
	size_t map_bytes;   /* owned, from counters on */
	struct board *next; /* of its row, while none of it was freed; or NULL */
};

/**
 * board_new - a board with @n_seats free seats of @input_bytes each.
 *
 * A child gets it by its heritage, or by board_inherit. Returns NULL without memory; ends with
 * board_free.
 */
[[nodiscard]] struct board *board_new(unsigned n_seats, size_t input_bytes);

/**
 * board_new_row - @n boards as board_new makes them, each with its own board_free.
 *
 * They lie side by side, so a fork that leaves out a thousand of them costs as much as
 * with one. Returns the first, or NULL without memory; board->next leads to the others.
 */
[[nodiscard]] struct board *board_new_row(unsigned n, unsigned n_seats, size_t input_bytes);

void board_free(struct board *board);     /* takes NULL, as the next */
void board_free_row(struct board *first); /* all of it */
void board_inherit(struct board *board, bool inherit);

/* Adds to @out the @n boards of a row that begins with @first. */
void board_heritage(const struct board *first, unsigned n, struct heritage *out);

/* Where the bytes lie that were read in @seat and not used: room for board->input_bytes. */
char *board_input(const struct board *board, uint32_t seat);

/* As new, for the next worker; gives the memory of the inputs back, but to one who has wiped it. */
void board_reset(struct board *board);

/*
 * In a worker that is done with the only connection it will have: wipes the input, if that is
 * quickly done. For the next worker it costs less than another page would. (A worker
 * that says so and has not done it has betrayed its own client, which it could in any case.)
 */
void board_wipe(struct board *board);

/* Counters are written by one process only, so adding needs no locked instruction. */
static inline void board_add(_Atomic uint64_t *counter, uint64_t n)
{
	uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static inline uint64_t board_read(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline enum seat_state seat_state(const struct seat *seat)
{
	return (enum seat_state)atomic_load_explicit(&seat->state, memory_order_acquire);
}

/* How many bytes wait in its input. */
static inline uint64_t seat_n_input(const struct seat *seat)
{
	return atomic_load_explicit(&seat->n_read, memory_order_relaxed)
	       - atomic_load_explicit(&seat->n_used, memory_order_relaxed);
}

struct gate;

/* Gives back what the connections of a worker that is no more were counted by. */
void board_leave_gate(struct board *board, struct gate *gate);

/* How long it has been OFFERED or IDLE at @now_ns. That is when a round of the asker's loop
 * began, and it may have become so since. */
static inline uint64_t seat_age_ns(const struct seat *seat, uint64_t now_ns)
{
	uint64_t since_ns = atomic_load_explicit(&seat->since_ns, memory_order_relaxed);

	return now_ns > since_ns ? now_ns - since_ns : 0;
}

#define SEAT_SILENT_NS (2 * NS_PER_SEC)

/*
 * Whether an idle connection may be closed for one that waits: it is between two
 * requests, or it has said nothing for long. Who has just come is about to ask.
 */
static inline bool seat_may_give_way(const struct seat *seat, uint64_t now_ns)
{
	return atomic_load_explicit(&seat->n_sent, memory_order_relaxed)
	       || seat_age_ns(seat, now_ns) > SEAT_SILENT_NS;
}

/* For a new connection: nothing read, nothing sent. */
static inline void seat_clear(struct seat *seat)
{
	atomic_store(&seat->n_read, 0);
	atomic_store(&seat->n_used, 0);
	atomic_store(&seat->n_sent, 0);
	atomic_store(&seat->answer_to, 0);
	atomic_store(&seat->begun, 0);
	atomic_store(&seat->peer_len, 0);
}

/* A step that nobody else can take at the same time. */
static inline void seat_go(struct seat *seat, enum seat_state to)
{
	atomic_store_explicit(&seat->state, to, memory_order_release);
}

/* A step out of OFFERED or IDLE: whether it was ours. */
[[nodiscard]] static inline bool seat_try(
	struct seat *seat, enum seat_state from, enum seat_state to)
{
	uint32_t expected = from;

	return atomic_compare_exchange_strong(&seat->state, &expected, to);
}
