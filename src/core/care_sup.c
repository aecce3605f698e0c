/* SPDX-License-Identifier: MIT */

#include "core/care_sup.h"

#include "core/core_wire.h"
#include "core/crew_priv_sup.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/proc.h"

#include <stdlib.h>

#define TICK_MOST_NS  NS_PER_SEC
#define TICK_LEAST_NS (20 * NS_PER_MS)

#define DISK_TIMES 10u /* so many times stuck_timeout may the disk take */

static bool recycles(const struct settings *s)
{
	return s->recycle_requests || s->recycle_age_ns || s->recycle_memory;
}

/* Up to a quarter less than @limit; 0 stays none. */
static uint64_t jittered(uint64_t limit)
{
	return limit ? limit - (uint64_t)random() % (limit / 4 + 1) : 0;
}

/* -- recycling -- */

/* Why it should be replaced, or NULL. */
static const char *is_due(const struct slot *slot)
{
	const struct settings *s = slot->crew->spec->settings;
	uint64_t age = loop_now_ns(slot->crew->loop) - slot->spawned_ns;
	uint64_t bytes;

	if (slot->care.most_requests
		&& board_read(&slot->board->counters->requests) >= slot->care.most_requests)
		return "requests";
	if (slot->care.most_age_ns && age >= slot->care.most_age_ns)
		return "age";
	if (s->recycle_memory && proc_resident(&slot->proc, &bytes) == 0
		&& bytes > s->recycle_memory)
		return "memory";
	return NULL;
}

static struct slot *find_empty(struct crew *crew)
{
	for (unsigned i = 0; i < crew->n_slots; i++) {
		if (crew->slots[i].state == SLOT_EMPTY)
			return &crew->slots[i];
	}
	return NULL;
}

static void replace(struct slot *old, const char *why)
{
	struct slot *young = find_empty(old->crew);

	if (!young)
		return; /* somebody still finishes there: next time */
	log_debug(old->crew->log, "recycling", "worker is to be replaced", SLOT_KVS(old),
		KV("because", why));
	young->care.replaces = old;
	listen_move(old->crew, old->index, young->index);
	crew_spawn(young);
}

static void look_at_recycling(struct crew *crew)
{
	struct slot *slot;

	if (!recycles(crew->spec->settings) || crew->spec->model->seeded)
		return;
	for (unsigned i = 0; i < crew->n_slots; i++) {
		if (crew->slots[i].care.replaces)
			return; /* one at a time */
	}
	crew_for_each_ready (slot, crew) {
		const char *why = is_due(slot);

		if (why) {
			replace(slot, why);
			return;
		}
	}
}

/* -- being stuck -- */

/* The seat in which a request is being worked on; NULL if there is none. */
static const struct seat *busy_seat(const struct board *board)
{
	for (uint32_t i = 0; i < board->n_seats; i++) {
		enum seat_state state = seat_state(&board->seats[i]);

		if (state == SEAT_BEGUN || state == SEAT_SENDING || state == SEAT_HELD)
			return &board->seats[i];
	}
	return NULL;
}

/* What it reads, up to the end of its first line; it may have been used, but is still
 * there. None without a seat. */
static struct span first_line(const struct board *board, const struct seat *seat)
{
	if (!seat)
		return SPAN_NONE;
	struct span input = span_of(board_input(board, (uint32_t)(seat - board->seats)),
		MIN(board->input_bytes, LOG_VALUE_MAX));
	size_t n = 0;

	while (n < input.n && input.p[n] != '\r' && input.p[n] != '\n' && input.p[n])
		n++;
	return span_of(input.p, n);
}

/* Whether it sleeps where the disk must wake it: a kill would be heard no sooner, and then
 * what it waits for is done. Not for ever, for some disks are behind a network. */
static bool waits_for_disk(
	struct slot *slot, const struct proc_evidence *evidence, uint64_t age_ns)
{
	uint64_t timeout = slot->crew->spec->settings->stuck_timeout_ns;

	if (evidence->state[0] != 'D' || age_ns / DISK_TIMES >= timeout)
		return false;
	if (!slot->care.said_waits)
		log_warn(slot->crew->log, "worker-waits", "worker waits for the disk",
			SLOT_KVS(slot), KV("pid", slot->proc.pid),
			KV("wchan", evidence->wchan), KV("for_ms", age_ns / NS_PER_MS));
	slot->care.said_waits = true;
	return true;
}

static void end_stuck(struct slot *slot, const struct seat *seat, uint64_t age_ns)
{
	struct proc_evidence evidence;

	proc_evidence(&slot->proc, &evidence);
	if (waits_for_disk(slot, &evidence, age_ns))
		return;
	log_error(slot->crew->log, "worker-stuck", "worker does not move: killing it",
		SLOT_KVS(slot), KV("pid", slot->proc.pid), KV("state", evidence.state),
		KV("wchan", evidence.wchan), KV("syscall", evidence.syscall),
		KV("for_ms", age_ns / NS_PER_MS),
		KV("request", first_line(slot->board, seat)));
	crew_end_now(slot);
}

static void look_at_worker(struct slot *slot)
{
	const struct core_msg ping = {.type = CORE_PING};
	uint64_t timeout = slot->crew->spec->settings->stuck_timeout_ns;
	uint64_t progress = board_read(&slot->board->counters->progress);
	uint64_t now = loop_now_ns(slot->crew->loop);
	const struct seat *seat = busy_seat(slot->board);

	if ((!seat && !slot->owes) || progress != slot->care.progress
		|| !slot->care.moved_ns) {
		slot->care.progress = progress;
		slot->care.moved_ns = now;
		slot->care.asked = slot->care.said_waits = false;
		return;
	}
	uint64_t age = now - slot->care.moved_ns;
	if (age >= timeout && slot->care.asked) {
		end_stuck(slot, seat, age);
	} else if (age >= timeout / 2 && !slot->care.asked) {
		slot->care.asked = true;
		/* A channel too full for this one is not being read either. */
		(void)crew_send(slot, &ping, CORE_MSG_BARE, -1);
	}
}

static uint64_t tick_ns(const struct settings *s)
{
	uint64_t ns = TICK_MOST_NS;

	if (s->stuck_timeout_ns)
		ns = MIN(ns, s->stuck_timeout_ns / 8);
	if (s->recycle_age_ns)
		ns = MIN(ns, s->recycle_age_ns / 4);
	return MAX(ns, TICK_LEAST_NS);
}

static void on_tick(struct loop_timer *timer)
{
	struct crew *crew = container_of(timer, struct crew, care);
	const struct settings *s = crew->spec->settings;
	struct slot *slot;

	crew_for_each_ready (slot, crew) {
		if (s->stuck_timeout_ns)
			look_at_worker(slot);
	}
	if (!crew->draining)
		look_at_recycling(crew);
	(void)loop_at(crew->loop, timer, loop_now_ns(crew->loop) + tick_ns(s));
}

/* -- the crew's part -- */

void care_start(struct crew *crew)
{
	const struct settings *s = crew->spec->settings;

	crew->care.on = on_tick;
	if (s->stuck_timeout_ns || recycles(s))
		(void)loop_at(
			crew->loop, &crew->care, loop_now_ns(crew->loop) + tick_ns(s));
}

void care_stop(struct crew *crew)
{
	loop_cancel(crew->loop, &crew->care);
}

unsigned care_spare_slots(const struct settings *settings)
{
	return recycles(settings);
}

void care_ready(struct slot *slot)
{
	const struct settings *s = slot->crew->spec->settings;
	struct slot *old = slot->care.replaces;

	slot->care = (struct slot_care){
		.most_requests = jittered(s->recycle_requests),
		.most_age_ns = jittered(s->recycle_age_ns),
	};
	if (old && old->state == SLOT_READY)
		crew_finish(old);
}

void care_gone(struct slot *slot)
{
	struct slot *old = slot->care.replaces;

	if (!old)
		return;
	slot->care.replaces = NULL;
	listen_move(slot->crew, slot->index, old->index);
}
