/* SPDX-License-Identifier: MIT */

#include "core/conn_wrk.h"

#include "core/conn_priv_wrk.h"
#include "core/model.h"
#include "core/service.h"
#include "core/worker_wrk.h"
#include "os/fd.h"
#include "os/sock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 16 /* callbacks in a row before the other connections have a turn */

/* -- the end of a stay -- */

/* Takes everything of it out of the loop, and has the service forget it. */
static void detach(struct held *h)
{
	struct worker *w = h->pub.worker;

	loop_remove(w->loop, &h->io);
	loop_cancel(w->loop, &h->timer);
	list_remove(&h->turn.link);
	list_remove(&h->idle);
	if (h->open && w->service->close)
		w->service->close(&h->pub);
	w->n_open--;
}

void conn_finish(struct held *h, bool abort)
{
	struct worker *w = h->pub.worker;

	detach(h);
	if (abort) {
		/* A reset, whichever process closes its copy last. */
		const struct linger now = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(h->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	(void)shutdown(h->fd,
		SHUT_RDWR); /* close() alone does not end what the supervisor holds too */
	fd_close(&h->fd);
	board_add(&w->board->counters->progress, 1);
	w->model_ops->wrk_ended(&h->pub);
	worker_look(w);
}

void conn_leave(struct conn *c)
{
	struct held *h = held_of(c);

	detach(h);
	fd_close(&h->fd);
	worker_look(c->worker);
}

void conn_end(struct conn *c)
{
	conn_finish(held_of(c), false);
}

struct conn *conn_longest_idle(struct worker *w)
{
	struct list *idle = &w->conns.idle;

	return list_empty(idle) ? NULL : &list_first(idle, struct held, idle)->pub;
}

struct conn *conn_to_give_way(struct worker *w)
{
	struct held *h;

	list_for_each (h, &w->conns.idle, idle) {
		if (seat_may_give_way(h->seat, worker_now_ns(w)) && !sock_has_input(h->fd))
			return &h->pub;
	}
	return NULL;
}

/* Drops what still comes, until the peer's end, too much of it, or too late. */
static void linger_on(struct held *h)
{
	int64_t n = sock_discard(h->fd, h->linger_bytes);

	if (n < 0 || (uint64_t)n >= h->linger_bytes)
		conn_finish(h, false);
	else
		h->linger_bytes -= (uint64_t)n;
}

bool conn_watch(struct held *h, uint32_t events)
{
	struct loop *loop = h->pub.worker->loop;

	events |= EPOLLRDHUP | EPOLLET;
	if ((h->watched & events) == events)
		return true;
	events |= h->watched;
	int r = h->io.added ? loop_change(loop, &h->io, events)
			    : loop_add(loop, &h->io, events);
	h->watched = events;
	return r == 0;
}

void conn_close(struct held *h)
{
	struct loop *loop = h->pub.worker->loop;

	/* What came before the peer's end and nobody read would be answered by a reset. */
	if (!h->linger_ns || (h->peer_ended && !sock_has_input(h->fd))) {
		conn_finish(h, false);
		return;
	}
	/*
	 * What still comes is the rest of a refused request. If this process dies
	 * now, nobody may take that for a request of its own: so the seat says that
	 * an answer is under way which can never be whole.
	 */
	atomic_store(&h->seat->answer_from, UINT64_MAX);
	atomic_store(&h->seat->answer_to, 0);
	seat_go(h->seat, SEAT_SENDING);
	h->lingering = true;
	h->lent = false;
	h->want = CONN_READ;
	(void)shutdown(h->fd, SHUT_WR);
	if (!conn_watch(h, EPOLLIN)
		|| loop_at(loop, &h->timer, loop_now_ns(loop) + h->linger_ns) < 0)
		conn_finish(h, false);
	else
		linger_on(h);
}

/* -- from one callback to the next -- */

static void become_idle(struct held *h)
{
	struct worker *w = h->pub.worker;

	loop_cancel(w->loop, &h->timer);
	list_append(&w->conns.idle, &h->idle);
	atomic_store_explicit(
		&h->seat->since_ns, loop_now_ns(w->loop), memory_order_relaxed);
	seat_go(h->seat, SEAT_IDLE);
	w->model_ops->wrk_idle(&h->pub);
}

/* Whether the connection is still ours: while it was idle the supervisor may have taken it.
 */
static bool wake_from_idle(struct held *h)
{
	list_remove(&h->idle);
	return seat_try(h->seat, SEAT_IDLE, SEAT_HELD);
}

/* It was taken from us while it was idle, and whoever has it now goes on with it. */
static void give_up(struct held *h)
{
	struct conn *c = &h->pub;

	conn_leave(c);
	c->worker->model_ops->wrk_ended(c);
}

static void end_turn(struct held *h)
{
	loop_defer(h->pub.worker->loop, &h->turn);
}

static uint32_t events_for(const struct held *h)
{
	if (h->lent)
		return 0; /* only its end: what comes is the program's business */
	return h->want == CONN_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/* Does what the service wants until something must be waited for. */
static void follow(struct held *h, enum conn_want want)
{
	struct conn *c = &h->pub;
	const struct service_ops *service = c->worker->service;

	for (int turns = 0;; turns++) {
		h->want = want;
		bool now = false;

		switch (want) {
		case CONN_READ:
		case CONN_IDLE: now = h->may_read; break;
		case CONN_WRITE: now = h->may_write; break;
		case CONN_AGAIN: end_turn(h); return;
		case CONN_WAIT: break;
		case CONN_CLOSE: conn_close(h); return;
		case CONN_ABORT: conn_finish(h, true); return;
		}
		if (!now) {
			if (!conn_watch(h, events_for(h)))
				conn_finish(h, true);
			else if (want == CONN_IDLE)
				become_idle(h);
			return;
		}
		if (turns == TURNS_MAX) {
			end_turn(h);
			return;
		}
		want = want == CONN_WRITE ? service->writable(c) : service->readable(c);
	}
}

void conn_follow(struct conn *c, enum conn_want want)
{
	follow(held_of(c), want);
}

static void on_turn(struct loop_task *task)
{
	struct held *h = container_of(task, struct held, turn);
	const struct service_ops *service = h->pub.worker->service;
	bool reads = h->want == CONN_READ || h->want == CONN_IDLE;

	follow(h, reads ? service->readable(&h->pub) : service->writable(&h->pub));
}

static void on_io(struct loop_io *io, uint32_t events)
{
	struct held *h = container_of(io, struct held, io);
	struct conn *c = &h->pub;
	const struct service_ops *service = c->worker->service;

	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		h->peer_ended = true;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		h->may_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		h->may_write = true;

	if (h->lingering) {
		linger_on(h);
		return;
	}
	if (h->hailing) {
		conn_hail(h);
		return;
	}
	if (h->lent) {
		follow(h, service->hangup(c, events & (EPOLLHUP | EPOLLERR)));
		return;
	}
	if (!list_empty(&h->turn.link))
		return; /* its turn comes anyway */
	switch (h->want) {
	case CONN_IDLE:
		if (!h->may_read)
			return;
		if (wake_from_idle(h))
			follow(h, service->readable(c));
		else
			give_up(h);
		return;
	case CONN_READ:
		if (h->may_read)
			follow(h, service->readable(c));
		return;
	case CONN_WRITE:
		if (h->may_write)
			follow(h, service->writable(c));
		return;
	case CONN_WAIT:
		if (events & (EPOLLHUP | EPOLLERR)) /* both directions: nobody is left to
						       wait for */
			conn_finish(h, true);
		return;
	case CONN_AGAIN:
	case CONN_CLOSE:
	case CONN_ABORT: return;
	}
}

static void on_timer(struct loop_timer *timer)
{
	struct held *h = container_of(timer, struct held, timer);

	if (h->lingering || h->hailing) {
		conn_finish(h, false);
		return;
	}
	list_remove(&h->turn.link);
	follow(h, h->pub.worker->service->timer(&h->pub));
}

/* -- the beginning of a stay -- */

void conn_arrive(struct worker *w, const struct conn_arrival *a)
{
	struct held *h = &w->conns.held[a->seat];
	struct seat *seat = &w->board->seats[a->seat];
	size_t conn_bytes = w->service->conn_bytes;

	*h = (struct held){
		.pub =
			{
				.worker = w,
				.peer = &h->peer,
				.local = a->local,
				.id = a->id,
				.accepted_ns = a->accepted_ns,
				.resumed = a->resumed,
				.in = {.p = board_input(w->board, a->seat),
					.n = seat_n_input(seat),
					.max = w->board->input_bytes},
				.data = w->conns.data + a->seat * conn_bytes,
			},
		.seat = seat,
		.seat_index = a->seat,
		.fd = a->fd,
		.io = {.on = on_io, .fd = a->fd},
		.timer.on = on_timer,
		.turn.on = on_turn,
		.peer = *a->peer,
		.may_read = true,
		.may_write = true,
	};
	list_init(&h->turn.link);
	list_init(&h->idle);
	memset(h->pub.data, 0, conn_bytes);

	w->n_open++;
	board_add(&w->board->counters->connections, 1);
	conn_begin(h);
}

void conn_each_idle(struct worker *w, void (*each)(struct conn *c))
{
	struct held *h, *tmp;

	list_for_each_safe (h, tmp, &w->conns.idle, idle)
		each(&h->pub);
}

int conn_table_init(struct conn_table *t, struct worker *w)
{
	unsigned n = w->board->n_seats;

	*t = (struct conn_table){
		.held = calloc(n, sizeof(*t->held)),
		.n = n,
		.data = calloc(n, w->service->conn_bytes ? w->service->conn_bytes : 1),
	};
	list_init(&t->idle);
	for (unsigned i = 0; t->held && i < n; i++)
		t->held[i].fd = -1;
	return t->held && t->data ? 0 : -ENOMEM;
}

void conn_table_abort(struct conn_table *t)
{
	for (unsigned i = 0; t->held && i < t->n; i++) {
		if (t->held[i].fd >= 0)
			conn_finish(&t->held[i], true);
	}
}

void conn_table_fini(struct conn_table *t)
{
	conn_table_abort(t);
	free(t->held);
	free(t->data);
	*t = (struct conn_table){0};
}
