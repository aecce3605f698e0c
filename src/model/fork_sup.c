/* SPDX-License-Identifier: MIT */

#include "base/reason.h"
#include "core/crew_sup.h"
#include "core/heritage.h"
#include "core/lobby_sup.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "model/fork.h"
#include "model/fork_wire.h"
#include "model/fork_wrk.h"
#include "os/fd.h"
#include "os/mem.h"
#include "os/sock.h"

#include <errno.h>
#include <string.h>

#define ROUND_NS \
	(20 * NS_PER_MS) /* how often, while anyone waits, an idle child is looked for */

#define SAY_EVERY_NS (5 * NS_PER_SEC)

/*
 * A connection's descriptor stays here until the zygote says that its process is
 * made: slot->model is its guest so long. If none can be made, it waits again.
 */
struct fork_sup {
	struct lobby lobby;
	_Atomic int32_t *made; /* owned, shared: of each slot; fork_wire.h */
	struct loop_timer rounds;
	bool late;         /* a process is made, and could not be taken over yet */
	uint64_t again_ns; /* no process could be made: not before then */
	uint64_t n_failed; /* since it was last said in the log */
	uint64_t said_ns;
};

static struct slot *zygote(const struct crew *crew)
{
	return &crew->slots[0];
}

static _Atomic int32_t *made_for(const struct slot *child)
{
	const struct fork_sup *f = child->crew->model;

	return &f->made[child->index];
}

/* A place for one more child, or NULL. */
static struct slot *find_empty(const struct crew *crew)
{
	for (unsigned i = 1; i < crew->n_slots; i++) {
		if (crew->slots[i].state == SLOT_EMPTY)
			return &crew->slots[i];
	}
	return NULL;
}

/* Whether a child's connection may give way, and since when it has been idle. */
static bool may_give_way(const struct slot *slot, uint64_t now_ns, uint64_t *since_ns)
{
	const struct seat *seat = &slot->board->seats[0];

	if (slot->index == 0 || seat_state(seat) != SEAT_IDLE)
		return false;
	*since_ns = atomic_load(&seat->since_ns);
	return seat_may_give_way(seat, now_ns);
}

/* Asks the child to end whose connection has been idle the longest; its place is then the next one's. */
static void end_longest_idle(const struct crew *crew)
{
	const struct core_msg msg = {.type = CORE_DRAIN};
	struct slot *slot, *oldest = NULL;
	uint64_t oldest_ns = UINT64_MAX, since_ns;

	crew_for_each_ready (slot, crew) {
		if (may_give_way(slot, loop_now_ns(crew->loop), &since_ns)
			&& since_ns < oldest_ns) {
			oldest = slot;
			oldest_ns = since_ns;
		}
	}
	if (oldest)
		(void)crew_send(
			oldest, &msg, CORE_MSG_BARE, -1); /* or the next round asks again */
}

/* Whether the zygote now makes a child for @g, which is gone then. */
static bool make_child(const struct crew *crew, struct slot *slot, struct guest *g)
{
	struct fork_msg msg = {
		.type = FORK_CHAN,
		.slot = slot->index,
		.listener = g->listener,
		.id = g->id,
		.accepted_ns = g->accepted_ns,
		.peer.len = g->peer_len,
	};
	AUTO_CLOSE int chan = -1;

	if (crew_sow(slot, &chan) < 0)
		return false;
	atomic_store(made_for(slot), 0);
	memcpy(&msg.peer.ss, g->peer, g->peer_len);
	lobby_lend(g, slot->board, 0);
	bool sent = crew_send(zygote(crew), &msg, FORK_MSG_BARE, chan);
	msg.type = FORK_CONN;
	sent = sent && crew_send(zygote(crew), &msg, sizeof(msg), g->fd);
	if (!sent) {
		lobby_unlend(g, &slot->board->seats[0]);
		crew_unsow(slot);
		return false;
	}
	log_debug(crew->log, "placed", "connection gets a process", KV("conn", g->id),
		KV("service", crew->spec->name), KV("worker", slot->index));
	lobby_handed_over(g, slot, 0);
	slot->model = g;
	zygote(crew)->owes = true;
	return true;
}

static bool may_make(const struct fork_sup *f)
{
	const struct crew *crew = f->lobby.crew;

	return zygote(crew)->state == SLOT_READY && loop_now_ns(crew->loop) >= f->again_ns;
}

static void look_soon(struct fork_sup *f)
{
	struct loop *loop = f->lobby.crew->loop;

	if (!f->rounds.at_ns)
		(void)loop_at(loop, &f->rounds, loop_now_ns(loop) + ROUND_NS);
}

static void dispatch(struct crew *crew)
{
	struct fork_sup *f = crew->model;
	struct guest *g;

	while (may_make(f) && (g = lobby_next(&f->lobby))) {
		struct slot *slot = find_empty(crew);

		if (!slot || !make_child(crew, slot, g))
			break;
	}
	/* Children do not say that they are idle: so, while anyone waits, it is looked at again. */
	if (lobby_n_queued(&f->lobby)) {
		if (!find_empty(
			    crew)) /* else it is not for want of a place that they wait */
			end_longest_idle(crew);
		look_soon(f);
	}
	lobby_trim(&f->lobby);
	if (crew->draining && lobby_is_empty(&f->lobby))
		crew_settled(crew);
}

static void take_late(struct fork_sup *f);

static void on_round(struct loop_timer *timer)
{
	struct fork_sup *f = container_of(timer, struct fork_sup, rounds);

	if (f->late)
		take_late(f);
	dispatch(f->lobby.crew);
}

static void sup_ready(struct slot *slot)
{
	struct fork_sup *f = slot->crew->model;

	lobby_accept(&f->lobby, true);
	dispatch(slot->crew);
}

/* Asked for, and not made yet. It may have been told to finish meanwhile. */
static bool is_expected(const struct slot *child)
{
	return child->chan >= 0 && child->proc.pid < 0;
}

/* While a child is to come, the zygote owes word of it. */
static void look_at_debt(const struct crew *crew)
{
	bool any = false;

	for (unsigned i = 1; i < crew->n_slots && !any; i++)
		any = is_expected(&crew->slots[i]);
	zygote(crew)->owes = any;
}

/* The connection that @child was to be for, which is its no more; NULL if it has it. */
static struct guest *take_guest(struct slot *child)
{
	struct guest *g = child->model;

	child->model = NULL;
	return g;
}

/* A line for each would make a log of what is short already. */
static void say_failed(struct fork_sup *f, int err)
{
	const struct crew *crew = f->lobby.crew;
	uint64_t now_ns = loop_now_ns(crew->loop);

	f->n_failed++;
	if (f->said_ns && now_ns - f->said_ns < SAY_EVERY_NS)
		return;
	log_error(crew->log, "fork-failed",
		"no process could be made for connections: they wait",
		KV("service", crew->spec->name), KV("errno", err),
		KV("times", f->n_failed));
	f->said_ns = now_ns;
	f->n_failed = 0;
}

/* No process was made for it: its connection is the next again, after a moment. */
static void put_back(struct fork_sup *f, struct slot *child)
{
	const struct crew *crew = f->lobby.crew;
	struct guest *g = take_guest(child);

	if (g && lobby_keep_input(g, child->board, 0))
		lobby_requeue(g, false);
	else if (g)
		lobby_refuse(g, REFUSE_BROKEN);
	crew_unsow(child);
	f->again_ns = loop_now_ns(crew->loop) + ROUND_NS;
}

/*
 * Takes over the process that was made for @child. True if it has the connection
 * now, or will as soon as there is a descriptor to watch it by.
 */
static bool take_over(struct fork_sup *f, struct slot *child)
{
	int r = crew_sown(child, atomic_load(made_for(child)));

	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM) {
		f->late = true;
		look_soon(f);
		return true;
	}
	if (r == 0)
		lobby_close(take_guest(child)); /* the parent keeps no copy */
	return r == 0;
}

static void take_late(struct fork_sup *f)
{
	const struct crew *crew = f->lobby.crew;

	f->late = false;
	for (unsigned i = 1; i < crew->n_slots; i++) {
		struct slot *child = &crew->slots[i];

		if (is_expected(child) && atomic_load(made_for(child))
			&& !take_over(f, child))
			put_back(f, child);
	}
	look_at_debt(crew);
}

static int sup_message(struct slot *slot, const void *bytes, size_t len)
{
	struct crew *crew = slot->crew;
	struct fork_msg msg;

	if (slot->index != 0 || len != FORK_MSG_BARE)
		return -EPROTO;
	memcpy(&msg, bytes, FORK_MSG_BARE);
	if (msg.type != FORK_MADE || msg.slot == 0 || msg.slot >= crew->n_slots)
		return -EPROTO;

	struct slot *child = &crew->slots[msg.slot];
	if (!is_expected(child) || MAX(msg.pid, 0) != atomic_load(made_for(child)))
		return -EPROTO;
	if (msg.pid <= 0) {
		say_failed(crew->model, -msg.pid);
		put_back(crew->model, child);
		dispatch(crew);
	} else if (!take_over(crew->model, child)) {
		return -EPROTO;
	}
	look_at_debt(crew);
	return 0;
}

/*
 * Its connection went with it. If it was the zygote, the children it had made and
 * not told of are there; those it was to make are not coming.
 */
static void sup_gone(struct slot *slot)
{
	struct crew *crew = slot->crew;
	struct fork_sup *f = crew->model;

	for (unsigned i = 1; slot->index == 0 && i < crew->n_slots; i++) {
		struct slot *child = &crew->slots[i];

		if (is_expected(child)
			&& (!atomic_load(made_for(child)) || !take_over(f, child)))
			put_back(f, child);
	}
	look_at_debt(crew);
	dispatch(crew);
}

static int sup_start(struct crew *crew, struct reason *reason)
{
	struct fork_sup *f = crew->model;

	lobby_init(&f->lobby, crew, dispatch);
	f->rounds.on = on_round;
	struct board *board =
		board_new_row(crew->n_slots - 1, 1, crew->spec->service->input_bytes);
	f->made = mem_share(crew->n_slots * sizeof(*f->made));
	if (!board || !f->made) {
		board_free_row(board);
		return reason_set(reason, "out of memory");
	}
	zygote(crew)->model = f->made;
	for (unsigned i = 1; i < crew->n_slots; i++, board = board->next)
		crew->slots[i].board = board;
	return 0;
}

/* The zygote gives each child its own. */
static int sup_heritage(struct slot *slot, struct heritage *out)
{
	const struct crew *crew = slot->crew;
	const struct fork_sup *f = crew->model;

	board_heritage(crew->slots[1].board, crew->n_slots - 1, out);
	heritage_add_memory(out, f->made, crew->n_slots * sizeof(*f->made));
	return 0;
}

static void sup_fini(struct crew *crew)
{
	struct fork_sup *f = crew->model;

	loop_cancel(crew->loop, &f->rounds);
	lobby_fini(&f->lobby);
	mem_unshare(f->made, crew->n_slots * sizeof(*f->made));
}

const struct model_ops fork_model = {
	.name = "fork",
	.summary = "a process per connection",
	.one_connection = true,
	.seeded = true,
	.takes_over = TAKES_ALL,
	.sup_bytes = sizeof(struct fork_sup),
	.sup_start = sup_start,
	.sup_heritage = sup_heritage,
	.sup_fini = sup_fini,
	.sup_ready = sup_ready,
	.sup_message = sup_message,
	.sup_gone = sup_gone,
	.wrk_bytes = sizeof(struct fork_wrk),
	.wrk_start = fork_wrk_start,
	.wrk_fini = fork_wrk_fini,
	.wrk_message = fork_wrk_message,
	.wrk_idle = fork_wrk_idle,
	.wrk_ended = fork_wrk_ended,
	.wrk_yield = fork_wrk_yield,
};
