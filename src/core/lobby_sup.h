/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lobby_sup - connections that the supervisor holds: accepted, queued, parked, or being
 * refused. Runs in the supervisor, and reads from none of them. For every model that needs
 * it.
 *
 *   in         until                                     then
 *   QUEUED     the model finds a worker with room        WITH_WORKER
 *              its queue deadline passes, or the queue
 *              is too long                               FAREWELL (refused)
 *   WITH_      the worker says that it is idle           PARKED
 *   WORKER     it ends                                   (closed)
 *              the worker does not take it, or dies
 *              before the request began                  QUEUED
 *              it dies after that                        FAREWELL; closed, if it had sent
 *   PARKED     it becomes readable                       QUEUED
 *              its idle deadline passes, or a newer one
 *              needs its descriptor                      (closed)
 *   FAREWELL   the peer closes, or a second passes       (closed)
 */

#include "base/list.h"
#include "core/board.h"
#include "core/model.h"
#include "core/service.h"
#include "os/addr.h"
#include "os/loop.h"

#include <stdbool.h>
#include <stdint.h>

struct crew;
struct seat;
struct slot;

enum guest_place {
	GUEST_QUEUED,
	GUEST_PARKED,
	GUEST_FAREWELL,
	GUEST_N_LINES, /* in the places before this one they wait in line */
	GUEST_WITH_WORKER = GUEST_N_LINES,
};

/* One connection. */
struct guest {
	struct list link; /* in its place's line; in none while WITH_WORKER */
	struct loop_io io;
	struct lobby *lobby;
	uint64_t id;
	uint64_t accepted_ns;
	uint64_t since_ns; /* when it came to its place */
	uint64_t waits_ns; /* WITH_WORKER: when it had come to the queue */
	uint64_t n_read;   /* bytes taken from its socket so far */
	uint64_t n_sent;   /* and given to it */
	int fd;            /* owned */
	uint32_t ticket;   /* core/gate.h, while no worker has it; 0 for none */
	uint32_t n_input;
	char *input; /* owned: bytes read and not yet answered, while no worker has it; else
			NULL */
	struct slot *slot; /* WITH_WORKER: whose; the model's, with seat */
	uint32_t seat;
	uint16_t listener;
	uint8_t place;    /* enum guest_place */
	uint8_t n_killed; /* workers that died while they held its present request */
	bool resumed;
	socklen_t peer_len;
	char peer
		[SEAT_PEER_MAX]; /* a sockaddr of that length; a unix peer's name is not kept */
};

/* Connections that wait for something, the oldest first, all for the same time. */
struct lobby_line {
	struct list list;
	unsigned n;
	uint64_t for_ns;
};

struct lobby {
	struct crew *crew;
	void (*dispatch)(struct crew *crew); /* the model's: something was queued */
	struct lobby_line lines[GUEST_N_LINES];
	unsigned n_guests;   /* in all */
	unsigned max_guests; /* descriptors allow no more */
	uint64_t next_id;
	uint64_t n_refused; /* since it was last said in the log */
	uint64_t said_refused_ns;
	uint64_t said_full_ns;
	bool accepting;              /* the listeners are watched */
	bool wanted;                 /* they should be, once there is room */
	struct loop_timer deadlines; /* of the lines */
};

/* Prepares the lobby of @crew, and of its listeners; it does not accept yet. */
void lobby_init(struct lobby *l, struct crew *crew, void (*dispatch)(struct crew *crew));
void lobby_fini(struct lobby *l); /* closes every connection */

/* Accepts, or does not; when descriptors run out it stops by itself, and goes on when one
 * is free. */
void lobby_accept(struct lobby *l, bool on);

/* The next in the queue, or NULL. */
struct guest *lobby_next(struct lobby *l);

static inline unsigned lobby_n_queued(const struct lobby *l)
{
	return l->lines[GUEST_QUEUED].n;
}

/* Refuses the youngest of a queue that is too long. */
void lobby_trim(struct lobby *l);

/* Before all others. Its deadline is the one it had, or, where a worker was at it, @anew. */
void lobby_requeue(struct guest *g, bool anew);
void lobby_park(struct guest *g);
void lobby_refuse(struct guest *g, enum refusal why);
void lobby_close(struct guest *g); /* frees it */

/*
 * Lets go, for a crew that drains: accepts no more; who waits goes over to the
 * crew's heir. Who cannot is served here (the idle ones soon or not at all), and
 * with no heir to be the idle ones are closed.
 */
void lobby_leave(struct lobby *l);

/* What the model of another lobby must take over, for a connection of which so much was
 * read to be served from there. */
static inline enum model_takes lobby_needs(bool parked, uint64_t n_read)
{
	return parked || n_read ? TAKES_ALL : TAKES_UNREAD;
}

/* A connection that another process held, with what it knows of it. */
struct lobby_papers {
	uint64_t id;
	uint64_t accepted_ns;
	uint64_t n_read;
	uint64_t n_sent;
	char *input; /* moves to the lobby: from malloc, or NULL */
	uint32_t n_input;
	uint32_t ticket; /* of this crew's gate; 0: it is yet to be counted */
	uint8_t n_killed;
	bool parked; /* or it waits in the queue */
	bool resumed;
	struct addr peer;
	struct addr local;
};

/* Takes over @fd. Without memory it is closed. */
void lobby_take(struct lobby *l, int fd, const struct lobby_papers *papers);

/* Whether nobody is left in it who waits for anything, or will. */
bool lobby_is_empty(const struct lobby *l);

void lobby_handed_over(struct guest *g, struct slot *slot, uint32_t seat); /* to a worker */

/**
 * lobby_keep_input - take along the bytes that wait in seat @seat of @board, which no sound
 * worker writes any more.
 *
 * False if they cannot be kept (no memory, or a length no sound worker writes).
 */
[[nodiscard]] bool lobby_keep_input(struct guest *g, struct board *board, uint32_t seat);

/* Puts what is kept of it into the seat of the next worker; or has it back, not taken. */
void lobby_lend(struct guest *g, struct board *board, uint32_t seat);
void lobby_unlend(struct guest *g, struct seat *seat);
