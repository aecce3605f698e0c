/* SPDX-License-Identifier: MIT */

#include "model/pool_wrk.h"

#include "base/util.h"
#include "core/conn_wrk.h"
#include "core/crew_sup.h"
#include "core/settings.h"
#include "core/worker_wrk.h"
#include "log/log.h"
#include "model/pool_wire.h"
#include "os/fd.h"

#include <string.h>

static void tell(struct worker *w, enum pool_msg_type type, unsigned seat)
{
	const struct pool_msg msg = {.type = type, .seat = seat};

	worker_tell(w, &msg, sizeof(msg));
}

static void tell_done(struct pool_wrk *p)
{
	if (p->done.n > 0)
		worker_tell(p->worker, &p->done, pool_done_bytes(&p->done));
	p->done.n = 0;
}

static void on_tell_done(struct loop_task *task)
{
	tell_done(container_of(task, struct pool_wrk, tell_done));
}

/*
 * A worker that had several connections end in one turn of its loop says so
 * once. Should it die before: to the peer they have ended, by shutdown, and
 * the supervisor will find them so.
 */
static void done(struct worker *w, unsigned seat)
{
	struct pool_wrk *p = w->model;

	if (list_empty(&p->tell_done.link))
		loop_defer(w->loop, &p->tell_done);
	p->done.seats[p->done.n++] = seat;
	if (p->done.n == POOL_DONE_MOST)
		tell_done(p);
}

/* Gives an idle connection back, unless the supervisor has just taken it itself. */
static void park(struct conn *c)
{
	struct held *h = held_of(c);
	struct worker *w = c->worker;
	unsigned seat = h->seat_index;

	if (!seat_try(h->seat, SEAT_IDLE, SEAT_HELD))
		return; /* POOL_REVOKED is on its way */
	/* Only after this process has let go may another read: so first leave, then tell.
	 */
	conn_leave(c);
	tell(w, POOL_PARK, seat);
}

static uint64_t linger_until(const struct worker *w, const struct held *h)
{
	return atomic_load_explicit(&h->seat->since_ns, memory_order_relaxed)
	       + w->boot->spec->settings->linger_ns;
}

static void on_linger(struct loop_timer *timer)
{
	struct pool_wrk *p = container_of(timer, struct pool_wrk, linger);
	struct worker *w = p->worker;
	struct list *idle = &w->conns.idle;

	while (!list_empty(idle)) {
		struct held *h = list_first(idle, struct held, idle);

		if (linger_until(w, h) > loop_now_ns(w->loop)) {
			(void)loop_at(w->loop, timer, linger_until(w, h));
			return;
		}
		park(&h->pub);
		/* Revoked: it leaves the list now, so that this ends, and its place when
		 * told. */
		list_remove(&h->idle);
	}
}

int pool_wrk_start(struct worker *w)
{
	struct pool_wrk *p = w->model;

	*p = (struct pool_wrk){
		.worker = w,
		.linger.on = on_linger,
		.tell_done.on = on_tell_done,
		.done.type = POOL_DONE,
	};
	list_init(&p->tell_done.link);
	return 0;
}

void pool_wrk_fini(struct worker *w)
{
	tell_done(w->model);
}

void pool_wrk_idle(struct conn *c)
{
	struct worker *w = c->worker;
	struct pool_wrk *p = w->model;

	if (w->draining || w->blocking || !w->boot->spec->settings->linger_ns) {
		park(c);
		return;
	}
	if (!p->linger.at_ns
		&& loop_at(w->loop, &p->linger, linger_until(w, held_of(c))) < 0)
		park(c); /* without a timer it would stay for ever */
}

void pool_wrk_yield(struct worker *w)
{
	conn_each_idle(w, park);
	tell_done(w->model); /* this may be the last that is heard of us for a while */
}

void pool_wrk_ended(struct conn *c)
{
	done(c->worker, held_of(c)->seat_index);
}

void pool_wrk_unblocked(struct worker *w)
{
	tell(w, POOL_ROOM, 0);
}

static void take(struct worker *w, const struct pool_conn_msg *msg, int *fd)
{
	struct seat *seat = &w->board->seats[msg->head.seat];
	const struct crew *crew = w->boot->crew;

	if (!seat_try(seat, SEAT_OFFERED, SEAT_HELD)) {
		/* We were too slow, and another has it. */
		fd_close(fd);
		done(w, msg->head.seat);
		return;
	}
	if (*fd < 0) {
		tell(w, POOL_RETURN, msg->head.seat);
		return;
	}
	log_debug(w->log, "connection", "got a connection", KV("conn", msg->id));
	conn_arrive(w, &(struct conn_arrival){
			       .seat = msg->head.seat,
			       .fd = fd_take(fd),
			       .id = msg->id,
			       .accepted_ns = msg->accepted_ns,
			       .peer = &msg->peer,
			       .local = &crew->listeners[msg->listener].addr,
			       .resumed = msg->resumed,
		       });
}

static void revoked(struct worker *w, unsigned seat)
{
	struct held *h = &w->conns.held[seat];

	/* It may have been revoked before it was taken: then take() has answered. */
	if (h->fd < 0 || seat_state(h->seat) != SEAT_REVOKED)
		return;
	conn_leave(&h->pub);
	done(w, seat);
}

void pool_wrk_message(struct worker *w, const void *bytes, size_t len, int fd_in)
{
	AUTO_CLOSE int fd = fd_in;
	struct pool_conn_msg msg = {0};

	memcpy(&msg, bytes, MIN(len, sizeof(msg)));
	if (msg.head.type == POOL_CONN)
		take(w, &msg, &fd);
	else if (msg.head.type == POOL_REVOKED)
		revoked(w, msg.head.seat);
}
