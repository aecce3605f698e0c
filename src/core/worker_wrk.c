/* SPDX-License-Identifier: MIT */

#include "core/worker_wrk.h"

#include "base/reason.h"
#include "base/util.h"
#include "core/core_wire.h"
#include "core/crew_sup.h"
#include "core/exit.h"
#include "core/model.h"
#include "core/service.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/chan.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/peer.h"
#include "os/proc.h"
#include "os/sig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUIET_NS     (250 * NS_PER_MS) /* how long logs may wait to be written out */
#define SAY_EVERY_NS (5 * NS_PER_SEC)

const void *worker_conf(const struct worker *w)
{
	return w->boot->spec->service_conf;
}

void *worker_state(const struct worker *w)
{
	return w->service_state;
}

void worker_set_state(struct worker *w, void *state)
{
	w->service_state = state;
}

void *worker_shared(const struct worker *w)
{
	return w->boot->shared;
}

struct log *worker_log(const struct worker *w)
{
	return w->log;
}

struct loop *worker_loop(const struct worker *w)
{
	return w->loop;
}

uint64_t worker_now_ns(const struct worker *w)
{
	return loop_now_ns(w->loop);
}

uint64_t worker_wall_ns(const struct worker *w)
{
	struct worker *mut = (struct worker *)
		w; /* a cache, and the worker is never in read-only memory */

	if (w->wall_at_ns != loop_now_ns(w->loop)) {
		mut->wall_at_ns = loop_now_ns(w->loop);
		mut->wall_ns = clock_wall_ns();
	}
	return w->wall_ns;
}

bool worker_draining(const struct worker *w)
{
	return w->draining || w->last;
}

int worker_access_fd(const struct worker *w)
{
	return w->access_fd;
}

void worker_blocking(struct worker *w)
{
	if (w->blocking)
		return;
	w->blocking = true;
	atomic_store_explicit(&w->board->counters->blocking, 1, memory_order_relaxed);
	w->model_ops->wrk_yield(w);
}

void worker_unblocked(struct worker *w)
{
	if (!w->blocking)
		return;
	w->blocking = false;
	atomic_store_explicit(&w->board->counters->blocking, 0, memory_order_relaxed);
	worker_progress(w);
	if (w->model_ops->wrk_unblocked)
		w->model_ops->wrk_unblocked(w);
}

void worker_progress(struct worker *w)
{
	board_add(&w->board->counters->progress, 1);
	if (w->service->quiet && !w->quiet_armed) {
		w->quiet_armed = true;
		(void)loop_at(w->loop, &w->quiet_timer, loop_now_ns(w->loop) + QUIET_NS);
	}
}

void worker_wake(struct worker *w, uint64_t at_ns)
{
	(void)loop_at(
		w->loop, &w->wake_timer, at_ns); /* without memory, at the next work */
}

void worker_tell(struct worker *w, const void *msg, size_t len)
{
	int r;

	while ((r = chan_send(w->chan, msg, len, -1)) == CHAN_AGAIN) {
		/* The supervisor is behind. It never waits for us, so this cannot be a
		 * circle. */
		struct pollfd p = {.fd = w->chan, .events = POLLOUT};
		(void)poll(&p, 1, -1);
	}
	if (r != CHAN_OK) {
		w->status = EXIT_ORPHAN;
		loop_stop(w->loop);
	}
}

void worker_say_short(struct worker *w)
{
	uint64_t now_ns = loop_now_ns(w->loop);

	if (w->said_short_ns && now_ns - w->said_short_ns < SAY_EVERY_NS)
		return;
	w->said_short_ns = now_ns;
	log_warn(w->log, "no-descriptors",
		"out of descriptors: taking nothing for a moment");
}

static bool is_done(const struct worker *w)
{
	return w->draining && w->n_open == 0;
}

void worker_look(struct worker *w)
{
	if (is_done(w))
		loop_stop(w->loop);
}

static void finish(struct worker *w, bool patient)
{
	if (w->draining && (patient || !w->patient))
		return;
	w->draining = true;
	w->patient = patient;
	w->model_ops->wrk_yield(w);
	worker_look(w);
}

void worker_retire(struct worker *w)
{
	finish(w, true);
}

static void orphaned(struct worker *w)
{
	/* What has begun is finished, as after any other order to go; the parent's death
	 * signal said the same. */
	loop_remove(w->loop, &w->chan_io);
	w->status = EXIT_ORPHAN;
	/* Nobody else holds the deadline now. */
	(void)loop_at(w->loop, &w->orphan_timer,
		loop_now_ns(w->loop) + w->boot->spec->settings->drain_timeout_ns);
	finish(w, false);
}

static void take_log(struct worker *w, const void *bytes, size_t len, int *fd)
{
	struct core_log_msg msg;

	if (*fd < 0 || len != sizeof(msg))
		return;
	memcpy(&msg, bytes, sizeof(msg));
	log_adopt(w->log, fd_take(fd));
	w->log->level = (enum log_level)msg.level;
	w->log->stamp = (enum log_stamp)msg.stamp;
}

static void handle(struct worker *w, const void *bytes, size_t len, int *fd)
{
	uint32_t type;

	if (len < sizeof(type))
		return;
	memcpy(&type, bytes, sizeof(type));
	switch (type) {
	case CORE_DRAIN: finish(w, false); return;
	case CORE_PING: board_add(&w->board->counters->progress, 1); return;
	case CORE_LAST: w->last = true; return;
	case CORE_RETIRE: finish(w, true); return;
	case CORE_REOPEN:
		if (*fd >= 0) {
			/* What was gathered belongs to the old file. */
			if (w->service->quiet)
				w->service->quiet(w);
			fd_close(&w->access_fd);
			w->access_fd = fd_take(fd);
			if (w->service->reopen)
				w->service->reopen(w);
		}
		return;
	case CORE_LOG: take_log(w, bytes, len, fd); return;
	default: w->model_ops->wrk_message(w, bytes, len, fd_take(fd));
	}
}

static void on_chan(struct loop_io *io, uint32_t events)
{
	struct worker *w = container_of(io, struct worker, chan_io);
	char buf[CHAN_MSG_MAX];
	size_t len;

	(void)events;
	for (;;) {
		AUTO_CLOSE int fd = -1;
		int r = chan_recv(w->chan, buf, &len, &fd);

		if (r == CHAN_LOST_FD)
			worker_say_short(w);
		if (r == CHAN_OK || r == CHAN_LOST_FD) {
			handle(w, buf, len, &fd);
			continue;
		}
		if (r != CHAN_AGAIN)
			orphaned(w);
		return;
	}
}

static void on_signal(struct loop_io *io, uint32_t events)
{
	struct worker *w = container_of(io, struct worker, sig_io);

	(void)events;
	while (sig_next(w->sigfd))
		finish(w, false);
}

static void on_orphan_deadline(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct worker, orphan_timer)->loop);
}

static void on_quiet(struct loop_timer *timer)
{
	struct worker *w = container_of(timer, struct worker, quiet_timer);

	w->quiet_armed = false;
	w->service->quiet(w);
}

static void on_wake(struct loop_timer *timer)
{
	struct worker *w = container_of(timer, struct worker, wake_timer);

	w->service->quiet(w);
}

static void say_why(struct worker *w, const struct reason *reason)
{
	struct core_msg msg = {.type = CORE_FAILED};
	size_t n = strnlen(reason->text, sizeof(msg.sentence) - 1);

	memcpy(msg.sentence, reason->text, n);
	worker_tell(w, &msg, CORE_MSG_BARE + n + 1);
}

/*
 * The signals a worker is told with. The others are the supervisor's, which decides, also
 * where Ctrl-C reaches both; blocked and not ignored, because a program that is made here
 * would ignore them too.
 */
static int watch_signals(struct worker *w)
{
	static const int told[] = {SIGTERM}, others[] = {SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

	sig_block(others, ARRAY_LEN(others));
	w->sigfd = sig_open(told, ARRAY_LEN(told));
	if (w->sigfd < 0)
		return w->sigfd;
	w->sig_io = (struct loop_io){.on = on_signal, .fd = w->sigfd};
	return loop_add(w->loop, &w->sig_io, EPOLLIN);
}

static int set_up(struct worker *w, struct reason *reason)
{
	w->loop = loop_new();
	w->model = calloc(1, MAX(w->model_ops->wrk_bytes, 1));
	if (!w->loop || !w->model || conn_table_init(&w->conns, w) < 0)
		return reason_set(reason, "out of memory");

	int r = watch_signals(w);
	if (r == 0) {
		w->chan_io = (struct loop_io){.on = on_chan, .fd = w->chan};
		r = loop_add(w->loop, &w->chan_io, EPOLLIN);
	}
	if (r == 0)
		r = peer_become(w->boot->uid, w->boot->gid);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot set its process up");
	}
	r = w->model_ops->wrk_start(w);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot set its model up");
	}
	return 0;
}

static void finish_service(struct worker *w)
{
	if (w->service_state && w->service->finish)
		w->service->finish(w);
}

static void tear_down(struct worker *w)
{
	if (w->conns.held)
		conn_table_fini(&w->conns);
	finish_service(w);
	if (w->service_state && w->service->stop)
		w->service->stop(w);
	if (w->model && w->model_ops->wrk_fini)
		w->model_ops->wrk_fini(w);
	loop_free(w->loop);
	free(w->model);
	fd_close(&w->sigfd);
	fd_close(&w->chan);
	fd_close(&w->access_fd);
}

/* From its parent's affairs to its own. */
static void renew(struct worker *w, unsigned slot_index, int chan)
{
	log_as_slot(w->log, (int)slot_index);
	fd_close(&w->chan);
	w->chan = chan;
	w->board = w->boot->crew->slots[slot_index].board;
	loop_renew(w->loop);
	w->chan_io = (struct loop_io){.on = on_chan, .fd = w->chan};
	w->sig_io = (struct loop_io){.on = on_signal, .fd = w->sigfd};
	w->quiet_timer = (struct loop_timer){.on = on_quiet};
	w->wake_timer = (struct loop_timer){.on = on_wake};
	w->orphan_timer = (struct loop_timer){.on = on_orphan_deadline};
	w->quiet_armed = false;
}

/* 0 or -errno. Whose connection ended with its first answer has nothing to wait for. */
static int serve_on(struct worker *w)
{
	if (is_done(w))
		return 0;
	int r = loop_add(w->loop, &w->chan_io, EPOLLIN);
	if (r == 0)
		r = loop_add(w->loop, &w->sig_io, EPOLLIN);
	return r < 0 ? r : loop_run(w->loop);
}

void worker_rebirth(struct worker *w, unsigned slot_index, int chan,
	void (*begin)(struct worker *w, const void *arg), const void *arg)
{
	if (!proc_ends_with(w->parent))
		proc_exit(EXIT_ORPHAN);
	renew(w, slot_index, chan);
	begin(w, arg);
	if (serve_on(w) < 0)
		w->status = EXIT_CORE;
	/* No more: undoing what is its parent's too would only copy it first. */
	conn_table_abort(&w->conns);
	finish_service(w);
	proc_exit(w->status);
}

int worker_main(const struct worker_boot *boot)
{
	struct worker w = {
		.boot = boot,
		.service = boot->spec->service,
		.model_ops = boot->spec->model,
		.log = boot->log,
		.board = boot->board,
		.chan = boot->chan,
		.sigfd = -1,
		.access_fd = boot->access_fd,
		.quiet_timer.on = on_quiet,
		.wake_timer.on = on_wake,
		.orphan_timer.on = on_orphan_deadline,
		.parent = getppid(),
		.status = EXIT_DONE,
	};
	const struct core_msg ready = {.type = CORE_READY};
	struct reason reason = {0};

	log_as(w.log, boot->spec->name, (int)boot->slot_index);
	if (set_up(&w, &reason) < 0)
		w.status = EXIT_CORE;
	else if (w.service->start && w.service->start(&w, &reason) < 0)
		w.status = EXIT_SERVICE;

	if (w.status != EXIT_DONE) {
		say_why(&w, &reason);
	} else {
		worker_tell(&w, &ready, CORE_MSG_BARE);
		if (w.status == EXIT_DONE && loop_run(w.loop) < 0)
			w.status = EXIT_CORE;
	}
	tear_down(&w);
	return w.status;
}
