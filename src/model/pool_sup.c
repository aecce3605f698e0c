/* SPDX-License-Identifier: MIT */

#include "model/pool_sup.h"

#include "base/reason.h"
#include "core/model.h"
#include "core/service.h"
#include "core/settings.h"
#include "log/log.h"
#include "model/pool.h"
#include "model/pool_wire.h"
#include "model/pool_wrk.h"
#include "os/limit.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT_MAX 64  /* connections taken in one go, before workers are heard again */
#define FD_RESERVE 32u /* descriptors kept free for files, logs and channels */
#define OFFER_NS   (100 * NS_PER_MS) /* an offer nobody took for so long goes elsewhere */
#define LINGER_SLACK_NS \
	(100 * NS_PER_MS) /* past its linger a worker should have parked what is idle */
#define RETURN_NS \
	(100 * NS_PER_MS) /* how long a worker without descriptors is left alone */
#define SHRINK_AFTER_NS \
	(10 * NS_PER_SEC) /* so long a worker must have been idle to be let go */

static struct pool_slot *of(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;

	return &p->slots[slot->index];
}

static uint64_t now_ns(const struct pool_sup *p)
{
	return loop_now_ns(p->crew->loop);
}

static void set_accepting(struct pool_sup *p, bool on)
{
	if (p->accepting == on)
		return;
	p->accepting = on;
	for (size_t i = 0; i < p->crew->n_listeners; i++) {
		struct listener *l = &p->crew->listeners[i];

		if (!on)
			loop_remove(p->crew->loop, &l->io);
		else if (l->fd >= 0 && loop_add(p->crew->loop, &l->io, EPOLLIN) < 0)
			log_error(p->crew->log, "listener-lost", "cannot watch a listener",
				KV("listener", i));
	}
}

/* -- seats -- */

static void free_seat(struct slot *slot, uint32_t seat)
{
	struct pool_slot *ps = of(slot);

	seat_go(&slot->board->seats[seat], SEAT_FREE);
	ps->at[seat] = NULL;
	ps->free[ps->n_free++] = seat;
	ps->n_held--;
	if (!ps->n_held)
		ps->idle_since_ns = now_ns(slot->crew->model);
}

/* Takes the bytes that wait in the seat along: until a worker has it again they are kept
 * here. */
static bool keep_input(struct pool_conn *c, const struct seat *seat, size_t max)
{
	size_t n = atomic_load(&seat->n);

	c->n_read = atomic_load(&seat->n_read);
	if (!n)
		return true;
	if (n > max)
		return false; /* no sound worker writes that */
	c->input = malloc(n);
	if (!c->input)
		return false;
	memcpy(c->input, seat->input, n);
	c->n_input = (uint32_t)n;
	return true;
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

	crew_for_each_ready(slot, p->crew)
	{
		struct pool_slot *ps = of(slot);

		if (!ps->n_free || ps->avoid_until_ns > now_ns(p)
			|| atomic_load_explicit(
				&slot->board->counters.blocking, memory_order_relaxed))
			continue;
		if (!ps->n_held)
			return slot;
		if (!best || ps->n_held < of(best)->n_held)
			best = slot;
	}
	return best;
}

static bool offer(struct pool_sup *p, struct slot *slot, struct pool_conn *c)
{
	struct pool_slot *ps = of(slot);
	uint32_t index = ps->free[ps->n_free - 1];
	struct seat *seat = &slot->board->seats[index];
	struct pool_conn_msg msg = {
		.head = {.type = POOL_CONN, .seat = index},
		.id = c->id,
		.accepted_ns = c->accepted_ns,
		.listener = c->listener,
		.resumed = c->resumed,
		.peer.len = c->peer_len,
	};

	memcpy(&msg.peer.ss, c->peer, c->peer_len);
	if (c->n_input)
		memcpy(seat->input, c->input, c->n_input);
	atomic_store(&seat->n, c->n_input);
	atomic_store(&seat->n_read, c->n_read);
	atomic_store(&seat->since_ns, now_ns(p));
	seat_go(seat, SEAT_OFFERED);
	if (!crew_send(slot, &msg, sizeof(msg), c->fd)) {
		seat_go(seat, SEAT_FREE);
		return false;
	}

	free(c->input);
	c->input = NULL;
	c->n_input = 0;
	pool_place_offered(p, c);
	c->slot = slot;
	c->seat = index;
	ps->n_free--;
	ps->n_held++;
	ps->at[index] = c;
	log_debug(p->crew->log, "placed", "connection goes to a worker", KV("conn", c->id),
		KV("service", p->crew->spec->name), KV("worker", slot->index),
		KV("pid", slot->proc.pid));
	if (!p->offers.at_ns)
		(void)loop_at(p->crew->loop, &p->offers, now_ns(p) + OFFER_NS);
	return true;
}

/* Takes idle connections back from workers, so that others find a seat; at most @n. */
static void reclaim(struct pool_sup *p, unsigned n)
{
	struct slot *slot;

	crew_for_each_ready(slot, p->crew)
	{
		struct pool_slot *ps = of(slot);

		for (uint32_t i = 0; n && i < slot->board->n_seats; i++) {
			struct seat *seat = &slot->board->seats[i];
			const struct pool_msg msg = {.type = POOL_REVOKED, .seat = i};
			struct pool_conn *c = ps->at[i];

			if (!c || taken_elsewhere(seat, SEAT_IDLE))
				continue;
			n--;
			ps->at[i] =
				NULL; /* the seat is in use until the worker says DONE */
			if (!keep_input(c, seat, slot->board->input_bytes))
				pool_place_close(p, c);
			else
				pool_place_park(p, c);
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
	crew_for_each_ready(slot, p->crew)
	{
		if (!atomic_load_explicit(
			    &slot->board->counters.blocking, memory_order_relaxed))
			room += of(slot)->n_free;
	}
	room += p->crew->n_in[SLOT_STARTING] * seats;
	if (room < s->spares.min * seats || p->lines[POOL_QUEUED].n)
		/* Doubling: a burst gets its workers in a few steps, a mistake costs
		 * little. */
		if (p->crew->n_in[SLOT_STARTING] < MAX(living / 2, 1))
			crew_want(p->crew, living + 1);
}

void pool_dispatch(struct pool_sup *p)
{
	struct list *queued = &p->lines[POOL_QUEUED].list;

	while (!list_empty(queued)) {
		struct slot *slot = choose(p);

		if (!slot || !offer(p, slot, list_first(queued, struct pool_conn, link)))
			break;
	}
	look_at_room(p);
	if (p->lines[POOL_QUEUED].n) {
		reclaim(p, p->lines[POOL_QUEUED].n);
		if (!p->offers.at_ns)
			(void)loop_at(p->crew->loop, &p->offers, now_ns(p) + OFFER_NS);
	}
	while (p->lines[POOL_QUEUED].n > p->crew->spec->settings->queue)
		pool_place_refuse(
			p, list_last(queued, struct pool_conn, link), REFUSE_BUSY);
	if (p->crew->draining && !p->lines[POOL_QUEUED].n)
		crew_settled(p->crew);
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
		struct pool_conn *c = ps->at[i];
		enum seat_state state = c ? seat_state(seat) : SEAT_FREE;
		uint64_t age = now_ns(p) - atomic_load(&seat->since_ns);

		if ((state != SEAT_OFFERED || age < OFFER_NS)
			&& (state != SEAT_IDLE || age < linger))
			continue;
		if (taken_elsewhere(seat, state))
			continue;
		ps->at[i] = NULL;
		ps->avoid_until_ns = now_ns(p) + RETURN_NS;
		log_debug(p->crew->log, "taken-back", "worker does not answer",
			KV("conn", c->id), KV("service", p->crew->spec->name),
			KV("worker", slot->index));
		if (!keep_input(c, seat, slot->board->input_bytes)) {
			pool_place_close(p, c);
		} else if (state == SEAT_OFFERED) {
			pool_place_requeue(p, c);
		} else {
			const struct pool_msg msg = {.type = POOL_REVOKED, .seat = i};

			(void)crew_send(slot, &msg, sizeof(msg), -1);
			pool_place_park(p, c);
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
	crew_for_each_ready(slot, p->crew)
	{
		if (of(slot)->n_held)
			continue;
		n_idle++;
		if (now_ns(p) - of(slot)->idle_since_ns > SHRINK_AFTER_NS)
			last = slot;
	}
	if (last && n_idle > s->spares.max)
		crew_retire(last);
}

static void on_offers(struct loop_timer *timer)
{
	struct pool_sup *p = container_of(timer, struct pool_sup, offers);
	unsigned n_held = 0;
	struct slot *slot;

	crew_for_each_ready(slot, p->crew)
	{
		look_after(p, slot);
		n_held += of(slot)->n_held;
	}
	shrink(p);
	pool_dispatch(p);
	/* While anything is with a worker or waits for one, or there is one too many, look
	 * again. */
	if (n_held || p->lines[POOL_QUEUED].n
		|| crew_n_ready(p->crew) > p->crew->spec->settings->workers.min)
		(void)loop_at(p->crew->loop, timer, now_ns(p) + OFFER_NS);
}

/* -- accepting -- */

/* Makes room for one more connection. Whether there is any. */
static bool have_room(struct pool_sup *p)
{
	if (p->n_conns < p->max_conns || pool_place_evict(p))
		return true;
	set_accepting(p, false);
	log_warn(p->crew->log, "connections-full",
		"as many connections as there may be: others wait",
		KV("service", p->crew->spec->name), KV("connections", p->n_conns));
	return false;
}

static void on_listener(struct loop_io *io, uint32_t events)
{
	struct listener *l = container_of(io, struct listener, io);
	struct pool_sup *p = l->crew->model;
	struct addr peer;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX && have_room(p); i++) {
		int fd = sock_accept(l->fd, &peer);

		if (fd == SOCK_NO_ROOM && !pool_place_evict(p)) {
			set_accepting(p, false); /* until one that we hold has ended */
			log_warn(p->crew->log, "no-descriptors",
				"out of descriptors: accepting nothing until a connection ends",
				KV("service", p->crew->spec->name));
		}
		if (fd < 0)
			break;
		(void)pool_place_new(
			p, fd, &peer, l->index); /* without memory it is closed */
	}
	pool_dispatch(p);
}

static void maybe_accept_again(struct pool_sup *p)
{
	if (!p->accepting && !p->crew->draining && p->n_conns < p->max_conns)
		set_accepting(p, true);
}

/* -- what workers say -- */

static struct pool_conn *let_go(struct slot *slot, uint32_t seat)
{
	struct pool_conn *c = of(slot)->at[seat];

	if (c) {
		c->slot = NULL;
		if (!keep_input(c, &slot->board->seats[seat], slot->board->input_bytes)) {
			pool_place_close(slot->crew->model, c);
			c = NULL;
		}
	}
	free_seat(slot, seat);
	return c;
}

static int sup_message(struct slot *slot, const void *bytes, size_t len)
{
	struct pool_sup *p = slot->crew->model;
	struct pool_msg msg;

	if (len != sizeof(msg))
		return -EPROTO;
	memcpy(&msg, bytes, sizeof(msg));
	if (msg.type == POOL_ROOM) {
		pool_dispatch(p);
		return 0;
	}
	if (msg.seat >= slot->board->n_seats
		|| seat_state(&slot->board->seats[msg.seat]) == SEAT_FREE)
		return -EPROTO;

	struct pool_conn *c = let_go(slot, msg.seat);
	if (c && msg.type == POOL_PARK) {
		log_debug(p->crew->log, "parked", "connection is idle", KV("conn", c->id));
		pool_place_park(p, c);
	} else if (c && msg.type == POOL_RETURN) {
		of(slot)->avoid_until_ns = now_ns(p) + RETURN_NS;
		pool_place_requeue(p, c);
	} else if (c) {
		log_debug(p->crew->log, "done", "connection ended", KV("conn", c->id));
		pool_place_close(p, c);
	}
	maybe_accept_again(p);
	pool_dispatch(p);
	return msg.type >= POOL_DONE && msg.type <= POOL_RETURN ? 0 : -EPROTO;
}

/* -- when a worker dies -- */

/*
 * The worker may have died between the kernel's copying bytes into the seat and
 * its own counting them. The kernel counted: what it handed out beyond what the
 * worker knew of lies behind the known bytes. False if that cannot be told.
 */
static bool recover_input(struct pool_conn *c, struct seat *seat, size_t max)
{
	struct sock_tally tally;
	uint64_t n_read = atomic_load(&seat->n_read), n = atomic_load(&seat->n);

	sock_tally(c->fd, &tally);
	if (!tally.known)
		return true; /* not TCP: there is nothing to compare with */
	if (tally.n_read < n_read || n > max || tally.n_read - n_read > max - n)
		return false;
	atomic_store(&seat->n, (uint32_t)(n + (tally.n_read - n_read)));
	atomic_store(&seat->n_read, tally.n_read);
	return true;
}

static void say_poison(struct pool_sup *p, const struct pool_conn *c)
{
	struct span input = span_of(c->input, c->n_input);

	log_error(p->crew->log, "poison", "two workers died of this request",
		KV("conn", c->id), KV("request", span_of(input.p, span_find(input, '\r'))));
}

static void rescue(struct pool_sup *p, struct slot *slot, uint32_t index)
{
	struct seat *seat = &slot->board->seats[index];
	struct pool_conn *c = of(slot)->at[index];
	enum seat_state state = seat_state(seat);

	c->slot = NULL;
	if (state == SEAT_SENDING) {
		sock_shut(c->fd);
		pool_place_close(p, c);
		return;
	}
	if (state == SEAT_BEGUN || !recover_input(c, seat, slot->board->input_bytes)
		|| !keep_input(c, seat, slot->board->input_bytes)) {
		pool_place_refuse(p, c, REFUSE_BROKEN);
		return;
	}
	if (state == SEAT_IDLE && !c->n_input) {
		pool_place_park(p, c);
		return;
	}
	if (state == SEAT_HELD && c->n_input && ++c->n_killed == 2) {
		say_poison(p, c);
		pool_place_refuse(p, c, REFUSE_BROKEN);
		return;
	}
	c->resumed = true;
	log_info(p->crew->log, "rescued", "connection goes to another worker",
		KV("conn", c->id));
	pool_place_requeue(p, c);
}

static void sup_gone(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;

	for (uint32_t i = 0; i < slot->board->n_seats; i++) {
		if (of(slot)->at[i])
			rescue(p, slot, i);
		of(slot)->at[i] = NULL;
	}
	maybe_accept_again(p);
	pool_dispatch(p);
}

/* -- the model's table -- */

static void sup_ready(struct slot *slot)
{
	struct pool_sup *p = slot->crew->model;
	struct pool_slot *ps = of(slot);

	ps->n_free = slot->board->n_seats;
	for (uint32_t i = 0; i < ps->n_free; i++)
		ps->free[i] = ps->n_free - 1 - i;
	ps->n_held = 0;
	ps->avoid_until_ns = 0;
	ps->idle_since_ns = now_ns(p);
	set_accepting(p, true);
	pool_dispatch(p);
}

static unsigned descriptors_for_connections(const struct crew *crew)
{
	uint64_t wanted = crew->spec->settings->max_connections;
	uint64_t others = FD_RESERVE + 2 * crew->n_slots;
	uint64_t limit = limit_descriptors();
	uint64_t room = limit > others + 16 ? limit - others : 16;

	return (unsigned)(wanted && wanted < room ? wanted : room);
}

static int sup_start(struct crew *crew, struct reason *reason)
{
	struct pool_sup *p = crew->model;

	*p = (struct pool_sup){
		.crew = crew,
		.slots = calloc(crew->n_slots, sizeof(*p->slots)),
		.max_conns = descriptors_for_connections(crew),
		.offers.on = on_offers,
	};
	pool_place_init(p, crew->spec->settings);
	for (unsigned i = 0; p->slots && i < crew->n_slots; i++) {
		struct pool_slot *ps = &p->slots[i];

		ps->at = calloc(crew->n_connections, sizeof(*ps->at));
		ps->free = calloc(crew->n_connections, sizeof(*ps->free));
		if (!ps->at || !ps->free)
			return reason_set(reason, "out of memory");
	}
	for (size_t i = 0; i < crew->n_listeners; i++)
		crew->listeners[i].io.on = on_listener;
	return p->slots ? 0 : reason_set(reason, "out of memory");
}

static void sup_fini(struct crew *crew)
{
	struct pool_sup *p = crew->model;

	if (!p->crew)
		return; /* never started */
	for (int i = 0; i < POOL_N_LINES; i++)
		pool_place_close_all(p, (enum pool_place)i);
	loop_cancel(crew->loop, &p->deadlines);
	loop_cancel(crew->loop, &p->offers);
	for (unsigned i = 0; p->slots && i < crew->n_slots; i++) {
		free(p->slots[i].at);
		free(p->slots[i].free);
	}
	free(p->slots);
}

static void sup_drain(struct crew *crew)
{
	struct pool_sup *p = crew->model;

	p->accepting = false;
	pool_place_close_all(p, POOL_PARKED);
}

static bool sup_idle(const struct crew *crew)
{
	const struct pool_sup *p = crew->model;

	return !p->lines[POOL_QUEUED].n;
}

const struct model_ops pool_model = {
	.name = "pool",
	.summary = "idle workers that are passed the connection",
	.sup_bytes = sizeof(struct pool_sup),
	.sup_start = sup_start,
	.sup_fini = sup_fini,
	.sup_ready = sup_ready,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.sup_drain = sup_drain,
	.sup_idle = sup_idle,
	.wrk_bytes = sizeof(struct pool_wrk),
	.wrk_start = pool_wrk_start,
	.wrk_message = pool_wrk_message,
	.wrk_idle = pool_wrk_idle,
	.wrk_ended = pool_wrk_ended,
	.wrk_yield = pool_wrk_yield,
	.wrk_unblocked = pool_wrk_unblocked,
};
