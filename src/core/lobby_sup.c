/* SPDX-License-Identifier: MIT */

#include "core/lobby_sup.h"

#include "core/board.h"
#include "core/crew_sup.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/limit.h"
#include "os/sock.h"

#include <stdlib.h>
#include <string.h>

enum {
	FAREWELL_MAX = 1024, /* refused connections still open; past it they are cut */
	ACCEPT_MAX = 64, /* connections taken in one go, before workers are heard again */
	FD_RESERVE = 32, /* descriptors kept free for files, logs and channels */
	DISCARD_MOST = 4 << 20, /* bytes of a refused connection dropped in one go */
	GUESTS_MIN = 16, /* connections that are tried however few descriptors there are */
};
#define LAST_WORD_NS \
	NS_PER_SEC              /* in a crew that is replaced: how long the idle may stay \
				 */
#define FAREWELL_NS  NS_PER_SEC /* how long a refusal may take to be read */
#define SAY_EVERY_NS (5 * NS_PER_SEC)
#define RETRY_NS     (100 * NS_PER_MS) /* without descriptors: when to try to accept again */

static uint64_t now_ns(const struct lobby *l)
{
	return loop_now_ns(l->crew->loop);
}

/* -- lines -- */

static void leave_line(struct guest *g)
{
	if (!list_empty(&g->link))
		g->lobby->lines[g->place].n--;
	list_remove(&g->link);
}

static void enter_line_since(struct guest *g, enum guest_place place, uint64_t since_ns)
{
	struct lobby *l = g->lobby;
	struct lobby_line *line = &l->lines[place];
	uint64_t due = since_ns + line->for_ns;

	leave_line(g);
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
	enter_line_since(g, place, now_ns(g->lobby));
}

static struct guest *oldest(struct lobby *l, enum guest_place place)
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
	if (!l->accepting && l->wanted && l->n_guests < l->max_guests)
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

		while ((g = oldest(l, (enum guest_place)i))) {
			uint64_t due = g->since_ns + l->lines[i].for_ns;

			if (due > now_ns(l)) {
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

static void on_io(struct loop_io *io, uint32_t events)
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

/* -- to the crew that replaces this one -- */

/* NULL without an heir whose model takes over what is needed. */
static struct lobby *heirs_lobby(const struct lobby *l, enum model_takes needed)
{
	struct crew *heir = l->crew->replaced ? l->crew->events->heir(l->crew) : NULL;

	/* Bytes may have been read that only this service understands. */
	if (!heir || heir->spec->model->takes_over < needed
		|| heir->spec->service != l->crew->spec->service)
		return NULL;
	return heir->lobby;
}

static bool find_listener(const struct crew *crew, const struct addr *addr, uint16_t *out)
{
	for (unsigned i = 0; i < crew->n_addresses; i++) {
		if (!addr_equal(&crew->listeners[i].addr, addr))
			continue;
		*out = (uint16_t)i;
		return true;
	}
	return false;
}

/* Whether @g is the heir's now; in none of its lines yet. */
static bool go_over(struct guest *g, bool parked)
{
	struct lobby *l = g->lobby;
	struct lobby *to = heirs_lobby(l, lobby_needs(parked, g->n_read));

	if (!to
		|| !find_listener(
			to->crew, &l->crew->listeners[g->listener].addr, &g->listener))
		return false;
	leave_line(g);
	l->n_guests--;
	to->n_guests++;
	g->lobby = to;
	return true;
}

/* Whether @g has gone to another process, and is no more. */
static bool go_abroad(struct guest *g, bool parked)
{
	const struct crew *crew = g->lobby->crew;

	if (!crew->replaced || !crew->events->send_away(crew, g, parked))
		return false;
	g->ticket = 0; /* it is counted there */
	lobby_close(g);
	return true;
}

/* The lines go over whole, so the heir's stay ordered by time if theirs is emptier. */
static void line_goes_over(struct lobby *l, enum guest_place place)
{
	bool parked = place == GUEST_PARKED;
	struct lobby *to = heirs_lobby(l, lobby_needs(parked, 0));
	struct guest *g, *tmp;

	list_for_each_safe (g, tmp, &l->lines[place].list, link) {
		if (!to) {
			(void)go_abroad(g, parked);
			continue;
		}
		struct list *there = &to->lines[place].list;
		uint64_t since = g->since_ns;

		if (!list_empty(there))
			since = MAX(since, list_last(there, struct guest, link)->since_ns);
		if (go_over(g, parked))
			enter_line_since(g, place, since);
	}
	if (to)
		to->dispatch(to->crew);
}

/* -- from place to place -- */

void lobby_queue(struct guest *g)
{
	if (go_abroad(g, false))
		return;
	bool over = go_over(g, false);

	enter_line(g, GUEST_QUEUED);
	if (over)
		g->lobby->dispatch(g->lobby->crew);
}

void lobby_requeue(struct guest *g, bool anew)
{
	if (anew)
		g->waits_ns = now_ns(g->lobby);
	if (go_abroad(g, false))
		return;
	if (go_over(g, false)) {
		enter_line(g, GUEST_QUEUED);
		g->lobby->dispatch(g->lobby->crew);
		return;
	}
	struct lobby_line *line = &g->lobby->lines[GUEST_QUEUED];
	struct guest *first = oldest(g->lobby, GUEST_QUEUED);

	enter_line_since(g, GUEST_QUEUED, g->waits_ns);
	list_remove(&g->link);
	list_prepend(&line->list, &g->link);
	if (first) /* a line is ordered by time */
		g->since_ns = MIN(g->since_ns, first->since_ns);
}

void lobby_park(struct guest *g)
{
	g->n_killed = 0;
	if (go_abroad(g, true))
		return;
	(void)go_over(g, true);
	enter_line(g, GUEST_PARKED);

	const struct crew *crew = g->lobby->crew;
	/* Disarmed by the first event, so that handing it over costs no call. */
	if ((crew->draining && !crew->replaced)
		|| !watch(g, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT))
		lobby_close(g);
}

void lobby_handed_over(struct guest *g, struct slot *slot, uint32_t seat)
{
	leave_line(g);
	g->waits_ns = g->since_ns;
	g->place = GUEST_WITH_WORKER;
	g->since_ns = now_ns(g->lobby);
	g->slot = slot;
	g->seat = seat;
	free(g->input);
	g->input = NULL;
	g->n_input = 0;
}

void lobby_close(struct guest *g)
{
	struct lobby *l = g->lobby;

	leave_line(g);
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
	if (l->said_refused_ns && now_ns(l) - l->said_refused_ns < SAY_EVERY_NS)
		return;
	log_warn(l->crew->log, "overload", "connections were refused: every worker is full",
		KV("service", l->crew->spec->name), KV("refused", l->n_refused));
	l->said_refused_ns = now_ns(l);
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
	return oldest(l, GUEST_QUEUED);
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
	atomic_store(&seat->since_ns, now_ns(g->lobby));
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

/* -- accepting -- */

/* Whether its address has not too many connections already. */
static bool may_enter(struct guest *g, const struct addr *peer)
{
	const struct crew *crew = g->lobby->crew;
	enum gate_answer answer;

	if (!crew->is_limited || crew_is_proxy(crew, peer))
		return true; /* or for whom it comes is seen by the worker */
	answer = gate_enter(crew->gate, &crew->limits, peer, now_ns(g->lobby), &g->ticket);
	if (answer != GATE_OPEN)
		gate_say(crew->gate, crew->log, crew->spec->name, peer, answer,
			now_ns(g->lobby));
	return answer == GATE_OPEN;
}

/* Takes over @fd; without memory it is closed. */
static void arrive(struct lobby *l, int fd, const struct addr *peer, unsigned listener)
{
	struct guest *g = malloc(sizeof(*g));

	if (!g) {
		fd_close(&fd);
		return;
	}
	*g = (struct guest){
		.io = {.on = on_io, .fd = fd},
		.lobby = l,
		.id = ++l->next_id,
		.accepted_ns = now_ns(l),
		.fd = fd,
		.listener = (uint16_t)listener,
		.peer_len = (socklen_t)MIN(peer->len, sizeof(g->peer)),
	};
	if (peer->sa.sa_family == AF_UNIX)
		g->peer_len = sizeof(peer->sa.sa_family);
	memcpy(g->peer, &peer->ss, g->peer_len);
	list_init(&g->link);
	l->n_guests++;
	if (may_enter(g, peer))
		enter_line(g, GUEST_QUEUED);
	else
		lobby_refuse(g, REFUSE_GREEDY);
}

void lobby_take(struct lobby *l, int fd, const struct lobby_papers *papers)
{
	struct guest *g = malloc(sizeof(*g));

	if (!g) {
		fd_close(&fd);
		gate_leave(l->crew->gate, papers->ticket);
		free(papers->input);
		return;
	}
	*g = (struct guest){
		.io = {.on = on_io, .fd = fd},
		.lobby = l,
		.id = papers->id,
		.accepted_ns = papers->accepted_ns,
		.n_read = papers->n_read,
		.n_sent = papers->n_sent,
		.fd = fd,
		.input = papers->input,
		.n_input = papers->n_input,
		.ticket = papers->ticket,
		.n_killed = papers->n_killed,
		.resumed = papers->resumed,
		.peer_len = (socklen_t)MIN(papers->peer.len, sizeof(g->peer)),
	};
	memcpy(g->peer, &papers->peer.ss, g->peer_len);
	/* An address we listen at no more: it stays one of this service's connections. */
	(void)find_listener(l->crew, &papers->local, &g->listener);
	if (!g->ticket && l->crew->is_limited
		&& (g->n_read || !crew_is_proxy(l->crew, &papers->peer)))
		g->ticket = gate_admit(l->crew->gate, &papers->peer);
	list_init(&g->link);
	l->n_guests++;
	if (papers->parked) {
		lobby_park(g);
		return;
	}
	lobby_queue(g);
	l->dispatch(l->crew);
}

/* Closes the connection that has been idle the longest. Whether there was one. */
static bool evict(struct lobby *l)
{
	struct guest *g = oldest(l, GUEST_PARKED);

	if (g)
		lobby_close(g);
	return g;
}

/* Stops until a connection ends, or for a while: what is short may be others' to give back. Said now and then: at the limit this comes and goes with every connection. */
static void pause_accepting(struct lobby *l, const char *event, const char *why)
{
	uint64_t again_ns = now_ns(l) + RETRY_NS;

	lobby_accept(l, false);
	l->wanted = true;
	if (!l->deadlines.at_ns || again_ns < l->deadlines.at_ns)
		(void)loop_at(l->crew->loop, &l->deadlines, again_ns);
	if (l->said_full_ns && now_ns(l) - l->said_full_ns < SAY_EVERY_NS)
		return;
	l->said_full_ns = now_ns(l);
	log_warn(l->crew->log, event, why, KV("service", l->crew->spec->name),
		KV("connections", l->n_guests));
}

/* Whether one more connection may come. */
static bool have_room(struct lobby *l)
{
	if (l->n_guests < l->max_guests || evict(l))
		return true;
	pause_accepting(
		l, "connections-full", "as many connections as there may be: others wait");
	return false;
}

static void on_listener(struct loop_io *io, uint32_t events)
{
	struct listener *listener = container_of(io, struct listener, io);
	struct lobby *l = listener->crew->lobby;
	struct addr peer;

	(void)events;
	for (int i = 0; i < ACCEPT_MAX && have_room(l); i++) {
		int fd = sock_accept(listener->fd, &peer);

		if (fd == SOCK_NO_ROOM && !evict(l))
			pause_accepting(l, "no-descriptors",
				"out of descriptors: accepting nothing until a connection ends");
		if (fd < 0)
			break;
		arrive(l, fd, &peer, listener->index);
	}
	l->dispatch(l->crew);
}

void lobby_accept(struct lobby *l, bool on)
{
	struct crew *crew = l->crew;

	l->wanted = on;
	if (l->accepting == on)
		return;
	l->accepting = on;
	for (size_t i = 0; i < crew->n_listeners; i++) {
		struct listener *listener = &crew->listeners[i];

		if (!on)
			loop_remove(crew->loop, &listener->io);
		else if (listener->fd >= 0
			 && loop_add(crew->loop, &listener->io, EPOLLIN) < 0)
			log_error(crew->log, "listener-lost", "cannot watch a listener",
				KV("listener", i));
	}
}

static unsigned descriptors_for_guests(const struct crew *crew)
{
	uint64_t wanted = crew->spec->settings->max_connections;
	uint64_t limit = limit_descriptors(), others = FD_RESERVE + 2 * crew->n_slots;
	uint64_t room = limit > others + GUESTS_MIN ? limit - others : GUESTS_MIN;

	return (unsigned)(wanted && wanted < room ? wanted : room);
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
		.max_guests = descriptors_for_guests(crew),
		.deadlines.on = on_deadlines,
	};
	for (int i = 0; i < GUEST_N_LINES; i++) {
		list_init(&l->lines[i].list);
		l->lines[i].for_ns = for_ns[i];
	}
	crew->lobby = l;
	for (size_t i = 0; i < crew->n_listeners; i++)
		crew->listeners[i].io.on = on_listener;
}

static void close_line(struct lobby *l, enum guest_place place)
{
	struct guest *g;

	while ((g = oldest(l, place)))
		lobby_close(g);
}

void lobby_leave(struct lobby *l)
{
	lobby_accept(l, false);
	line_goes_over(l, GUEST_QUEUED);
	line_goes_over(l, GUEST_PARKED);
	if (!l->crew->replaced) {
		close_line(l, GUEST_PARKED);
		return;
	}
	l->lines[GUEST_PARKED].for_ns = LAST_WORD_NS;
	(void)loop_at(l->crew->loop, &l->deadlines, now_ns(l));
}

bool lobby_is_empty(const struct lobby *l)
{
	/* Who is with a worker may come back, if there is nowhere else to go on. */
	if (l->crew->replaced && !heirs_lobby(l, TAKES_ALL))
		return !l->n_guests;
	for (int i = 0; i < GUEST_N_LINES; i++) {
		if (l->lines[i].n)
			return false;
	}
	return true;
}

void lobby_fini(struct lobby *l)
{
	if (!l->crew)
		return; /* never begun */
	lobby_accept(l, false);
	for (int i = 0; i < GUEST_N_LINES; i++)
		close_line(l, (enum guest_place)i);
	loop_cancel(l->crew->loop, &l->deadlines);
}
