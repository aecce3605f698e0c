/* SPDX-License-Identifier: MIT */

#include "model/ring_sup.h"

#include "base/reason.h"
#include "core/crew_sup.h"
#include "core/heritage.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "model/ring.h"
#include "os/fd.h"
#include "os/mem.h"
#include "os/pipe.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEASE_NS \
	(150 * NS_PER_MS) /* so long a connection may wait while somebody may accept it */
#define CLOSE_NS   NS_PER_SEC /* so long CLOSE may take to come round */
#define SUP_HOLDS  UINT32_MAX /* ring_shared.holder: the token is here */
#define NONE_HOLDS 0u
/* Read in a row, of a pipe that has one: a member may do nothing but write. */
#define TURN_TOKENS 64u

static void home(struct ring_sup *r, const struct ring_token *token);
static void new_epoch(struct ring_sup *r);

/* -- the chain -- */

static bool is_active(const struct ring_sup *r, unsigned slot)
{
	return r->crew->slots[slot].state == SLOT_READY && !r->pipes[slot].suspended;
}

/* The supervisor reads every pipe that no worker does. */
static void look_at_pipes(struct ring_sup *r)
{
	for (unsigned i = 0; i <= r->crew->n_slots; i++) {
		struct ring_pipe *p = &r->pipes[i];
		bool on = p->read >= 0 && !(i < r->crew->n_slots && is_active(r, i));

		if (p->io.added == on)
			continue;
		if (!on)
			loop_remove(r->crew->loop, &p->io);
		else if (loop_add(r->crew->loop, &p->io, EPOLLIN) < 0)
			log_error(r->crew->log, "ring-gap",
				"a place in the ring cannot be bridged", KV("worker", i));
	}
}

/* Gives a token to the first worker from @slot on; without one it has come home. */
static void forward(struct ring_sup *r, unsigned slot, const struct ring_token *token)
{
	for (; slot < r->crew->n_slots; slot++) {
		/* A pipe that is full has a reader that does not read: the lease will find
		 * it. */
		if (is_active(r, slot)
			&& write(r->pipes[slot].write, token, sizeof(*token))
				   == sizeof(*token))
			return;
	}
	home(r, token);
}

static void on_pipe(struct loop_io *io, uint32_t events)
{
	struct ring_pipe *p = container_of(io, struct ring_pipe, io);
	struct ring_sup *r = p->crew->model;
	struct ring_token token;

	(void)events;
	for (unsigned n = 0; n < TURN_TOKENS && p->io.added; n++) {
		if (read(p->read, &token, sizeof(token)) != sizeof(token))
			return;
		if (token.epoch == atomic_load(&r->shared->epoch))
			forward(r, (unsigned)(p - r->pipes), &token);
	}
}

static void send_token(struct ring_sup *r, unsigned first_slot, uint32_t byte)
{
	const struct ring_token token = {
		.byte = byte, .epoch = atomic_load(&r->shared->epoch)};

	atomic_store(&r->shared->holder, NONE_HOLDS);
	forward(r, first_slot, &token);
}

/* -- the lease: somebody may accept, and nobody does -- */

static uint64_t n_accepted(const struct ring_sup *r)
{
	const struct slot *slot;
	uint64_t n = 0;

	crew_for_each_ready (slot, r->crew)
		n += atomic_load(&slot->board->counters->connections);
	return n;
}

/* Asks to be told, once, that a connection waits; or no more. */
static void watch_waiting(struct ring_sup *r, bool on)
{
	struct crew *crew = r->crew;

	for (size_t i = 0; i < crew->n_listeners; i++) {
		struct loop_io *io = &r->waiting[i].io;

		if (!on || crew->draining)
			loop_remove(crew->loop, io);
		/* Unwatched, a stopped worker would cost the connections that wait for it:
		 * no more. */
		else if (io->added)
			(void)loop_change(crew->loop, io, EPOLLIN | EPOLLONESHOT);
		else
			(void)loop_add(crew->loop, io, EPOLLIN | EPOLLONESHOT);
	}
	if (!on)
		loop_cancel(crew->loop, &r->lease);
}

static void on_waiting(struct loop_io *io, uint32_t events)
{
	struct ring_sup *r = container_of(io, struct ring_waiting, io)->ring;

	(void)events;
	if (r->lease.at_ns)
		return;
	r->seen_accepted = n_accepted(r);
	(void)loop_at(r->crew->loop, &r->lease, loop_now_ns(r->crew->loop) + LEASE_NS);
}

static bool anybody_waits(const struct ring_sup *r)
{
	for (size_t i = 0; i < r->crew->n_listeners; i++) {
		if (r->crew->listeners[i].fd >= 0
			&& sock_is_readable(r->crew->listeners[i].fd))
			return true;
	}
	return false;
}

/* Whether it is waited for a word of @slot: then care_sup.h sees that one comes. */
static void look_at_debt(struct ring_sup *r, unsigned slot)
{
	r->crew->slots[slot].owes = r->pipes[slot].suspended || r->pipes[slot].given;
}

/* A channel that is too full has a reader that does not read; when it does, it answers what is in it. */
static void ping(struct slot *slot)
{
	const struct core_msg msg = {.type = RING_PING};

	(void)crew_send(slot, &msg, CORE_MSG_BARE, -1);
}

static void suspend(struct ring_sup *r, unsigned slot)
{
	if (!is_active(r, slot))
		return;
	log_warn(r->crew->log, "member-silent",
		"worker does not answer: the ring goes on without it",
		KV("service", r->crew->spec->name), KV("worker", slot));
	r->pipes[slot].suspended = true;
	look_at_debt(r, slot);
	ping(&r->crew->slots[slot]);
}

static void on_lease(struct loop_timer *timer)
{
	struct ring_sup *r = container_of(timer, struct ring_sup, lease);
	uint32_t holder = atomic_load(&r->shared->holder);

	if (r->state == RING_PARKED || r->state == RING_CLOSING)
		return;
	if (n_accepted(r) != r->seen_accepted || !anybody_waits(r)) {
		watch_waiting(r, true);
		return;
	}
	if (holder != NONE_HOLDS && holder <= r->crew->n_slots)
		suspend(r, holder - 1);
	/* Or it lies unread before a worker that is not there to read it. */
	for (unsigned i = 0; i < r->crew->n_slots; i++) {
		if (is_active(r, i) && sock_has_input(r->pipes[i].read))
			suspend(r, i);
	}
	look_at_pipes(r);
	new_epoch(r);
	watch_waiting(r, r->state != RING_PARKED);
}

/* -- where the token is -- */

/* From now on, in this epoch. */
static void ask_for_room(struct ring_sup *r)
{
	atomic_store(&r->shared->confirming, atomic_load(&r->shared->epoch));
}

static void go_out(struct ring_sup *r, unsigned first_slot)
{
	r->state = RING_OUT;
	atomic_store(&r->shared->confirming, 0);
	lobby_accept(&r->lobby, false);
	watch_waiting(r, true);
	send_token(r, first_slot, RING_ALLOW);
}

static void new_epoch(struct ring_sup *r)
{
	atomic_fetch_add(&r->shared->epoch, 1);
	go_out(r, 0);
}

/* Everyone passed it on: is everyone full, or did somebody just get room? */
static void ask(struct ring_sup *r)
{
	r->state = RING_ASKING;
	r->room_reported = false;
	/* Before the byte: who sees the byte go by, full, and gets room after it, will say
	 * so. */
	ask_for_room(r);
	send_token(r, 0, RING_ALLOW | RING_CONFIRM);
}

static void park(struct ring_sup *r)
{
	r->state = RING_PARKED;
	r->room_reported = false;
	atomic_store(&r->shared->holder, SUP_HOLDS);
	watch_waiting(r, false);
	grow_look(&r->grow);
	if (!r->crew->draining)
		lobby_accept(&r->lobby, true);
}

/* People wait here while the token is out: it is called back, and everyone is asked for room. */
static void recall(struct ring_sup *r)
{
	struct slot *slot;

	atomic_fetch_add(&r->shared->epoch, 1);
	ask_for_room(r);
	park(r);
	crew_for_each_ready (slot, r->crew)
		ping(slot);
}

static void home(struct ring_sup *r, const struct ring_token *token)
{
	if (token->byte == RING_CLOSE) {
		loop_cancel(r->crew->loop, &r->close_deadline);
		crew_settled(r->crew);
	} else if (token->byte == RING_ALLOW) {
		ask(r);
	} else if (token->byte == (RING_ALLOW | RING_CONFIRM)) {
		if (r->room_reported)
			go_out(r, 0);
		else
			park(r);
	} else {
		log_error(r->crew->log, "ring-garbled",
			"an unknown byte came round: a new epoch begins",
			KV("byte", token->byte));
		new_epoch(r);
	}
}

static void send_close(struct ring_sup *r)
{
	r->state = RING_CLOSING;
	/* From here on no other token counts: one that came home now would begin a lap. */
	atomic_fetch_add(&r->shared->epoch, 1);
	lobby_accept(&r->lobby, false);
	watch_waiting(r, false);
	(void)loop_at(
		r->crew->loop, &r->close_deadline, loop_now_ns(r->crew->loop) + CLOSE_NS);
	send_token(r, 0, RING_CLOSE);
}

static void on_close_deadline(struct loop_timer *timer)
{
	struct ring_sup *r = container_of(timer, struct ring_sup, close_deadline);

	crew_settled(r->crew); /* which tells each of them directly */
}

/* -- room -- */

/* Gives @slot the one that waits here the longest; it is ours until the worker has it. */
static void hand_over(struct ring_sup *r, struct slot *slot)
{
	struct guest *g = lobby_next(&r->lobby);
	struct ring_conn_msg msg = {
		.type = RING_CONN,
		.listener = g->listener,
		.admitted = g->ticket != 0,
		.peer.len = g->peer_len,
	};
	memcpy(&msg.peer.ss, g->peer, g->peer_len);
	if (!crew_send(slot, &msg, sizeof(msg), g->fd))
		return;
	lobby_handed_over(g, slot, 0);
	r->pipes[slot->index].given = g;
	look_at_debt(r, slot->index);
}

/* @slot may have room: who waits here gets it, and if nobody waits it gets the token. With
 * one on the way to it nothing is lost by waiting: it will be heard of again. */
static void room(struct ring_sup *r, struct slot *slot)
{
	if (r->state == RING_ASKING)
		r->room_reported = true;
	if (r->state != RING_PARKED || r->pipes[slot->index].given)
		return;
	if (lobby_n_queued(&r->lobby))
		hand_over(r, slot);
	else if (!r->crew->draining)
		go_out(r, slot->index);
	else /* for one who is on the way to another worker, and may come back */
		r->room_reported = true;
}

static bool anybody_here(const struct ring_sup *r)
{
	for (unsigned i = 0; i < r->crew->n_slots; i++) {
		if (r->pipes[i].given)
			return true;
	}
	return lobby_n_queued(&r->lobby);
}

static void dispatch(struct crew *crew)
{
	struct ring_sup *r = crew->model;

	lobby_trim(&r->lobby);
	if (lobby_n_queued(&r->lobby)
		&& (r->state == RING_OUT || r->state == RING_ASKING
			|| (r->state == RING_PARKED && r->room_reported)))
		recall(r);
	if (crew->draining && !anybody_here(r) && r->state != RING_CLOSING)
		send_close(r);
}

/* What has become of the one that was given to @slot. */
static int given_ended(struct ring_sup *r, struct slot *slot, uint32_t type)
{
	struct guest *g = r->pipes[slot->index].given;

	if (!g)
		return -EPROTO;
	r->pipes[slot->index].given = NULL;
	look_at_debt(r, slot->index);
	if (type == RING_TAKEN)
		lobby_close(g);
	else
		lobby_requeue(g, false);
	dispatch(r->crew);
	return 0;
}

/* -- the model's table -- */

static void sup_ready(struct slot *slot)
{
	struct ring_sup *r = slot->crew->model;

	look_at_pipes(r);
	room(r, slot);
}

static void back(struct ring_sup *r, struct slot *slot)
{
	struct ring_pipe *p = &r->pipes[slot->index];

	if (!p->suspended)
		return;
	log_info(slot->crew->log, "member-back", "worker is back in the ring",
		KV("service", slot->crew->spec->name), KV("worker", slot->index));
	p->suspended = false;
	look_at_debt(r, slot->index);
	look_at_pipes(r);
	/* It may have got room when it had said this, and nobody asked yet. */
	if (slot->state == SLOT_READY)
		room(r, slot);
}

static int sup_message(struct slot *slot, const void *bytes, size_t len)
{
	struct ring_sup *r = slot->crew->model;
	uint32_t type;

	if (len != sizeof(type))
		return -EPROTO;
	memcpy(&type, bytes, sizeof(type));
	switch (type) {
	case RING_TAKEN:
	case RING_FULL: return given_ended(r, slot, type);
	case RING_BACK: back(r, slot); return 0;
	case RING_ROOM:
		if (slot->state == SLOT_READY)
			room(r, slot);
		return 0;
	default: return -EPROTO;
	}
}

static void sup_gone(struct slot *slot)
{
	struct ring_sup *r = slot->crew->model;
	struct ring_pipe *p = &r->pipes[slot->index];

	if (p->given)
		lobby_requeue(p->given, false); /* or it would have said TAKEN */
	p->given = NULL;
	p->suspended = false;
	look_at_debt(r, slot->index);
	look_at_pipes(r);
	/* It may have held the token, or be the one it was on its way to: so that one
	 * counts no more. */
	if (r->state == RING_CLOSING)
		send_token(r, 0, RING_CLOSE);
	else if (r->state != RING_PARKED && !lobby_n_queued(&r->lobby))
		new_epoch(r);
	else
		dispatch(r->crew);
}

static int open_pipe(struct ring_pipe *p)
{
	if (p->read >= 0)
		return 0;
	int err = pipe_open(&p->read, &p->write);
	p->io.fd = p->read;
	return err;
}

static int sup_heritage(struct slot *slot, struct heritage *out)
{
	struct ring_sup *r = slot->crew->model;
	struct ring_pipe *in = &r->pipes[slot->index], *next = in + 1;

	int err = open_pipe(in);
	if (err == 0)
		err = open_pipe(next);
	if (err < 0)
		return err;
	r->ends[slot->index] =
		(struct ring_ends){.shared = r->shared, .in = in->read, .out = next->write};
	slot->model = &r->ends[slot->index];
	heritage_add_memory(out, r->shared, sizeof(*r->shared));
	heritage_add(out, in->read);
	heritage_add(out, next->write);
	listen_heritage(slot, out);
	look_at_pipes(r);
	return 0;
}

static int sup_start(struct crew *crew, struct reason *reason)
{
	struct ring_sup *r = crew->model;

	lobby_init(&r->lobby, crew, dispatch);
	r->crew = crew;
	r->shared = mem_share(sizeof(*r->shared));
	r->pipes = calloc(crew->n_slots + 1, sizeof(*r->pipes));
	r->ends = calloc(crew->n_slots, sizeof(*r->ends));
	r->waiting = calloc(crew->n_listeners + 1, sizeof(*r->waiting));
	r->lease.on = on_lease;
	r->close_deadline.on = on_close_deadline;
	r->state = RING_PARKED; /* the first worker that is ready gets the first token */
	grow_init(&r->grow, crew);
	if (!r->shared || !r->pipes || !r->ends || !r->waiting)
		return reason_set(reason, "out of memory");

	atomic_store(&r->shared->epoch, 1);
	ask_for_room(r);
	atomic_store(&r->shared->holder, SUP_HOLDS);
	for (unsigned i = 0; i <= crew->n_slots; i++)
		r->pipes[i] = (struct ring_pipe){
			.io.on = on_pipe, .crew = crew, .read = -1, .write = -1};
	for (size_t i = 0; i < crew->n_listeners; i++)
		r->waiting[i] = (struct ring_waiting){
			.io = {.on = on_waiting, .fd = crew->listeners[i].fd},
			.ring = r,
		};
	return 0;
}

static void sup_fini(struct crew *crew)
{
	struct ring_sup *r = crew->model;

	if (!r->crew)
		return; /* never started */
	lobby_fini(&r->lobby);
	grow_fini(&r->grow);
	loop_cancel(crew->loop, &r->lease);
	loop_cancel(crew->loop, &r->close_deadline);
	for (unsigned i = 0; r->pipes && i <= crew->n_slots; i++) {
		loop_remove(crew->loop, &r->pipes[i].io);
		fd_close(&r->pipes[i].read);
		fd_close(&r->pipes[i].write);
	}
	free(r->pipes);
	free(r->ends);
	free(r->waiting);
	mem_unshare(r->shared, sizeof(*r->shared));
}

static void sup_drain(struct crew *crew)
{
	struct ring_sup *r = crew->model;

	/* Those who wait here are served first; a worker that is told to finish takes
	 * nobody. */
	watch_waiting(r, false);
	dispatch(crew);
}

const struct model_ops ring_model = {
	.name = "ring",
	.summary = "workers that take turns to accept, by a token in a chain of pipes",
	.settles_itself = true, /* only CLOSE, come round or too late, ends a ring */
	.takes_over = TAKES_UNREAD,
	.sup_bytes = sizeof(struct ring_sup),
	.sup_start = sup_start,
	.sup_fini = sup_fini,
	.sup_heritage = sup_heritage,
	.sup_ready = sup_ready,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.sup_drain = sup_drain,
	.wrk_bytes = sizeof(struct ring_wrk),
	.wrk_start = ring_wrk_start,
	.wrk_fini = ring_wrk_fini,
	.wrk_message = ring_wrk_message,
	.wrk_idle = ring_wrk_idle,
	.wrk_ended = ring_wrk_ended,
	.wrk_yield = ring_wrk_yield,
};
