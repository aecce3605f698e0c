/* SPDX-License-Identifier: MIT */

/* Who leaves a lobby for that of the crew which replaces this one, or for another process. */

#include "core/crew_sup.h"
#include "core/lobby_priv_sup.h"
#include "core/model.h"

#define LAST_WORD_NS NS_PER_SEC /* how long the idle may stay in a crew that is replaced */

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

bool lobby_find_listener(const struct crew *crew, const struct addr *addr, uint16_t *out)
{
	for (unsigned i = 0; i < crew->n_addresses; i++) {
		if (!addr_equal(&crew->listeners[i].addr, addr))
			continue;
		*out = (uint16_t)i;
		return true;
	}
	return false;
}

bool lobby_go_over(struct guest *g, bool parked)
{
	struct lobby *l = g->lobby;
	struct lobby *to = heirs_lobby(l, lobby_needs(parked, g->n_read));

	if (!to
		|| !lobby_find_listener(
			to->crew, &l->crew->listeners[g->listener].addr, &g->listener))
		return false;
	lobby_leave_line(g);
	l->n_guests--;
	to->n_guests++;
	g->lobby = to;
	return true;
}

bool lobby_go_abroad(struct guest *g, bool parked)
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
			(void)lobby_go_abroad(g, parked);
			continue;
		}
		struct list *there = &to->lines[place].list;
		uint64_t since = g->since_ns;

		if (!list_empty(there))
			since = MAX(since, list_last(there, struct guest, link)->since_ns);
		if (lobby_go_over(g, parked))
			lobby_enter(g, place, since);
	}
	if (to)
		to->dispatch(to->crew);
}

void lobby_leave(struct lobby *l)
{
	lobby_accept(l, false);
	line_goes_over(l, GUEST_QUEUED);
	line_goes_over(l, GUEST_PARKED);
	if (!l->crew->replaced) {
		lobby_close_line(l, GUEST_PARKED);
		return;
	}
	l->lines[GUEST_PARKED].for_ns = LAST_WORD_NS;
	(void)loop_at(l->crew->loop, &l->deadlines, lobby_now_ns(l));
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
