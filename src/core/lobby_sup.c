/* SPDX-License-Identifier: MIT */

#include "core/lobby_sup.h"

#include "core/board.h"
#include "core/crew_sup.h"
#include "core/lobby_priv_sup.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/sock.h"

#include <stdlib.h>
#include <string.h>

enum {
	FAREWELL_MAX = 1024,    /* refused connections still open; past it they are cut */
	DISCARD_MOST = 4 << 20, /* bytes of a refused connection dropped in one go */
};
#define FAREWELL_NS  NS_PER_SEC /* how long a refusal may take to be read */
#define SAY_EVERY_NS (5 * NS_PER_SEC)

/* -- lines -- */

void lobby_leave_line(struct guest *g)
{
	if (!list_empty(&g->link))
		g->lobby->lines[g->place].n--;
	list_remove(&g->link);
}

void lobby_enter(struct guest *g, enum guest_place place, uint64_t since_ns)
{
	struct lobby *l = g->lobby;
	struct lobby_line *line = &l->lines[place];
	uint64_t due = since_ns + line->for_ns;

	lobby_leave_line(g);
	g->place = (uint8_t)place;
	g->since_ns = since_ns;
	g->slot = NULL;
	list_append(&line->list, &g->link);
	line->n++;
	/* Without memory for the timer, the next one that is set sees to this deadline too.
	 */
	if (!l->deadlines.at_ns || due < l->deadlines.at_ns)
		(void)loop_at(l->crew->loop, &l->deadlines, due);
}

static void enter_line(struct guest *g, enum guest_place place)
{
	lobby_enter(g, place, lobby_now_ns(g->lobby));
}

struct guest *lobby_oldest(struct lobby *l, enum guest_place place)
{
	struct list *list = &l->lines[place].list;

	return list_empty(list) ? NULL : list_first(list, struct guest, link);
}

/* The model decides when all is done. Only for callbacks from the loop: it may be now. */
static void look_at_drain(struct lobby *l)
{
	if (l->crew->draining)
		l->dispatch(l->crew);
}

/* Accepts again what was not accepted for want of something that may be there now. */
static void try_again(struct lobby *l)
{
	bool has_room = l->n_guests < l->max_guests || l->lines[GUEST_PARKED].n > 0;

	if (!l->accepting && l->wanted && has_room)
		lobby_accept(l, true);
}

/* Whoever waited too long goes; the timer is set for the next. */
static void on_deadlines(struct loop_timer *timer)
{
	struct lobby *l = container_of(timer, struct lobby, deadlines);
	uint64_t next = 0;

	try_again(l);

	for (int i = 0; i < GUEST_N_LINES; i++) {
		struct guest *g;

		while ((g = lobby_oldest(l, (enum guest_place)i))) {
			uint64_t due = g->since_ns + l->lines[i].for_ns;

			if (due > lobby_now_ns(l)) {
				next = next ? MIN(next, due) : due;
				break;
			}
			if (i == GUEST_QUEUED)
				lobby_refuse(g, REFUSE_BUSY);
			else
				lobby_close(g);
		}
	}
	(void)loop_at(l->crew->loop, timer, next);
	look_at_drain(l);
}

/* -- watching without reading -- */

/* Drops what the peer still sends; the refusal has gone out, and only its end is awaited.
 */
static void on_farewell(struct guest *g, uint32_t events)
{
	struct lobby *l = g->lobby;

	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		|| sock_discard(g->fd, DISCARD_MOST) < 0)
		lobby_close(g);
	look_at_drain(l);
}

static void on_parked(struct guest *g, uint32_t events)
{
	struct lobby *l = g->lobby;
	bool ended = events & (EPOLLHUP | EPOLLERR);

	/* An end with nothing before it: no worker needs to hear of it. */
	if (!ended && (events & EPOLLRDHUP))
		ended = !sock_has_input(g->fd) && !g->n_input;
	if (ended) {
		lobby_close(g);
		look_at_drain(l);
		return;
	}
	g->resumed = true;
	lobby_queue(g);
	l->dispatch(l->crew);
}

void lobby_on_io(struct loop_io *io, uint32_t events)
{
	struct guest *g = container_of(io, struct guest, io);

	if (g->place == GUEST_PARKED)
		on_parked(g, events);
	else if (g->place == GUEST_FAREWELL)
		on_farewell(g, events);
}

static bool watch(struct guest *g, uint32_t events)
{
	struct loop *loop = g->lobby->crew->loop;
	int r = g->io.added ? loop_change(loop, &g->io, events)
			    : loop_add(loop, &g->io, events);

	return r == 0;
}

/* -- from place to place -- */

void lobby_queue(struct guest *g)
{
	if (lobby_go_abroad(g, false))
		return;
	bool over = lobby_go_over(g, false);

	enter_line(g, GUEST_QUEUED);
	if (over)
		g->lobby->dispatch(g->lobby->crew);
}

void lobby_requeue(struct guest *g, bool anew)
{
	if (anew)
		g->waits_ns = lobby_now_ns(g->lobby);
	if (lobby_go_abroad(g, false))
		return;
	if (lobby_go_over(g, false)) {
		enter_line(g, GUEST_QUEUED);
		g->lobby->dispatch(g->lobby->crew);
		return;
	}
	struct lobby_line *line = &g->lobby->lines[GUEST_QUEUED];
	struct guest *first = lobby_oldest(g->lobby, GUEST_QUEUED);

	lobby_enter(g, GUEST_QUEUED, g->waits_ns);
	list_remove(&g->link);
	list_prepend(&line->list, &g->link);
	if (first) /* a line is ordered by time */
		g->since_ns = MIN(g->since_ns, first->since_ns);
}

void lobby_park(struct guest *g)
{
	g->n_killed = 0;
	if (lobby_go_abroad(g, true))
		return;
	(void)lobby_go_over(g, true);
	enter_line(g, GUEST_PARKED);

	struct lobby *l = g->lobby;
	/* Disarmed by the first event, so that handing it over costs no call. */
	if ((l->crew->draining && !l->crew->replaced)
		|| !watch(g, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT))
		lobby_close(g);
	else
		try_again(l); /* from now on it may give way to one that is new */
}

void lobby_handed_over(struct guest *g, struct slot *slot, uint32_t seat)
{
	lobby_leave_line(g);
	g->waits_ns = g->since_ns;
	g->place = GUEST_WITH_WORKER;
	g->since_ns = lobby_now_ns(g->lobby);
	g->slot = slot;
	g->seat = seat;
	free(g->input);
	g->input = NULL;
	g->n_input = 0;
}

void lobby_close(struct guest *g)
{
	struct lobby *l = g->lobby;

	lobby_leave_line(g);
	loop_remove(l->crew->loop, &g->io);
	fd_close(&g->fd);
	gate_leave(l->crew->gate, g->ticket);
	free(g->input);
	free(g);
	l->n_guests--;
	try_again(l);
}

/* Says now and then how many were refused: a line for each would be an attack on the log.
 */
static void say_refused(struct lobby *l)
{
	l->n_refused++;
	l->crew->past.refused++;
	if (l->said_refused_ns && lobby_now_ns(l) - l->said_refused_ns < SAY_EVERY_NS)
		return;
	log_warn(l->crew->log, "overload", "connections were refused: every worker is full",
		KV("service", l->crew->spec->name), KV("refused", l->n_refused));
	l->said_refused_ns = lobby_now_ns(l);
	l->n_refused = 0;
}

void lobby_refuse(struct guest *g, enum refusal why)
{
	struct lobby *l = g->lobby;
	struct span words = crew_refusal(l->crew, why);

	if (why == REFUSE_BUSY)
		say_refused(l);

	/*
	 * Closing with the request unread would reset the connection, and the
	 * refusal might never be seen: so the peer gets a moment to read it.
	 */
	bool stays = words.n && l->lines[GUEST_FAREWELL].n < FAREWELL_MAX
		     && sock_say_last(g->fd, words.p, words.n)
		     && sock_discard(g->fd, DISCARD_MOST) >= 0;
	enter_line(g, GUEST_FAREWELL);
	if (!stays || !watch(g, EPOLLIN | EPOLLRDHUP)) {
		sock_shut(g->fd);
		lobby_close(g);
	}
}

void lobby_trim(struct lobby *l)
{
	struct lobby_line *line = &l->lines[GUEST_QUEUED];

	while (line->n > l->crew->spec->settings->queue)
		lobby_refuse(list_last(&line->list, struct guest, link), REFUSE_BUSY);
}

struct guest *lobby_next(struct lobby *l)
{
	return lobby_oldest(l, GUEST_QUEUED);
}

/* -- bytes that no worker has -- */

bool lobby_keep_input(struct guest *g, struct board *board, uint32_t index)
{
	struct seat *seat = &board->seats[index];
	size_t n = seat_n_input(seat);

	lobby_unlend(g, seat);
	g->n_read = atomic_load(&seat->n_read);
	g->n_sent = atomic_load(&seat->n_sent);
	if (!n)
		return true;
	if (n > board->input_bytes)
		return false;
	g->input = malloc(n);
	if (!g->input)
		return false;
	memcpy(g->input, board_input(board, index), n);
	g->n_input = (uint32_t)n;
	return true;
}

void lobby_lend(struct guest *g, struct board *board, uint32_t index)
{
	struct seat *seat = &board->seats[index];

	atomic_store(&seat->ticket, g->ticket);
	g->ticket = 0;
	atomic_store(&seat->peer_len, 0);
	if (g->n_input)
		memcpy(board_input(board, index), g->input, g->n_input);
	atomic_store(&seat->n_read, g->n_read);
	atomic_store(&seat->n_used, g->n_read - g->n_input);
	atomic_store(&seat->n_sent, g->n_sent);
	atomic_store(&seat->answer_to, 0);
	atomic_store(&seat->begun, 0);
	atomic_store(&seat->since_ns, lobby_now_ns(g->lobby));
}

void lobby_unlend(struct guest *g, struct seat *seat)
{
	uint32_t peer_len = atomic_load(&seat->peer_len);

	g->ticket = atomic_exchange(&seat->ticket, 0);
	/* Whatever bytes they are, they hurt nobody. */
	if (!peer_len || peer_len > sizeof(g->peer))
		return;
	g->peer_len = peer_len;
	memcpy(g->peer, seat->peer, g->peer_len);
}

void lobby_init(struct lobby *l, struct crew *crew, void (*dispatch)(struct crew *crew))
{
	const struct settings *s = crew->spec->settings;
	const uint64_t for_ns[GUEST_N_LINES] = {
		[GUEST_QUEUED] = s->queue_timeout_ns,
		[GUEST_PARKED] = s->idle_timeout_ns,
		[GUEST_FAREWELL] = FAREWELL_NS,
	};

	*l = (struct lobby){
		.crew = crew,
		.next_id = (uint64_t)crew->generation
			   << 40, /* unique in this server's life */
		.dispatch = dispatch,
		.deadlines.on = on_deadlines,
	};
	for (int i = 0; i < GUEST_N_LINES; i++) {
		list_init(&l->lines[i].list);
		l->lines[i].for_ns = for_ns[i];
	}
	crew->lobby = l;
	lobby_accept_init(l);
}

void lobby_close_line(struct lobby *l, enum guest_place place)
{
	struct guest *g;

	while ((g = lobby_oldest(l, place)))
		lobby_close(g);
}

void lobby_fini(struct lobby *l)
{
	if (!l->crew)
		return; /* never begun */
	lobby_accept(l, false);
	for (int i = 0; i < GUEST_N_LINES; i++)
		lobby_close_line(l, (enum guest_place)i);
	loop_cancel(l->crew->loop, &l->deadlines);
}
