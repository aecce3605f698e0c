/* SPDX-License-Identifier: MIT */

/* A worker's beginning: made here, or taken over from a model that makes its own. */

#include "base/reason.h"
#include "core/care_sup.h"
#include "core/crew_priv_sup.h"
#include "core/heritage.h"
#include "core/model.h"
#include "core/settings.h"
#include "core/worker_wrk.h"
#include "log/log.h"
#include "os/chan.h"
#include "os/fd.h"

#include <errno.h>
#include <signal.h>

/* In the child. The supervisor's memory is still there, and worker_main uses of it what it
 * is given. */
static int run_worker(void *arg)
{
	const struct slot *slot = arg;
	const struct crew *crew = slot->crew;

	return worker_main(&(struct worker_boot){
		.spec = crew->spec,
		.crew = crew,
		.slot_index = slot->index,
		.chan = slot->chan,
		.access_fd = crew->access_fd,
		.board = slot->board,
		.shared = crew->shared,
		.uid = crew->uid,
		.gid = crew->gid,
		.log = crew->log,
	});
}

/* Each worker has a new one: the last one's may be mapped in processes that nobody knows of,
 * if that was broken into and forked. */
static int renew_board(struct slot *slot)
{
	const struct crew *crew = slot->crew;
	struct board *board =
		board_new(crew->n_connections, crew->spec->service->input_bytes);

	if (!board)
		return -ENOMEM;
	board_free(slot->board);
	slot->board = board;
	return 0;
}

static int try_spawn(struct slot *slot, struct reason *reason)
{
	const struct crew *crew = slot->crew;
	struct heritage heritage = {0};

	int r = renew_board(slot);
	if (r == 0 && crew->spec->model->sup_heritage)
		r = crew->spec->model->sup_heritage(slot, &heritage);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot make what it inherits");
	}
	heritage_add(&heritage, crew->access_fd);
	heritage_add(&heritage, crew->log->fd);
	board_heritage(slot->board, 1, &heritage);
	gate_heritage(crew->gate, &heritage);
	heritage_add_memory(&heritage, crew->shared, crew->spec->service->shared_bytes);

	heritage_open(&heritage, true);
	r = proc_spawn_with_chan(
		&(struct proc_spec){
			.title = crew->spec->name,
			.keep_fds = heritage.fds,
			.n_keep_fds = heritage.n,
			.main = run_worker,
			.arg = slot,
		},
		&slot->chan, &slot->proc);
	heritage_open(&heritage, false);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot make a process with a channel");
	}
	return 0;
}

static int watch(struct slot *slot)
{
	slot->pid_io.fd = slot->proc.pidfd;
	slot->chan_io.fd = slot->chan;
	int r = loop_add(slot->crew->loop, &slot->pid_io, EPOLLIN);
	if (r == 0)
		r = loop_add(slot->crew->loop, &slot->chan_io, EPOLLIN);
	return r;
}

void crew_spawn(struct slot *slot)
{
	struct crew *crew = slot->crew;
	struct reason reason;

	crew_go(slot, SLOT_STARTING);
	slot->said_why = false;
	slot->spawned_ns = loop_now_ns(crew->loop);
	if (try_spawn(slot, &reason) < 0) {
		log_error(crew->log, "spawn-failed", reason.text, SLOT_KVS(slot));
		care_gone(slot);
		crew_cool(slot, true, false);
		return;
	}
	if (watch(slot) < 0) {
		/* A child that cannot be watched is not kept: without its pidfd in the loop
		 * nobody would reap it. */
		proc_signal(&slot->proc, SIGKILL);
		proc_await(&slot->proc);
		care_gone(slot);
		crew_forget(slot);
		crew_cool(slot, true, false);
		return;
	}
	crew_set_timer(slot, crew->spec->settings->start_timeout_ns);
	log_debug(crew->log, "worker-spawned", "worker was made", SLOT_KVS(slot),
		KV("pid", slot->proc.pid));
}

int crew_sow(struct slot *slot, int *chan_wrk)
{
	struct chan_pair pair;
	int r = chan_pair_open(&pair);

	if (r < 0)
		return r;
	board_reset(slot->board);
	slot->chan = pair.sup;
	crew_go(slot, SLOT_STARTING);
	slot->said_why = false;
	slot->spawned_ns = loop_now_ns(slot->crew->loop);
	*chan_wrk = pair.wrk;
	return 0;
}

int crew_sown(struct slot *slot, pid_t pid)
{
	struct crew *crew = slot->crew;
	struct proc proc;

	for (unsigned i = 0; i < crew->n_slots; i++) {
		if (crew->slots[i].proc.pid == pid)
			return -EPROTO;
	}
	int r = proc_adopt(pid, &proc);
	if (r < 0)
		return r;
	slot->proc = proc;
	slot->pid_io.fd = proc.pidfd;
	/* Without it in the loop its end would go unseen: so it must not live. */
	if (loop_add(crew->loop, &slot->pid_io, EPOLLIN) < 0) {
		proc_signal(&slot->proc, SIGKILL);
		proc_await(&slot->proc);
		crew_unsow(slot);
		return 0;
	}
	/* While it was being made it may have been told to finish: that waits in its
	 * channel. */
	if (slot->state == SLOT_STARTING)
		crew_go(slot, SLOT_READY);
	else if (slot->state == SLOT_KILLING)
		proc_signal(&slot->proc, SIGKILL);
	return 0;
}

void crew_unsow(struct slot *slot)
{
	board_leave_gate(slot->board, slot->crew->gate);
	crew_forget(slot);
	crew_cool(slot, false, false);
	crew_look(slot->crew); /* it may have been the last */
}
