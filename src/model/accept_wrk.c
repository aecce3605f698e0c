/* SPDX-License-Identifier: MIT */

#include "model/accept_wrk.h"

#include "core/conn_wrk.h"
#include "core/crew_sup.h"
#include "core/settings.h"
#include "core/worker_wrk.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * In a worker that is being replaced, who has just been answered, or has just come,
 * is about to ask: the answer will say that it is the last. Who has been quiet for
 * longer loses nothing.
 */
#define LAST_WORD_NS NS_PER_SEC
#define REST_NS      (5 * NS_PER_MS)   /* for others to take who has come */
#define PAUSE_NS     (100 * NS_PER_MS) /* without descriptors: others may give some back */

static uint64_t idle_until(const struct worker *w, const struct held *h)
{
	uint64_t most = w->boot->spec->settings->idle_timeout_ns;

	return atomic_load_explicit(&h->seat->since_ns, memory_order_relaxed)
	       + (w->draining ? MIN(most, LAST_WORD_NS) : most);
}

static void on_idle(struct loop_timer *timer)
{
	struct accept_wrk *a = container_of(timer, struct accept_wrk, idle);
	struct worker *w = a->worker;
	struct conn *c;

	while ((c = conn_longest_idle(w))) {
		uint64_t until = idle_until(w, held_of(c));

		if (until > loop_now_ns(w->loop)) {
			(void)loop_at(w->loop, timer, until);
			return;
		}
		if (sock_has_input(held_of(c)->fd)) { /* it will be told in a moment */
			(void)loop_at(w->loop, timer, loop_now_ns(w->loop) + NS_PER_MS);
			return;
		}
		conn_end(c);
	}
}

static void watch(struct accept_wrk *a, bool on)
{
	struct loop *loop = a->worker->loop;

	if (a->watching == on)
		return;
	a->watching = on;
	for (size_t i = 0; i < a->n_listeners; i++) {
		struct loop_io *io = &a->listeners[i].io;

		if (!on)
			loop_remove(loop, io);
		else if (a->listeners[i].ours
			 && loop_add(loop, io, EPOLLIN | a->events) < 0)
			log_error(a->worker->log, "listener-lost",
				"cannot watch a listener", KV("listener", i));
	}
}

/*
 * Watches the listeners just when it is wanted and there is a place for what comes.
 *
 * Of those who watch the same listener with EPOLLEXCLUSIVE the kernel wakes the one
 * who has watched it the longest. So whoever would have to close an idle connection
 * begins anew after a moment, behind those who have a seat; and again each time that
 * it has. (At once it would race with who was woken for the one that comes just now.)
 */
static void look(struct accept_wrk *a)
{
	bool on = a->wanted && accept_wrk_has_room(a, true), is_last = on && !a->n_free;

	struct loop *loop = a->worker->loop;

	if (is_last && !a->is_last && (a->events & EPOLLEXCLUSIVE)
		&& loop_at(loop, &a->rest, loop_now_ns(loop) + REST_NS) == 0)
		watch(a, false);
	a->is_last = is_last;
	if (!is_last)
		loop_cancel(loop, &a->rest);
	if (!a->rest.at_ns)
		watch(a, on);
}

static void on_rest(struct loop_timer *timer)
{
	look(container_of(timer, struct accept_wrk, rest));
}

void accept_wrk_want(struct accept_wrk *a, bool on)
{
	a->wanted = on;
	look(a);
}

bool accept_wrk_has_room(const struct accept_wrk *a, bool evict)
{
	if (a->short_of_fds)
		return false;
	return a->n_free || (evict && conn_to_give_way(a->worker));
}

bool accept_wrk_take(struct accept_wrk *a, int fd, const struct addr *peer,
	unsigned listener, bool admitted)
{
	struct worker *w = a->worker;

	struct conn *idle = a->n_free ? NULL : conn_to_give_way(w);

	/* Whoever asked something since there was said to be room can ask again: a
	 * new one that is closed without a word cannot know. */
	if (!a->n_free && !idle)
		idle = conn_longest_idle(w);
	if (idle)
		conn_end(idle);
	if (!a->n_free) {
		fd_close(&fd);
		return false;
	}
	uint32_t index = a->free_seats[--a->n_free];
	struct seat *seat = &w->board->seats[index];

	if (admitted)
		atomic_store(&seat->ticket, gate_admit(w->boot->crew->gate, peer));
	seat_go(seat, SEAT_HELD);
	conn_arrive(w, &(struct conn_arrival){
			       .seat = index,
			       .fd = fd,
			       .id = ++a->next_id,
			       .accepted_ns = loop_now_ns(w->loop),
			       .peer = peer,
			       .local = a->listeners[listener].local,
		       });
	return true;
}

/* An error that accepting does not clear would be told again and again. */
static void broken(struct accept_wrk *a, struct accept_listener *l)
{
	log_error(a->worker->log, "listener-lost",
		"a listener is broken: accepting there no more",
		KV("listener", l - a->listeners));
	loop_remove(a->worker->loop, &l->io);
	if (a->failed)
		a->failed(a);
}

/* The listener stays readable: watched, it would be told again and again. */
void accept_wrk_pause(struct accept_wrk *a)
{
	struct worker *w = a->worker;

	/* Without memory for the timer it goes on as it is, and busy. */
	a->short_of_fds = loop_at(w->loop, &a->again, loop_now_ns(w->loop) + PAUSE_NS) == 0;
	worker_say_short(w);
}

/* Where it was short of something there may be some again; who was silent may give way. */
static void on_again(struct loop_timer *timer)
{
	struct accept_wrk *a = container_of(timer, struct accept_wrk, again);

	a->short_of_fds = false;
	look(a);
	if (a->freed && accept_wrk_has_room(a, true))
		a->freed(a);
}

/* One connection, for a new descriptor. False without. */
static bool make_way(struct accept_wrk *a)
{
	struct conn *idle = conn_to_give_way(a->worker);

	if (idle)
		conn_end(idle);
	return idle;
}

static void on_listener(struct loop_io *io, uint32_t events)
{
	struct accept_listener *l = container_of(io, struct accept_listener, io);
	struct accept_wrk *a = l->owner;
	bool any = false;
	struct addr peer;

	if (!(events & EPOLLIN)) {
		broken(a, l);
		return;
	}
	if (a->permitted && !a->permitted(a))
		return;
	/* An idle one gives way to the first only: for the others somebody else may have room. */
	for (unsigned i = 0;
		i < a->most_at_once && a->wanted && accept_wrk_has_room(a, i == 0); i++) {
		int fd = sock_accept(io->fd, &peer);

		if (fd == SOCK_NO_ROOM && make_way(a))
			continue;
		if (fd == SOCK_NO_ROOM)
			accept_wrk_pause(a);
		if (fd < 0)
			break;
		any = true;
		(void)accept_wrk_take(a, fd, &peer, (unsigned)(l - a->listeners), false);
	}
	look(a);
	/* Or it has no room after all: the idle one that was to give way is idle no more. */
	if ((any || !accept_wrk_has_room(a, true)) && a->accepted)
		a->accepted(a);
}

void accept_wrk_idle(struct accept_wrk *a, struct conn *c)
{
	struct loop *loop = a->worker->loop;

	if (a->worker->draining && !a->worker->patient) {
		conn_end(c);
		return;
	}
	if (!a->idle.at_ns)
		(void)loop_at(loop, &a->idle, idle_until(a->worker, held_of(c)));
	look(a); /* it could give way to a new one, if not at once */
	if (a->most_at_once && !a->n_free && !a->again.at_ns)
		(void)loop_at(loop, &a->again, loop_now_ns(loop) + SEAT_SILENT_NS);
}

void accept_wrk_ended(struct accept_wrk *a, struct conn *c)
{
	uint32_t index = held_of(c)->seat_index;
	struct seat *seat = &a->worker->board->seats[index];

	gate_leave(a->worker->boot->crew->gate, atomic_load(&seat->ticket));
	atomic_store(&seat->ticket, 0);
	seat_clear(seat);
	seat_go(seat, SEAT_FREE);
	a->free_seats[a->n_free++] = index;
	look(a);
	if (a->freed)
		a->freed(a);
}

/* The end of the service: while any copy of a listener is open, the kernel lets people connect and wait. */
static void close_listeners(struct accept_wrk *a)
{
	for (size_t i = 0; i < a->n_listeners; i++) {
		if (a->most_at_once && a->listeners[i].ours) /* or it has inherited none */
			fd_close(&a->listeners[i].io.fd);
	}
}

/* Who has asked already is told in a moment, and answered. */
static void end_silent(struct conn *c)
{
	if (!sock_has_input(held_of(c)->fd))
		conn_end(c);
}

void accept_wrk_drain(struct accept_wrk *a)
{
	struct worker *w = a->worker;

	if (!w->draining)
		return; /* it is about to block, and its connections have nowhere else to go
			 */
	accept_wrk_want(a, false);
	if (!w->patient)
		close_listeners(a);
	if (!w->patient || loop_at(w->loop, &a->idle, loop_now_ns(w->loop)) < 0)
		conn_each_idle(w, end_silent);
}

int accept_wrk_init(
	struct accept_wrk *a, struct worker *w, uint32_t events, unsigned most_at_once)
{
	const struct crew *crew = w->boot->crew;
	unsigned n_seats = w->board->n_seats;

	*a = (struct accept_wrk){
		.worker = w,
		.listeners = calloc(crew->n_listeners + 1, sizeof(*a->listeners)),
		.n_listeners = crew->n_listeners,
		.free_seats = calloc(n_seats, sizeof(*a->free_seats)),
		.n_free = n_seats,
		.events = events,
		.most_at_once = most_at_once,
		.next_id = (uint64_t)getpid() << 32, /* unique without asking anybody */
		.idle.on = on_idle,
		.again.on = on_again,
		.rest.on = on_rest,
	};
	if (!a->listeners || !a->free_seats)
		return -ENOMEM;
	for (unsigned i = 0; i < n_seats; i++)
		a->free_seats[i] = n_seats - 1 - i;
	for (size_t i = 0; i < a->n_listeners; i++) {
		const struct listener *l = &crew->listeners[i];

		a->listeners[i] = (struct accept_listener){
			.io = {.on = on_listener, .fd = l->fd},
			.owner = a,
			.local = &l->addr,
			.ours = listen_is_for(l, w->boot->slot_index),
		};
	}
	return 0;
}

void accept_wrk_fini(struct accept_wrk *a)
{
	free(a->listeners);
	free(a->free_seats);
}
