/* SPDX-License-Identifier: MIT */

#include "core/crew_sup.h"

#include "base/reason.h"
#include "core/care_sup.h"
#include "core/core_wire.h"
#include "core/crew_priv_sup.h"
#include "core/exit.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/chan.h"
#include "os/fd.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define BACKOFF_FIRST_NS   (100 * NS_PER_MS)
#define BACKOFF_READY_NS   NS_PER_SEC /* the longest, for workers that do become ready */
#define BACKOFF_LONGEST_NS (30 * NS_PER_SEC)
#define HEALTHY_NS \
	(250 * NS_PER_MS) /* ready for that long: its death is the first again \
			   */
#define EARLY_DEATHS_MAX \
	3u /* before any worker was ever ready; then the service is given up */

/* Messages of one worker that are read in a row: all that its channel can hold. One that
 * does nothing but talk must not keep the others waiting. */
#define TURN_MESSAGES 1024u

void crew_go(struct slot *slot, enum slot_state to)
{
	slot->crew->n_in[slot->state]--;
	slot_go(&slot->state, to);
	slot->crew->n_in[slot->state]++;
}

static unsigned n_living(const struct crew *crew)
{
	return crew->n_slots - crew->n_in[SLOT_EMPTY] - crew->n_in[SLOT_COOLING];
}

/* Workers there are or will be: a place that cools keeps its claim, or backing off would
 * mean nothing. */
static unsigned n_claimed(const struct crew *crew)
{
	return crew->n_slots - crew->n_in[SLOT_EMPTY];
}

/* Whether the model makes the worker in it, and not the core. */
static bool is_sown(const struct slot *slot)
{
	return slot->crew->spec->model->seeded && slot->index > 0;
}

/* Half to one and a half times @ns, so that workers that died together do not come back
 * together. */
static uint64_t jitter(uint64_t ns)
{
	return ns / 2 + (uint64_t)random() % (ns + 1);
}

/*
 * How long to wait after the @n_failures-th death in a row. The first time not at
 * all: a crash is an accident. One that had been ready is soon back in any case,
 * or whoever can make workers crash could make the service go away.
 */
static uint64_t backoff_ns(unsigned n_failures, bool was_ready)
{
	uint64_t longest = was_ready ? BACKOFF_READY_NS : BACKOFF_LONGEST_NS;
	uint64_t ns = BACKOFF_FIRST_NS;

	if (n_failures <= 1)
		return 0;
	for (unsigned i = 2; i < n_failures && ns < longest; i++)
		ns *= 2;
	return jitter(MIN(ns, longest));
}

void crew_set_timer(struct slot *slot, uint64_t after_ns)
{
	struct loop *loop = slot->crew->loop;

	/* Without memory for a timer the deadline is lost, and only it: the pidfd still
	 * tells of the end. */
	(void)loop_at(loop, &slot->timer, after_ns ? loop_now_ns(loop) + after_ns : 0);
}

void crew_forget(struct slot *slot)
{
	loop_remove(slot->crew->loop, &slot->pid_io);
	loop_remove(slot->crew->loop, &slot->chan_io);
	fd_close(&slot->chan);
}

void crew_cool(struct slot *slot, bool failed, bool was_ready)
{
	slot->n_failures = failed ? slot->n_failures + 1 : 0;
	uint64_t wait_ns = failed ? backoff_ns(slot->n_failures, was_ready) : 0;

	crew_go(slot, SLOT_COOLING);
	crew_set_timer(slot, wait_ns);
	if (!wait_ns)
		crew_go(slot, SLOT_EMPTY);
}

static void add_up(const struct slot *slot, struct totals *out)
{
	const struct board_counters *counters = slot->board->counters;

	out->connections += board_read(&counters->connections);
	out->requests += board_read(&counters->requests);
	out->bytes_in += board_read(&counters->bytes_in);
	out->bytes_out += board_read(&counters->bytes_out);
}

void crew_total(const struct crew *crew, struct totals *out)
{
	for (unsigned i = 0; i < crew->n_slots; i++) {
		const struct slot *slot = &crew->slots[i];

		if (slot->state != SLOT_EMPTY && slot->state != SLOT_COOLING)
			add_up(slot, out);
	}
	totals_add(out, &crew->past);
}

static void say_ended(struct slot *slot, const siginfo_t *how, bool as_told)
{
	struct crew *crew = slot->crew;
	char text[PROC_HOW_MAX];

	proc_how(how, text);
	if (as_told)
		log_debug(crew->log, "worker-gone", "a worker finished", SLOT_KVS(slot));
	else
		log_warn(crew->log, "worker-died", LOG_SAY("worker %s", text),
			SLOT_KVS(slot), KV("pid", how->si_pid));
}

static void give_up(struct crew *crew)
{
	log_error(crew->log, "service-failed",
		"a service does not start: its workers end before they are ready; it is given up, "
		"until it is restarted or the configuration is read again",
		KV("service", crew->spec->name), KV("tries", crew->n_early_deaths));
	crew_give_up(crew);
	crew->events->failed(crew);
}

static void on_pid(struct loop_io *io, uint32_t events)
{
	struct slot *slot = container_of(io, struct slot, pid_io);
	struct crew *crew = slot->crew;
	enum slot_state was = slot->state;
	siginfo_t how;

	(void)events;
	/* Its last words may still be in the channel: a DONE read now saves a connection.
	 */
	if (slot->chan_io.added)
		slot->chan_io.on(&slot->chan_io, EPOLLIN);
	/* Before its descriptor is closed: a child just forked has a copy for a moment, and
	 * as long as that is open a closed one would still be told about. */
	loop_remove(crew->loop, io);
	if (proc_reap(&slot->proc, &how) < 0) {
		(void)loop_add(crew->loop, io, EPOLLIN);
		return;
	}

	/* A ring tells its members itself, so one may be finished before it was told from
	 * here. */
	bool as_told = how.si_code == CLD_EXITED && how.si_status == EXIT_DONE
		       && (was == SLOT_DRAINING || is_sown(slot) || crew->draining);
	if (!slot->said_why || was == SLOT_READY)
		say_ended(slot, &how, as_told);

	if (was == SLOT_READY && loop_now_ns(crew->loop) - slot->spawned_ns > HEALTHY_NS)
		slot->n_failures = 0;
	add_up(slot, &crew->past);
	crew->past.deaths += !as_told;
	/* First all that was the dead one's: from sup_gone() on the place may have a new
	 * worker. */
	crew_forget(slot);
	crew_cool(slot, !as_told && was != SLOT_DRAINING, was == SLOT_READY);
	care_gone(slot);
	board_leave_gate(slot->board, crew->gate);
	if (crew->spec->model->sup_gone)
		crew->spec->model->sup_gone(slot);

	if (was == SLOT_STARTING && !is_sown(slot) && !crew->was_ready && !crew->draining
		&& ++crew->n_early_deaths == EARLY_DEATHS_MAX)
		give_up(crew);
	else
		crew_look(crew);
}

static void on_timer(struct loop_timer *timer)
{
	struct slot *slot = container_of(timer, struct slot, timer);
	struct crew *crew = slot->crew;

	switch (slot->state) {
	case SLOT_COOLING:
		crew_go(slot, SLOT_EMPTY);
		crew_look(crew);
		return;
	case SLOT_STARTING:
		log_warn(crew->log, "worker-late",
			"worker was not ready in time: killing it", SLOT_KVS(slot));
		break;
	case SLOT_DRAINING:
		log_warn(crew->log, "drain-late",
			"worker did not finish in time: killing it", SLOT_KVS(slot));
		break;
	case SLOT_EMPTY:
	case SLOT_READY:
	case SLOT_KILLING:
	case SLOT_N_STATES: return;
	}
	crew_end_now(slot);
}

static void ready(struct slot *slot)
{
	struct crew *crew = slot->crew;

	crew_set_timer(slot, 0);
	crew_go(slot, SLOT_READY);
	log_debug(crew->log, "worker-ready", "worker waits for work", SLOT_KVS(slot));
	crew->n_early_deaths = 0;
	care_ready(slot);
	if (crew->lasting)
		crew_say_last(slot);
	if (crew->spec->model->sup_ready)
		crew->spec->model->sup_ready(slot);
	if (!crew->was_ready && crew_n_ready(crew) >= crew->n_wanted) {
		crew->was_ready = true;
		crew->events->ready(crew);
	}
}

static void say_failed(struct slot *slot, const struct core_msg *msg, size_t len)
{
	size_t n = len > CORE_MSG_BARE ? len - CORE_MSG_BARE : 0;

	struct reason *why = &slot->crew->why;

	slot->said_why = true;
	(void)reason_set(why, "%.*s", (int)strnlen(msg->sentence, n), msg->sentence);
	log_error(slot->crew->log, "worker-cannot-start", why->text, SLOT_KVS(slot));
}

/* 0, or negative for a message that a sound worker never sends. */
static int handle(struct slot *slot, const void *bytes, size_t len)
{
	struct core_msg msg = {0};

	if (len < CORE_MSG_BARE)
		return -EPROTO;
	memcpy(&msg, bytes, MIN(len, sizeof(msg)));
	switch (msg.type) {
	case CORE_READY:
		if (slot->state == SLOT_READY)
			return -EPROTO;
		if (slot->state == SLOT_STARTING) /* or it has been told to finish since */
			ready(slot);
		return 0;
	case CORE_FAILED:
		if (slot->said_why || slot->state == SLOT_READY)
			return -EPROTO;
		say_failed(slot, &msg, len);
		return 0;
	default:
		if (msg.type < CORE_MODEL_FIRST)
			return -EPROTO;
		return slot->crew->spec->model->sup_message(slot, bytes, len);
	}
}

static void on_chan(struct loop_io *io, uint32_t events)
{
	struct slot *slot = container_of(io, struct slot, chan_io);
	char buf[CHAN_MSG_MAX];
	size_t len;
	int r = CHAN_OK;

	(void)events;
	for (unsigned n = 0; n < TURN_MESSAGES && r == CHAN_OK && slot->chan >= 0; n++) {
		r = chan_recv(slot->chan, buf, &len, NULL);
		if (r == CHAN_OK && handle(slot, buf, len) < 0)
			r = CHAN_GARBLED;
	}
	if (slot->chan < 0 || r == CHAN_OK || r == CHAN_AGAIN)
		return;

	/* The end of the channel comes just before the end of the process, which says more.
	 */
	loop_remove(slot->crew->loop, io);
	if (r == CHAN_CLOSED || (slot->state != SLOT_READY && slot->state != SLOT_STARTING))
		return;
	log_error(slot->crew->log, "worker-garbled",
		"worker sent what no sound worker sends: killing it", SLOT_KVS(slot));
	crew_end_now(slot);
}

/* The place that is filled next: one with sockets of its own, where connections may wait, or
 * else any. */
static struct slot *next_empty(struct crew *crew)
{
	struct slot *any = NULL;

	for (unsigned i = 0; i < crew->n_slots; i++) {
		struct slot *slot = &crew->slots[i];

		if (slot->state != SLOT_EMPTY)
			continue;
		if (listen_is_owned(crew, i))
			return slot;
		if (!any)
			any = slot;
	}
	return any;
}

/* What there should be and what there is: makes workers, or lets them go, or says that all
 * have gone. */
void crew_look(struct crew *crew)
{
	if (crew->draining || crew->failed) {
		if (n_living(crew) == 0 && crew->draining)
			crew->events->gone(crew);
		return;
	}
	if (crew->spec->model->seeded) {
		if (crew->slots[0].state == SLOT_EMPTY)
			crew_spawn(&crew->slots[0]);
		return;
	}
	for (struct slot *slot; n_claimed(crew) < crew->n_wanted;) {
		slot = next_empty(crew);
		if (!slot)
			return;
		crew_spawn(slot);
	}
}

void crew_want(struct crew *crew, unsigned n_workers)
{
	const struct opt_range *workers = &crew->spec->settings->workers;

	crew->n_wanted = (unsigned)MIN(MAX(n_workers, workers->min), workers->max);
	crew_look(crew);
}

bool crew_send(struct slot *slot, const void *msg, size_t len, int fd)
{
	return slot->chan >= 0 && chan_send(slot->chan, msg, len, fd) == CHAN_OK;
}

/* A log that all workers are to write to. One that starts was made with the old one, and
 * hears of the new when it is ready. */
static void hand_out(const struct crew *crew, const void *msg, size_t len, int fd)
{
	for (unsigned i = 0; i < crew->n_slots; i++) {
		struct slot *slot = &crew->slots[i];

		if (slot->chan >= 0 && !crew_send(slot, msg, len, fd))
			log_warn(crew->log, "reopen-late",
				"worker still writes to the old log", SLOT_KVS(slot));
	}
}

void crew_reopen(struct crew *crew)
{
	const struct core_msg msg = {.type = CORE_REOPEN};
	struct reason reason;
	int before = crew->access_fd;

	if (before < 0)
		return;
	if (crew_open_log(crew, &reason) < 0) {
		crew->access_fd = before;
		log_error(crew->log, "reopen-failed",
			LOG_SAY("%.200s; the old one goes on", reason.text));
		return;
	}
	fd_close(&before);
	hand_out(crew, &msg, CORE_MSG_BARE, crew->access_fd);
}

void crew_share_log(const struct crew *crew)
{
	const struct core_log_msg msg = {
		.type = CORE_LOG, .level = crew->log->level, .stamp = crew->log->stamp};

	hand_out(crew, &msg, sizeof(msg), crew->log->fd);
}

int crew_start(struct crew *crew, struct reason *reason)
{
	int r = crew->spec->model->sup_start(crew, reason);

	if (r == 0) {
		crew_look(crew);
		care_start(crew);
	}
	return r;
}

void crew_init_slot(struct crew *crew, unsigned index)
{
	crew->slots[index] = (struct slot){
		.crew = crew,
		.index = index,
		.proc = PROC_NONE,
		.chan = -1,
		.pid_io.on = on_pid,
		.chan_io.on = on_chan,
		.timer.on = on_timer,
	};
}
