/* SPDX-License-Identifier: MIT */

#include "model/ring_wrk.h"

#include "base/util.h"
#include "core/conn.h"
#include "core/crew_sup.h"
#include "core/settings.h"
#include "core/worker_wrk.h"
#include "model/ring_wire.h"
#include "os/fd.h"

#include <string.h>
#include <unistd.h>

enum { AT_ONCE_FILL = 16, AT_ONCE_BALANCE = 1 };

static struct ring_wrk *of(struct accept_wrk *a)
{
	return container_of(a, struct ring_wrk, accept);
}

static bool is_current(const struct ring_wrk *r, uint32_t epoch)
{
	return atomic_load(&r->ends->shared->epoch) == epoch;
}

static void tell(struct worker *w, enum ring_msg_type type)
{
	const struct core_msg msg = {.type = type};

	worker_tell(w, &msg, CORE_MSG_BARE);
}

/* A full or broken pipe loses the token: the supervisor's lease finds that out, and starts
 * an epoch. */
static void send_on(const struct ring_wrk *r, uint32_t byte, uint32_t epoch)
{
	const struct ring_token token = {.byte = byte, .epoch = epoch};

	(void)!write(r->ends->out, &token, sizeof(token));
}

static void pass_on(struct ring_wrk *r)
{
	if (!r->allowed)
		return;
	r->allowed = false;
	accept_wrk_want(&r->accept, false);
	atomic_store(&r->ends->shared->holder, 0);
	send_on(r, RING_ALLOW, r->epoch);
}

/* It slept while the others went on without it. */
static void forget_token(struct ring_wrk *r)
{
	r->allowed = false;
	accept_wrk_want(&r->accept, false);
	tell(r->accept.worker, RING_BACK);
}

/*
 * The lap that asks whether all are full ends here: not all are. Unless our epoch is over,
 * which may have come to be since we looked: then it is another question.
 */
static void ask_no_more(struct ring_wrk *r)
{
	uint32_t asked = r->epoch;

	(void)atomic_compare_exchange_strong(&r->ends->shared->confirming, &asked, 0);
}

static void take_token(struct ring_wrk *r, const struct ring_token *t)
{
	struct worker *w = r->accept.worker;
	/* When everyone else is full too, an idle connection must give way. */
	bool room = accept_wrk_has_room(&r->accept, t->byte & RING_CONFIRM);

	if (w->draining || w->blocking || !room) {
		send_on(r, t->byte, t->epoch);
		return;
	}
	r->allowed = true;
	r->epoch = t->epoch;
	atomic_store(&r->ends->shared->holder, w->boot->slot_index + 1);
	accept_wrk_want(&r->accept, true);
	if (t->byte & RING_CONFIRM)
		ask_no_more(r);
}

static void handle(struct ring_wrk *r, const struct ring_token *t)
{
	if (!is_current(r, t->epoch))
		return; /* it was overtaken */
	if (t->byte == RING_CLOSE) {
		send_on(r, t->byte, t->epoch);
		worker_retire(r->accept.worker);
		return;
	}
	take_token(r, t);
}

static void read_tokens(struct ring_wrk *r)
{
	struct ring_token token;

	while (read(r->ends->in, &token, sizeof(token)) == sizeof(token))
		handle(r, &token);
}

static void on_in(struct loop_io *io, uint32_t events)
{
	(void)events;
	read_tokens(container_of(io, struct ring_wrk, in_io));
}

/* The pipe before the listener: it may say that this epoch is over, or that all is. */
static bool permitted(struct accept_wrk *a)
{
	struct ring_wrk *r = of(a);

	read_tokens(r);
	if (r->allowed && !is_current(r, r->epoch))
		forget_token(r);
	return r->allowed;
}

static void accepted(struct accept_wrk *a)
{
	const struct settings *s = a->worker->boot->spec->settings;

	if (s->placement == PLACEMENT_BALANCE || !accept_wrk_has_room(a, false))
		pass_on(of(a));
}

/* Something may have become free, or it is asked. */
static void freed(struct accept_wrk *a)
{
	struct ring_wrk *r = of(a);

	if (!a->worker->draining && accept_wrk_has_room(a, true)
		&& atomic_load(&r->ends->shared->confirming))
		tell(a->worker, RING_ROOM);
}

/* One that waited at the supervisor, which keeps it until it hears what became of it here. */
static void take_given(struct ring_wrk *r, int *fd, const struct ring_conn_msg *msg)
{
	struct worker *w = r->accept.worker;

	if (*fd < 0)
		accept_wrk_pause(&r->accept);
	if (*fd < 0 || w->draining || !accept_wrk_has_room(&r->accept, true)) {
		tell(w, RING_FULL);
		return;
	}
	/* First: should serving it be this worker's end, nobody else is to be given it. */
	tell(w, RING_TAKEN);
	(void)accept_wrk_take(
		&r->accept, fd_take(fd), &msg->peer, msg->listener, msg->admitted);
	freed(&r->accept);
}

static void failed(struct accept_wrk *a)
{
	pass_on(of(a));
}

int ring_wrk_start(struct worker *w)
{
	const struct crew *crew = w->boot->crew;
	bool balance = w->boot->spec->settings->placement == PLACEMENT_BALANCE;
	struct ring_wrk *r = w->model;
	int err =
		accept_wrk_init(&r->accept, w, 0, balance ? AT_ONCE_BALANCE : AT_ONCE_FILL);
	if (err < 0)
		return err;
	r->accept.permitted = permitted;
	r->accept.accepted = accepted;
	r->accept.freed = freed;
	r->accept.failed = failed;
	r->ends = crew->slots[w->boot->slot_index].model;
	r->in_io = (struct loop_io){.on = on_in, .fd = r->ends->in};
	return loop_add(w->loop, &r->in_io, EPOLLIN);
}

void ring_wrk_fini(struct worker *w)
{
	struct ring_wrk *r = w->model;

	if (r->ends)
		loop_remove(w->loop, &r->in_io);
	accept_wrk_fini(&r->accept);
}

void ring_wrk_message(struct worker *w, const void *bytes, size_t len, int fd_in)
{
	struct ring_wrk *r = w->model;
	AUTO_CLOSE int fd = fd_in;
	struct ring_conn_msg msg = {0};

	memcpy(&msg, bytes, MIN(len, sizeof(msg)));
	if (msg.type == RING_CONN) {
		take_given(r, &fd, &msg);
	} else if (msg.type == RING_PING) {
		tell(w, RING_BACK);
		freed(&r->accept);
	}
}

void ring_wrk_idle(struct conn *c)
{
	struct ring_wrk *r = c->worker->model;

	accept_wrk_idle(&r->accept, c);
	/* An idle one can give way to one that waits; who waits for room wants to know. */
	if (conn_is_idle(c))
		freed(&r->accept);
}

void ring_wrk_ended(struct conn *c)
{
	struct ring_wrk *r = c->worker->model;

	accept_wrk_ended(&r->accept, c);
}

void ring_wrk_yield(struct worker *w)
{
	struct ring_wrk *r = w->model;

	/* Blocked or gone, it would only keep the others from accepting. */
	pass_on(r);
	accept_wrk_drain(&r->accept);
}
