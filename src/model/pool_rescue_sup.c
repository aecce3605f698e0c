/* SPDX-License-Identifier: MIT */

#include "model/pool_rescue_sup.h"

#include "core/board.h"
#include "core/crew_sup.h"
#include "core/lobby_sup.h"
#include "core/service.h"
#include "log/log.h"
#include "os/sock.h"

/* How far a dead worker got with a connection. */
enum progress {
	NOT_BEGUN, /* another can take it as it is */
	ANSWERED,  /* the answer is out: it is between two requests */
	BEGUN,     /* it may have had an effect, and nobody was told: refuse it */
	CUT_OFF,   /* some of the answer is out: nothing can be made of it */
};

/*
 * The worker may have died between the kernel's copying bytes into the seat and
 * its own counting them. The kernel counted: what it handed out beyond what the
 * worker knew of lies behind the known bytes. False if that cannot be right.
 */
static bool recover_input(struct seat *seat, const struct sock_tally *tally, size_t max)
{
	uint64_t n_read = atomic_load(&seat->n_read), n = seat_n_input(seat);

	if (!tally->known)
		return true; /* not TCP: there is nothing to compare with */
	if (tally->n_read < n_read || n > max || tally->n_read - n_read > max - n)
		return false;
	atomic_store(&seat->n_read, tally->n_read);
	return true;
}

/* The answer is out. Its request may still lie in the input, alone: then it goes. */
static enum progress answered(struct seat *seat)
{
	uint64_t n = seat_n_input(seat);

	if (n && n != atomic_load(&seat->n_request))
		return CUT_OFF; /* the next request lies behind it, and may be half moved down */
	atomic_store(&seat->n_used, atomic_load(&seat->n_read));
	return ANSWERED;
}

static enum progress progress_of(struct seat *seat, int fd, size_t max)
{
	enum seat_state state = seat_state(seat);
	struct sock_tally tally;

	if (state == SEAT_BEGUN)
		return BEGUN;
	sock_tally(fd, &tally);
	if (state != SEAT_SENDING)
		return recover_input(seat, &tally, max) ? NOT_BEGUN : BEGUN;
	if (!tally.known)
		return CUT_OFF;
	/* The next worker counts on from what the kernel has. */
	atomic_store(&seat->n_sent, tally.n_sent);
	if (tally.n_sent == atomic_load(&seat->answer_from))
		return atomic_load(&seat->begun) ? BEGUN : NOT_BEGUN;
	return tally.n_sent == atomic_load(&seat->answer_to) ? answered(seat) : CUT_OFF;
}

static void say_poison(struct log *log, const struct guest *g)
{
	struct span input = span_of(g->input, g->n_input);

	log_error(log, "poison", "two workers died of this request", KV("conn", g->id),
		KV("request", span_of(input.p, span_find(input, '\r'))));
}

void pool_rescue(struct guest *g, struct slot *slot, uint32_t index)
{
	struct log *log = slot->crew->log;
	struct seat *seat = &slot->board->seats[index];
	bool was_held = seat_state(seat) == SEAT_HELD || seat_state(seat) == SEAT_SENDING;
	enum progress progress = progress_of(seat, g->fd, slot->board->input_bytes);

	g->slot = NULL;
	if (progress == CUT_OFF) {
		sock_shut(g->fd);
		lobby_close(g);
	} else if (progress == BEGUN || !lobby_keep_input(g, slot->board, index)) {
		lobby_refuse(g, REFUSE_BROKEN);
	} else if (progress == ANSWERED) {
		lobby_park(g);
	} else if (was_held && g->n_input && ++g->n_killed == 2) {
		say_poison(log, g);
		lobby_refuse(g, REFUSE_BROKEN);
	} else {
		g->resumed = true;
		log_info(log, "rescued", "connection goes to another worker",
			KV("conn", g->id));
		lobby_requeue(g, true);
	}
}
