/* SPDX-License-Identifier: MIT */

#include "model/pool_sup.h"

#include "core/service.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/sock.h"

#include <stdlib.h>
#include <string.h>

#define FAREWELL_NS NS_PER_SEC /* how long a refusal may take to be read */
#define FAREWELL_MAX \
	1024u /* refused connections that are still open; past it they are cut */
#define SAY_EVERY_NS (5 * NS_PER_SEC)

static uint64_t now_ns(const struct pool_sup *p)
{
	return loop_now_ns(p->crew->loop);
}

static void leave_place(struct pool_sup *p, struct pool_conn *c)
{
	if (!list_empty(&c->link))
		p->lines[c->place].n--;
	list_remove(&c->link);
}

static void enter_place(struct pool_sup *p, struct pool_conn *c, enum pool_place place)
{
	struct pool_line *line = &p->lines[place];
	uint64_t due = now_ns(p) + line->for_ns;

	leave_place(p, c);
	c->place = place;
	c->since_ns = now_ns(p);
	c->slot = NULL;
	list_append(&line->list, &c->link);
	line->n++;
	/* Without memory for the timer, the next one that is set looks after this deadline
	 * too. */
	if (!p->deadlines.at_ns || due < p->deadlines.at_ns)
		(void)loop_at(p->crew->loop, &p->deadlines, due);
}

void pool_place_offered(struct pool_sup *p, struct pool_conn *c)
{
	leave_place(p, c);
	c->place = POOL_OFFERED;
	c->since_ns = now_ns(p);
}

void pool_place_close(struct pool_sup *p, struct pool_conn *c)
{
	leave_place(p, c);
	loop_remove(p->crew->loop, &c->io);
	fd_close(&c->fd);
	free(c->input);
	free(c);
	p->n_conns--;
}

bool pool_place_evict(struct pool_sup *p)
{
	struct list *parked = &p->lines[POOL_PARKED].list;

	if (list_empty(parked))
		return false;
	pool_place_close(p, list_first(parked, struct pool_conn, link));
	return true;
}

/* Drops what the peer still sends, unread: with MSG_TRUNC the kernel copies nothing
 * (tcp(7)). */
static void on_farewell(struct pool_sup *p, struct pool_conn *c, uint32_t events)
{
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) || !sock_discard(c->fd))
		pool_place_close(p, c);
}

static void on_parked(struct pool_sup *p, struct pool_conn *c, uint32_t events)
{
	bool ended = events & (EPOLLHUP | EPOLLERR);

	/* An end with nothing before it: no worker needs to hear of it. */
	if (!ended && (events & EPOLLRDHUP))
		ended = !sock_has_input(c->fd) && !c->n_input;
	if (ended) {
		pool_place_close(p, c);
		return;
	}
	c->resumed = true;
	pool_place_queue(p, c);
	pool_dispatch(p);
}

static void on_io(struct loop_io *io, uint32_t events)
{
	struct pool_conn *c = container_of(io, struct pool_conn, io);
	struct pool_sup *p = c->crew->model;

	if (c->place == POOL_PARKED)
		on_parked(p, c, events);
	else if (c->place == POOL_FAREWELL)
		on_farewell(p, c, events);
}

/* Asks to be told once. */
static bool watch(struct pool_sup *p, struct pool_conn *c, uint32_t events)
{
	struct loop *loop = p->crew->loop;

	return (c->io.added ? loop_change(loop, &c->io, events)
			    : loop_add(loop, &c->io, events))
	       == 0;
}

void pool_place_park(struct pool_sup *p, struct pool_conn *c)
{
	c->n_killed = 0;
	enter_place(p, c, POOL_PARKED);
	if (p->crew->draining || !watch(p, c, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT))
		pool_place_close(p, c);
}

static void say_refused(struct pool_sup *p)
{
	if (now_ns(p) - p->said_refused_ns < SAY_EVERY_NS && p->said_refused_ns)
		return;
	log_warn(p->crew->log, "overload", "connections were refused: every worker is full",
		KV("service", p->crew->spec->name), KV("refused", p->n_refused));
	p->said_refused_ns = now_ns(p);
	p->n_refused = 0;
}

void pool_place_refuse(struct pool_sup *p, struct pool_conn *c, enum refusal why)
{
	struct span words = SPAN_NONE;

	if (p->crew->spec->service->refusal)
		words = p->crew->spec->service->refusal(why);
	if (why == REFUSE_BUSY) {
		p->n_refused++;
		say_refused(p);
	}

	/*
	 * Closing with the request unread would reset the connection, and the
	 * refusal might never be seen: so the peer gets a moment to read it.
	 */
	bool stays = words.n && p->lines[POOL_FAREWELL].n < FAREWELL_MAX
		     && sock_say_last(c->fd, words.p, words.n) && sock_discard(c->fd);
	enter_place(p, c, POOL_FAREWELL);
	if (!stays || !watch(p, c, EPOLLIN | EPOLLRDHUP)) {
		sock_shut(c->fd);
		pool_place_close(p, c);
	}
}

static void expire(struct pool_sup *p, struct pool_conn *c)
{
	if (c->place == POOL_QUEUED)
		pool_place_refuse(p, c, REFUSE_BUSY);
	else
		pool_place_close(p, c);
}

static void on_deadlines(struct loop_timer *timer)
{
	struct pool_sup *p = container_of(timer, struct pool_sup, deadlines);
	uint64_t next = 0;

	for (int i = 0; i < POOL_N_LINES; i++) {
		struct pool_line *line = &p->lines[i];

		while (!list_empty(&line->list)) {
			struct pool_conn *c =
				list_first(&line->list, struct pool_conn, link);
			uint64_t due = c->since_ns + line->for_ns;

			if (due > now_ns(p)) {
				next = next ? MIN(next, due) : due;
				break;
			}
			expire(p, c);
		}
	}
	(void)loop_at(p->crew->loop, timer, next);
}

void pool_place_init(struct pool_sup *p, const struct settings *s)
{
	const uint64_t for_ns[POOL_N_LINES] = {
		[POOL_QUEUED] = s->queue_timeout_ns,
		[POOL_PARKED] = s->idle_timeout_ns,
		[POOL_FAREWELL] = FAREWELL_NS,
	};

	for (int i = 0; i < POOL_N_LINES; i++) {
		list_init(&p->lines[i].list);
		p->lines[i].for_ns = for_ns[i];
	}
	p->deadlines.on = on_deadlines;
}

void pool_place_close_all(struct pool_sup *p, enum pool_place place)
{
	struct list *list = &p->lines[place].list;

	while (!list_empty(list))
		pool_place_close(p, list_first(list, struct pool_conn, link));
}

void pool_place_queue(struct pool_sup *p, struct pool_conn *c)
{
	enter_place(p, c, POOL_QUEUED);
}

void pool_place_requeue(struct pool_sup *p, struct pool_conn *c)
{
	enter_place(p, c, POOL_QUEUED);
	list_remove(&c->link);
	list_prepend(&p->lines[POOL_QUEUED].list, &c->link);
}

struct pool_conn *pool_place_new(
	struct pool_sup *p, int fd, const struct addr *peer, unsigned listener)
{
	struct pool_conn *c = malloc(sizeof(*c));

	if (!c) {
		fd_close(&fd);
		return NULL;
	}
	*c = (struct pool_conn){
		.io = {.on = on_io, .fd = fd},
		.crew = p->crew,
		.id = ++p->next_id,
		.accepted_ns = now_ns(p),
		.fd = fd,
		.listener = (uint16_t)listener,
		.peer_len = (socklen_t)MIN(peer->len, sizeof(c->peer)),
	};
	if (peer->sa.sa_family == AF_UNIX)
		c->peer_len = sizeof(peer->sa.sa_family);
	memcpy(c->peer, &peer->ss, c->peer_len);
	list_init(&c->link);
	p->n_conns++;
	enter_place(p, c, POOL_QUEUED);
	return c;
}
