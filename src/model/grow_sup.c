/* SPDX-License-Identifier: MIT */

#include "model/grow_sup.h"

#include "core/crew_sup.h"
#include "core/settings.h"

#define SHRINK_LOOK_NS (10 * NS_PER_SEC)

static unsigned n_free(const struct board *board)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < board->n_seats; i++)
		n += seat_state(&board->seats[i]) == SEAT_FREE;
	return n;
}

/* Free seats of all READY workers. */
static unsigned free_seats(const struct crew *crew)
{
	const struct slot *slot;
	unsigned n = 0;

	crew_for_each_ready (slot, crew)
		n += n_free(slot->board);
	return n;
}

/* Lets the last idle worker go, if more than enough are idle. */
static void shrink(const struct crew *crew)
{
	const struct settings *s = crew->spec->settings;
	struct slot *slot, *last = NULL;
	unsigned n_idle = 0;

	if (crew_n_ready(crew) <= s->workers.min)
		return;
	crew_for_each_ready (slot, crew) {
		if (n_free(slot->board) == slot->board->n_seats) {
			n_idle++;
			last = slot;
		}
	}
	if (last && n_idle > s->spares.max)
		crew_retire(last);
}

/* Again and again while there are to be more than the minimum, though they are not yet. */
static void on_shrink(struct loop_timer *timer)
{
	struct grow *g = container_of(timer, struct grow, shrink);

	if (g->crew->draining || g->crew->n_wanted <= g->crew->spec->settings->workers.min)
		return;
	shrink(g->crew);
	(void)loop_at(g->crew->loop, timer, loop_now_ns(g->crew->loop) + SHRINK_LOOK_NS);
}

void grow_look(struct grow *g)
{
	struct crew *crew = g->crew;
	const struct settings *s = crew->spec->settings;
	unsigned starting = crew->n_in[SLOT_STARTING];
	unsigned room = free_seats(crew) + starting * crew->n_connections;

	if (crew->draining || room >= s->spares.min * crew->n_connections)
		return;
	crew_want(crew, crew_n_ready(crew) + starting + 1);
	if (!g->only && !g->shrink.at_ns)
		(void)loop_at(
			crew->loop, &g->shrink, loop_now_ns(crew->loop) + SHRINK_LOOK_NS);
}

void grow_init(struct grow *g, struct crew *crew)
{
	*g = (struct grow){.crew = crew, .shrink.on = on_shrink};
}

void grow_fini(struct grow *g)
{
	if (g->crew)
		loop_cancel(g->crew->loop, &g->shrink);
}
