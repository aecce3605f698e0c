/* SPDX-License-Identifier: MIT */

/* Who comes into a lobby: from a listener, or from another process that held it. */

#include "core/crew_sup.h"
#include "core/gate.h"
#include "core/lobby_priv_sup.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/limit.h"
#include "os/sock.h"

#include <stdlib.h>
#include <string.h>

enum {
	ACCEPT_MAX = 64, /* connections taken in one go, before workers are heard again */
	FD_RESERVE = 32, /* descriptors kept free for files, logs and channels */
	GUESTS_MIN = 16, /* connections that are tried however few descriptors there are */
};
#define SAY_EVERY_NS (5 * NS_PER_SEC)
#define RETRY_NS     (100 * NS_PER_MS) /* without descriptors: when to try to accept again */

/* Whether its address has not too many connections already. */
static bool may_enter(struct guest *g, const struct addr *peer)
{
	const struct crew *crew = g->lobby->crew;
	enum gate_answer answer;

	if (!crew->is_limited || crew_is_proxy(crew, peer))
		return true; /* or for whom it comes is seen by the worker */
	answer = gate_enter(
		crew->gate, &crew->limits, peer, lobby_now_ns(g->lobby), &g->ticket);
	if (answer != GATE_OPEN)
		gate_say(crew->gate, crew->log, crew->spec->name, peer, answer,
			lobby_now_ns(g->lobby));
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
		.io = {.on = lobby_on_io, .fd = fd},
		.lobby = l,
		.id = ++l->next_id,
		.accepted_ns = lobby_now_ns(l),
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
		lobby_enter(g, GUEST_QUEUED, lobby_now_ns(l));
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
		.io = {.on = lobby_on_io, .fd = fd},
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
	(void)lobby_find_listener(l->crew, &papers->local, &g->listener);
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
	struct guest *g = lobby_oldest(l, GUEST_PARKED);

	if (g)
		lobby_close(g);
	return g;
}

/* Stops until a connection ends, or for a while: what is short may be others' to give back. Said now and then: at the limit this comes and goes with every connection. */
static void pause_accepting(struct lobby *l, const char *event, const char *why)
{
	uint64_t again_ns = lobby_now_ns(l) + RETRY_NS;

	lobby_accept(l, false);
	l->wanted = true;
	if (!l->deadlines.at_ns || again_ns < l->deadlines.at_ns)
		(void)loop_at(l->crew->loop, &l->deadlines, again_ns);
	if (l->said_full_ns && lobby_now_ns(l) - l->said_full_ns < SAY_EVERY_NS)
		return;
	l->said_full_ns = lobby_now_ns(l);
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

void lobby_accept_init(struct lobby *l)
{
	struct crew *crew = l->crew;

	l->max_guests = descriptors_for_guests(crew);
	for (size_t i = 0; i < crew->n_listeners; i++)
		crew->listeners[i].io.on = on_listener;
}
