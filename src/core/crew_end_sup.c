/* SPDX-License-Identifier: MIT */

/* The end of a crew, and of one of its workers, in an orderly way or not. */

#include "core/core_wire.h"
#include "core/crew_priv_sup.h"
#include "core/lobby_sup.h"
#include "core/model.h"
#include "core/settings.h"

#include <signal.h>

/* Tells a worker to finish; one that was told to in its own time, now to hurry. */
static void drain_slot(struct slot *slot, bool patient)
{
	const struct core_msg msg = {.type = patient ? CORE_RETIRE : CORE_DRAIN};

	if (slot->state == SLOT_READY || slot->state == SLOT_STARTING) {
		crew_go(slot, SLOT_DRAINING);
		crew_set_timer(slot, MAX(slot->crew->spec->settings->drain_timeout_ns, 1));
	}
	if (slot->state == SLOT_DRAINING && !crew_send(slot, &msg, CORE_MSG_BARE, -1))
		proc_signal(&slot->proc, SIGTERM); /* says: now */
}

void crew_finish(struct slot *slot)
{
	drain_slot(slot, true);
}

void crew_end_now(struct slot *slot)
{
	crew_go(slot, SLOT_KILLING);
	proc_signal(&slot->proc, SIGKILL);
}

void crew_retire(struct slot *slot)
{
	struct crew *crew = slot->crew;

	if (crew->n_wanted > crew->spec->settings->workers.min)
		crew->n_wanted--;
	drain_slot(slot, true);
}

void crew_settled(struct crew *crew)
{
	if (!crew->draining || crew->drain_sent)
		return;
	crew->drain_sent = true;
	loop_cancel(crew->loop, &crew->drain_deadline);
	for (unsigned i = 0; i < crew->n_slots; i++)
		drain_slot(&crew->slots[i], crew->replaced);
	crew_look(crew);
}

void crew_say_last(struct slot *slot)
{
	const struct core_msg msg = {.type = CORE_LAST};

	/* One that does not hear it goes on as before, until the deadline. */
	(void)crew_send(slot, &msg, CORE_MSG_BARE, -1);
}

static void on_drain_deadline(struct loop_timer *timer)
{
	crew_settled(container_of(timer, struct crew, drain_deadline));
}

/* Connections wait here that no other crew can take: the workers stay for them. */
static void last(struct crew *crew)
{
	struct slot *slot;
	uint64_t most_ns = crew->spec->settings->drain_timeout_ns;

	crew->lasting = true;
	crew_for_each_ready (slot, crew)
		crew_say_last(slot);
	crew->drain_deadline.on = on_drain_deadline;
	if (loop_at(crew->loop, &crew->drain_deadline,
		    loop_now_ns(crew->loop) + most_ns + 1)
		< 0)
		crew_settled(crew);
}

/* Takes nothing new and lets go of what is idle; what has begun is finished. */
static void let_go(struct crew *crew)
{
	if (crew->lobby)
		lobby_leave(crew->lobby);
	if (crew->spec->model->sup_drain)
		crew->spec->model->sup_drain(crew);
}

static bool nobody_waits(const struct crew *crew)
{
	return !crew->spec->model->settles_itself
	       && (!crew->lobby || lobby_is_empty(crew->lobby));
}

static void begin_drain(struct crew *crew)
{
	if (!crew->draining) {
		crew->draining = true;
		/* First the model: whatever watches a socket lets go of it before it is
		 * closed. */
		let_go(crew);
		listen_close(crew);
	}
	if (nobody_waits(crew))
		crew_settled(crew);
	else if (!crew->lasting)
		last(crew);
}

void crew_give_up(struct crew *crew)
{
	crew->failed = true;
	let_go(crew);
	listen_give_up(crew);
	for (unsigned i = 0; i < crew->n_slots; i++)
		drain_slot(&crew->slots[i], false);
}

void crew_replace(struct crew *crew)
{
	if (crew->draining)
		return;
	crew->replaced = true;
	begin_drain(crew);
}

void crew_drain(struct crew *crew)
{
	bool hurry = crew->replaced;

	if (crew->draining && !hurry)
		return;
	crew->replaced = false;
	if (crew->draining)
		let_go(crew);
	for (unsigned i = 0; hurry && crew->drain_sent && i < crew->n_slots; i++)
		drain_slot(&crew->slots[i], false);
	begin_drain(crew);
}

void crew_kill(struct crew *crew)
{
	crew_drain(crew);
	for (unsigned i = 0; i < crew->n_slots; i++) {
		struct slot *slot = &crew->slots[i];

		drain_slot(slot, false);
		if (slot->state == SLOT_DRAINING)
			crew_go(slot, SLOT_KILLING);
		proc_signal(&slot->proc, SIGKILL);
	}
	crew_look(crew);
}
