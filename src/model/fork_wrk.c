/* SPDX-License-Identifier: MIT */

#include "model/fork_wrk.h"

#include "base/util.h"
#include "core/board.h"
#include "core/conn_wrk.h"
#include "core/crew_sup.h"
#include "core/worker_wrk.h"
#include "log/log.h"
#include "model/fork_wire.h"
#include "os/fd.h"
#include "os/mem.h"
#include "os/proc.h"

#include <errno.h>
#include <string.h>

int fork_wrk_start(struct worker *w)
{
	struct fork_wrk *f = w->model;

	/* The boards of children to come: each child will inherit its own, and no other. */
	for (unsigned i = 1; i < w->boot->crew->n_slots; i++)
		board_inherit(w->boot->crew->slots[i].board, false);
	f->made = w->boot->crew->slots[0].model;
	mem_inherit(f->made, w->boot->crew->n_slots * sizeof(*f->made), false);
	f->child_chan = -1;
	return accept_wrk_init(&f->accept, w, 0, 0);
}

void fork_wrk_fini(struct worker *w)
{
	struct fork_wrk *f = w->model;

	fd_close(&f->child_chan);
	accept_wrk_fini(&f->accept);
}

void fork_wrk_idle(struct conn *c)
{
	struct fork_wrk *f = c->worker->model;

	accept_wrk_idle(&f->accept, c);
}

void fork_wrk_ended(struct conn *c)
{
	struct fork_wrk *f = c->worker->model;

	board_wipe(c->worker->board);
	accept_wrk_ended(&f->accept, c);
	c->worker->draining = true; /* its only connection: nothing else will come */
}

void fork_wrk_yield(struct worker *w)
{
	struct fork_wrk *f = w->model;

	accept_wrk_drain(&f->accept);
}

struct arrival {
	const struct fork_msg *msg;
	int conn; /* owned */
};

/* The child's first step: its connection. */
static void begin(struct worker *w, const void *arg)
{
	struct fork_wrk *f = w->model;
	const struct arrival *a = arg;

	f->accept.next_id = a->msg->id - 1; /* it is counted up before it is used */
	log_debug(w->log, "connection", "got a connection", KV("conn", a->msg->id));
	(void)accept_wrk_take(&f->accept, a->conn, &a->msg->peer, a->msg->listener,
		false); /* its ticket lies in the seat */
}

static void make(struct worker *w, const struct fork_msg *msg, int conn_fd)
{
	struct fork_wrk *f = w->model;
	const struct crew *crew = w->boot->crew;
	AUTO_CLOSE int conn = conn_fd;
	AUTO_CLOSE int chan = fd_take(&f->child_chan);
	struct fork_msg answer = {.type = FORK_MADE, .slot = msg->slot, .pid = -EPROTO};

	if (msg->slot > 0 && msg->slot < crew->n_slots && conn >= 0 && chan >= 0) {
		struct board *board = crew->slots[msg->slot].board;

		board_inherit(board, true);
		pid_t pid = proc_fork_sibling(&f->made[msg->slot]);
		if (pid == 0) {
			const struct arrival arrival = {.msg = msg, .conn = fd_take(&conn)};

			worker_rebirth(w, msg->slot, fd_take(&chan), begin, &arrival);
		}
		board_inherit(board, false);
		answer.pid = pid;
	}
	worker_tell(w, &answer, FORK_MSG_BARE);
}

void fork_wrk_message(struct worker *w, const void *bytes, size_t len, int fd)
{
	struct fork_wrk *f = w->model;
	struct fork_msg msg = {0};

	memcpy(&msg, bytes, MIN(len, sizeof(msg)));
	if (msg.type == FORK_CHAN) {
		fd_close(&f->child_chan);
		f->child_chan = fd;
		return;
	}
	if (msg.type == FORK_CONN)
		make(w, &msg, fd);
	else
		fd_close(&fd);
}
