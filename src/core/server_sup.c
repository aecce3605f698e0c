/* SPDX-License-Identifier: MIT */

#include "core/server_sup.h"

#include "base/reason.h"
#include "core/exit.h"
#include "core/model.h"
#include "core/service.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/limit.h"
#include "os/sig.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
	const struct server_events *events;
	struct loop *loop;
	struct log *log;
	struct loop_io sig_io;
	int sigfd; /* owned */
	struct crew **crews;
	size_t n_crews;
	size_t n_ready;
	size_t n_failed;
	size_t n_gone;
	bool stopping;
	int status;
};

static void drain(struct server *s)
{
	s->stopping = true;
	for (size_t i = 0; i < s->n_crews; i++)
		crew_drain(s->crews[i]);
}

static void stop_now(struct server *s)
{
	s->stopping = true;
	for (size_t i = 0; i < s->n_crews; i++)
		crew_kill(s->crews[i]);
}

static void maybe_ready(struct server *s)
{
	if (s->n_ready && s->n_ready + s->n_failed == s->n_crews && s->events->ready)
		s->events->ready(s->crews, s->n_crews, s->events->arg);
}

static void on_ready(struct crew *crew)
{
	struct server *s = crew->owner;

	s->n_ready++;
	maybe_ready(s);
}

static void on_failed(struct crew *crew)
{
	struct server *s = crew->owner;

	s->n_failed++;
	if (s->n_failed < s->n_crews) {
		maybe_ready(s);
		return;
	}
	log_error(s->log, "nothing-left", "no service could be started");
	s->status = EXIT_FAILED;
	drain(s);
}

static void on_gone(struct crew *crew)
{
	struct server *s = crew->owner;

	s->n_gone++;
	if (s->n_gone == s->n_crews)
		loop_stop(s->loop);
}

static void reopen_logs(struct server *s)
{
	for (size_t i = 0; i < s->n_crews; i++)
		crew_reopen(s->crews[i]);
	log_info(s->log, "reopened", "logs were opened anew");
}

static void on_signal(struct loop_io *io, uint32_t events)
{
	struct server *s = container_of(io, struct server, sig_io);
	int sig;

	(void)events;
	while ((sig = sig_next(s->sigfd))) {
		switch (sig) {
		case SIGTERM:
		case SIGINT:
			if (s->stopping) {
				stop_now(s);
				break;
			}
			log_info(s->log, "draining",
				"finishing what has begun; once more to stop now");
			drain(s);
			break;
		case SIGQUIT: stop_now(s); break;
		case SIGUSR1: reopen_logs(s); break;
		default:
			log_info(s->log, "signal-unused", "this signal has no meaning here",
				KV("signal", sig));
		}
	}
}

static int watch_signals(struct server *s)
{
	static const int heard[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

	s->sigfd = sig_open(heard, ARRAY_LEN(heard));
	if (s->sigfd < 0)
		return s->sigfd;
	s->sig_io = (struct loop_io){.on = on_signal, .fd = s->sigfd};
	return loop_add(s->loop, &s->sig_io, EPOLLIN);
}

static int open_all(
	struct server *s, const struct spec *specs, size_t n, struct reason *reason)
{
	static const struct crew_events crew_events = {
		.ready = on_ready,
		.failed = on_failed,
		.gone = on_gone,
	};

	s->crews = calloc(n, sizeof(*s->crews));
	s->loop = loop_new();
	if (!s->crews || !s->loop)
		return reason_set(reason, "out of memory");
	int r = watch_signals(s);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot watch signals");
	}
	/* All are bound before one is started: half a server is none. */
	for (; s->n_crews < n && r == 0; s->n_crews += r == 0)
		r = crew_open(&specs[s->n_crews], s->loop, s->log, &crew_events, s,
			&s->crews[s->n_crews], reason);
	for (size_t i = 0; i < n && r == 0; i++)
		r = crew_start(s->crews[i], reason);
	return r;
}

int server_run(const struct spec *specs, size_t n_specs, struct log *log,
	const struct server_events *events, struct reason *reason)
{
	struct server s = {.events = events, .log = log, .sigfd = -1, .status = EXIT_DONE};

	(void)limit_descriptors();
	srandom((unsigned)(clock_mono_ns() ^ (uint64_t)getpid())); /* for jitter only */
	if (open_all(&s, specs, n_specs, reason) < 0)
		s.status = EXIT_FAILED;
	else if (loop_run(s.loop) < 0)
		s.status = EXIT_FAILED;

	for (size_t i = 0; i < s.n_crews; i++)
		crew_free(s.crews[i]);
	free(s.crews);
	loop_free(s.loop);
	fd_close(&s.sigfd);
	return s.status;
}
