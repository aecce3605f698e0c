/* SPDX-License-Identifier: MIT */

#include "model/pool_sup.h"

#include "base/reason.h"
#include "base/util.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "model/pool.h"
#include "model/pool_rescue_sup.h"
#include "model/pool_wire.h"
#include "model/pool_wrk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUND_NS \
	(100 * NS_PER_MS) /* how often workers are looked after, while there is cause */
#define OFFER_NS (100 * NS_PER_MS) /* an offer nobody took for so long goes elsewhere */
#define LINGER_SLACK_NS \
	(100 * NS_PER_MS) /* past its linger an idle connection should be parked */
#define AVOID_NS \
	(100 * NS_PER_MS) /* how long a worker that could not take one is left alone */
#define SHRINK_AFTER_NS \
	(10 * NS_PER_SEC) /* so long a worker must be idle before it is let go */

static struct pool_slot *of(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;

	return &p->slots[slot->index];
}

static uint64_t now_ns(const struct pool_sup *p)
{
	return loop_now_ns(p->crew->loop);
}

/* -- seats -- */

static void free_seat(struct slot *slot, uint32_t seat)
{
	struct pool_slot *ps = of(slot);

	seat_go(&slot->board->seats[seat], SEAT_FREE);
	ps->at[seat] = NULL;
	ps->given[seat] = false;
	ps->free[ps->n_free++] = seat;
	ps->n_held--;
	if (!ps->n_held)
		ps->idle_since_ns = now_ns(slot->crew->model);
}

static bool taken_elsewhere(struct seat *seat, enum seat_state from)
{
	return !seat_try(seat, from, SEAT_REVOKED);
}

/* -- giving connections to workers -- */

/* The worker for the next connection: an idle one, or else the least loaded with room. */
static struct slot *choose(struct pool_sup *p)
{
	struct slot *slot, *best = NULL;

	crew_for_each_ready (slot, p->crew) {
		struct pool_slot *ps = of(slot);

		if (!ps->n_free || ps->avoid_until_ns > now_ns(p)
			|| atomic_load_explicit(
				&slot->board->counters->blocking, memory_order_relaxed))
			continue;
		if (!ps->n_held)
			return slot;
		if (!best || ps->n_held < of(best)->n_held)
			best = slot;
	}
	return best;
}

static bool offer(struct pool_sup *p, struct slot *slot, struct guest *g)
{
	struct pool_slot *ps = of(slot);
	uint32_t index = ps->free[ps->n_free - 1];
	struct seat *seat = &slot->board->seats[index];
	struct pool_conn_msg msg = {
		.head = {.type = POOL_CONN, .seat = index},
		.id = g->id,
		.accepted_ns = g->accepted_ns,
		.listener = g->listener,
		.resumed = g->resumed,
		.peer.len = g->peer_len,
	};

	memcpy(&msg.peer.ss, g->peer, g->peer_len);
	lobby_lend(g, slot->board, index);
	seat_go(seat, SEAT_OFFERED);
	if (!crew_send(slot, &msg, sizeof(msg), g->fd)) {
		seat_go(seat, SEAT_FREE);
		lobby_unlend(g, seat);
		return false;
	}

	lobby_handed_over(g, slot, index);
	ps->n_free--;
	ps->n_held++;
	ps->at[index] = g;
	ps->given[index] = true;
	log_debug(p->crew->log, "placed", "connection goes to a worker", KV("conn", g->id),
		KV("service", p->crew->spec->name), KV("worker", slot->index),
		KV("pid", slot->proc.pid));
	return true;
}

/* Takes idle connections back from workers, so that others find a seat; at most @n. */
static void reclaim(struct pool_sup *p, unsigned n)
{
	struct slot *slot;

	crew_for_each_ready (slot, p->crew) {
		struct pool_slot *ps = of(slot);

		for (uint32_t i = 0; n && i < slot->board->n_seats; i++) {
			struct seat *seat = &slot->board->seats[i];
			const struct pool_msg msg = {.type = POOL_REVOKED, .seat = i};
			struct guest *g = ps->at[i];

			if (!g || taken_elsewhere(seat, SEAT_IDLE))
				continue;
			n--;
			ps->at[i] =
				NULL; /* the seat is in use until the worker says DONE */
			if (!lobby_keep_input(g, slot->board, i))
				lobby_close(g);
			else
				lobby_park(g);
			/* If it cannot be told, it finds out when the connection moves. */
			(void)crew_send(slot, &msg, sizeof(msg), -1);
		}
	}
}

/* How many workers' worth of room there is, and whether that is too little. */
static void look_at_room(struct pool_sup *p)
{
	const struct settings *s = p->crew->spec->settings;
	unsigned seats = p->crew->n_connections, room = 0;
	unsigned living = crew_n_ready(p->crew) + p->crew->n_in[SLOT_STARTING];
	struct slot *slot;

	if (p->crew->draining || !p->crew->was_ready)
		return;
	crew_for_each_ready (slot, p->crew) {
		if (!atomic_load_explicit(
			    &slot->board->counters->blocking, memory_order_relaxed))
			room += of(slot)->n_free;
	}
	room += p->crew->n_in[SLOT_STARTING] * seats;
	if (room < s->spares.min * seats || lobby_n_queued(&p->lobby))
		/* Doubling: a burst gets its workers in a few steps, a mistake costs
		 * little. */
		if (p->crew->n_in[SLOT_STARTING] < MAX(living / 2, 1))
			crew_want(p->crew, living + 1);
}

static void ask_for_round(struct pool_sup *p)
{
	if (!p->rounds.at_ns)
		(void)loop_at(p->crew->loop, &p->rounds, now_ns(p) + ROUND_NS);
}

static void dispatch(struct crew *crew)
{
	struct pool_sup *p = crew->model;
	struct guest *g;

	while ((g = lobby_next(&p->lobby))) {
		struct slot *slot = choose(p);

		if (!slot || !offer(p, slot, g))
			break;
		ask_for_round(p);
	}
	look_at_room(p);
	if (lobby_n_queued(&p->lobby)) {
		reclaim(p, lobby_n_queued(&p->lobby));
		ask_for_round(p);
	}
	lobby_trim(&p->lobby);
	if (crew->draining && lobby_is_empty(&p->lobby))
		crew_settled(crew);
}

/* -- looking after workers that do not answer -- */

/* An offer that was not taken goes to another worker; an idle connection not parked in time
 * comes back. */
static void look_after(struct pool_sup *p, struct slot *slot)
{
	uint64_t linger = p->crew->spec->settings->linger_ns + LINGER_SLACK_NS;
	struct pool_slot *ps = of(slot);

	for (uint32_t i = 0; i < slot->board->n_seats; i++) {
		struct seat *seat = &slot->board->seats[i];
		struct guest *g = ps->at[i];
		enum seat_state state = g ? seat_state(seat) : SEAT_FREE;
		uint64_t age = seat_age_ns(seat, now_ns(p));

		if ((state != SEAT_OFFERED || age < OFFER_NS)
			&& (state != SEAT_IDLE || age < linger))
			continue;
		if (taken_elsewhere(seat, state))
			continue;
		ps->at[i] = NULL;
		ps->avoid_until_ns = now_ns(p) + AVOID_NS;
		log_debug(p->crew->log, "taken-back", "worker does not answer",
			KV("conn", g->id), KV("service", p->crew->spec->name),
			KV("worker", slot->index));
		if (!lobby_keep_input(g, slot->board, i)) {
			lobby_close(g);
		} else if (state == SEAT_OFFERED) {
			lobby_requeue(g, false);
		} else {
			const struct pool_msg msg = {.type = POOL_REVOKED, .seat = i};

			(void)crew_send(slot, &msg, sizeof(msg), -1);
			lobby_park(g);
		}
	}
}

/* Lets one worker go that has long been idle, while more than enough are. */
static void shrink(struct pool_sup *p)
{
	const struct settings *s = p->crew->spec->settings;
	struct slot *slot, *last = NULL;
	unsigned n_idle = 0;

	if (p->crew->draining || crew_n_ready(p->crew) <= s->workers.min)
		return;
	crew_for_each_ready (slot, p->crew) {
		if (of(slot)->n_held)
			continue;
		n_idle++;
		if (now_ns(p) - of(slot)->idle_since_ns > SHRINK_AFTER_NS)
			last = slot;
	}
	if (last && n_idle > s->spares.max)
		crew_retire(last);
}

static void on_round(struct loop_timer *timer)
{
	struct pool_sup *p = container_of(timer, struct pool_sup, rounds);
	unsigned n_held = 0;
	struct slot *slot;

	crew_for_each_ready (slot, p->crew) {
		look_after(p, slot);
		n_held += of(slot)->n_held;
	}
	shrink(p);
	dispatch(p->crew);
	/* While anything is with a worker or waits for one, or there is one too many, or will
	 * be when it is ready, look again. */
	if (n_held || lobby_n_queued(&p->lobby)
		|| p->crew->n_wanted > p->crew->spec->settings->workers.min)
		(void)loop_at(p->crew->loop, timer, now_ns(p) + ROUND_NS);
}

/* -- what workers say -- */

static struct guest *let_go(struct slot *slot, uint32_t seat)
{
	struct guest *g = of(slot)->at[seat];

	if (g) {
		g->slot = NULL;
		if (!lobby_keep_input(g, slot->board, seat)) {
			lobby_close(g);
			g = NULL;
		}
	}
	free_seat(slot, seat);
	return g;
}

/* By our own book, not by what the worker wrote on the board. */
static bool is_given(struct slot *slot, uint32_t seat)
{
	return seat < slot->board->n_seats && of(slot)->given[seat];
}

/* Who has which connection no longer, and who waits for work again. */
static void say_let_go(
	struct slot *slot, const char *event, const char *sentence, const struct guest *g)
{
	struct log *log = slot->crew->log;

	log_debug(log, event, sentence, KV("conn", g->id), SLOT_KVS(slot));
	if (of(slot)->n_held == 0)
		log_debug(log, "worker-idle", "worker waits for work", SLOT_KVS(slot));
}

static int on_done(struct slot *slot, const void *bytes, size_t len)
{
	struct pool_done_msg msg = {0};

	memcpy(&msg, bytes, MIN(len, sizeof(msg)));
	if (msg.n == 0 || msg.n > POOL_DONE_MOST || len != pool_done_bytes(&msg))
		return -EPROTO;
	for (uint32_t i = 0; i < msg.n; i++) {
		if (!is_given(slot, msg.seats[i]))
			return -EPROTO;
		struct guest *g = let_go(slot, msg.seats[i]);
		if (!g)
			continue;
		say_let_go(slot, "done", "connection ended", g);
		lobby_close(g);
	}
	return 0;
}

/* What is about one connection that goes on. */
static int on_handed_back(struct slot *slot, const struct pool_msg *msg)
{
	struct pool_sup *p = slot->crew->model;

	if (!is_given(slot, msg->seat))
		return -EPROTO;
	struct guest *g = let_go(slot, msg->seat);
	if (g && msg->type == POOL_PARK) {
		say_let_go(slot, "parked", "connection is idle", g);
		lobby_park(g);
	} else if (g) {
		of(slot)->avoid_until_ns = now_ns(p) + AVOID_NS;
		lobby_requeue(g, false);
	}
	return 0;
}

static int sup_message(struct slot *slot, const void *bytes, size_t len)
{
	struct pool_msg msg;
	int r = -EPROTO;

	if (len < sizeof(msg))
		return r;
	memcpy(&msg, bytes, sizeof(msg));
	if (msg.type == POOL_DONE)
		r = on_done(slot, bytes, len);
	else if (len == sizeof(msg) && msg.type == POOL_ROOM)
		r = 0;
	else if (len == sizeof(msg) && (msg.type == POOL_PARK || msg.type == POOL_RETURN))
		r = on_handed_back(slot, &msg);
	if (r == 0)
		dispatch(slot->crew);
	return r;
}

/* -- the model's table -- */

static void sup_gone(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;

	for (uint32_t i = 0; i < slot->board->n_seats; i++) {
		if (of(slot)->at[i])
			pool_rescue(of(slot)->at[i], slot, i);
		of(slot)->at[i] = NULL;
	}
	dispatch(p->crew);
}

static void sup_ready(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;
	struct pool_slot *ps = of(slot);

	ps->n_free = slot->board->n_seats;
	for (uint32_t i = 0; i < ps->n_free; i++) {
		ps->free[i] = ps->n_free - 1 - i;
		ps->given[i] = false;
	}
	ps->n_held = 0;
	ps->avoid_until_ns = 0;
	ps->idle_since_ns = now_ns(p);
	lobby_accept(&p->lobby, true);
	dispatch(p->crew);
}

static int sup_start(struct crew *crew, struct reason *reason)
{
	struct pool_sup *p = crew->model;

	*p = (struct pool_sup){
		.crew = crew,
		.slots = calloc(crew->n_slots, sizeof(*p->slots)),
		.rounds.on = on_round,
	};
	lobby_init(&p->lobby, crew, dispatch);
	for (unsigned i = 0; p->slots && i < crew->n_slots; i++) {
		struct pool_slot *ps = &p->slots[i];

		ps->at = calloc(crew->n_connections, sizeof(*ps->at));
		ps->given = calloc(crew->n_connections, sizeof(*ps->given));
		ps->free = calloc(crew->n_connections, sizeof(*ps->free));
		if (!ps->at || !ps->given || !ps->free)
			return reason_set(reason, "out of memory");
	}
	return p->slots ? 0 : reason_set(reason, "out of memory");
}

static void sup_fini(struct crew *crew)
{
	struct pool_sup *p = crew->model;

	if (!p->crew)
		return; /* never started */
	lobby_fini(&p->lobby);
	loop_cancel(crew->loop, &p->rounds);
	for (unsigned i = 0; p->slots && i < crew->n_slots; i++) {
		free(p->slots[i].at);
		free(p->slots[i].given);
		free(p->slots[i].free);
	}
	free(p->slots);
}

const struct model_ops pool_model = {
	.name = "pool",
	.summary = "idle workers that are passed the connection",
	.takes_over = TAKES_ALL,
	.sup_bytes = sizeof(struct pool_sup),
	.sup_start = sup_start,
	.sup_fini = sup_fini,
	.sup_ready = sup_ready,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.wrk_bytes = sizeof(struct pool_wrk),
	.wrk_start = pool_wrk_start,
	.wrk_fini = pool_wrk_fini,
	.wrk_message = pool_wrk_message,
	.wrk_idle = pool_wrk_idle,
	.wrk_ended = pool_wrk_ended,
	.wrk_yield = pool_wrk_yield,
	.wrk_unblocked = pool_wrk_unblocked,
};
