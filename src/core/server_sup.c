/* SPDX-License-Identifier: MIT */

#include "core/server_sup.h"

#include "base/reason.h"
#include "core/command_sup.h"
#include "core/exit.h"
#include "core/posts_sup.h"
#include "log/log.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/limit.h"
#include "os/sig.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void on_empty(struct posts *posts)
{
	struct server *s = container_of(posts, struct server, posts);

	loop_stop(s->loop);
}

static void on_failed(struct posts *posts)
{
	struct server *s = container_of(posts, struct server, posts);

	log_error(s->log, "nothing-left", "no service could be started");
	s->status = EXIT_FAILED;
	posts_drain(posts);
}

static bool send_away(
	struct posts *posts, const struct crew *crew, const struct guest *g, bool parked)
{
	struct server *s = container_of(posts, struct server, posts);

	return upgrade_send_guest(&s->upgrade, crew, g, parked);
}

static void reload(struct server *s)
{
	struct server_plan plan;
	struct reason reason;

	if (s->posts.changing || s->upgrade.state == UPGRADE_WAITING) {
		s->again = true;
		return;
	}
	s->again = false;
	int r = s->program->load(s->program->arg, &plan, &reason);
	if (r == 0)
		r = posts_change(&s->posts, &plan, NULL, NULL, &s->reloaded, &reason);
	if (r < 0)
		log_error(s->log, "reload-refused",
			LOG_SAY("%.200s; the old configuration goes on", reason.text));
}

static void on_reloaded(struct change_listener *listener, int r, const char *sentence)
{
	struct server *s = container_of(listener, struct server, reloaded);

	(void)sentence; /* it has been logged */
	if (!s->begun && r == 0)
		takeover_ready(&s->takeover);
	s->begun = true;
	if (s->again && !s->posts.ending)
		reload(s);
}

static void reopen_logs(struct server *s)
{
	posts_reopen(&s->posts);
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
			if (s->posts.ending) {
				posts_kill(&s->posts);
				break;
			}
			log_info(s->log, "draining",
				"finishing what has begun; once more to stop now");
			posts_drain(&s->posts);
			break;
		case SIGQUIT: posts_kill(&s->posts); break;
		case SIGHUP: reload(s); break;
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

/* A server that cannot be talked to still serves. */
static void open_control(struct server *s)
{
	struct reason reason;

	s->control.loop = s->loop;
	if (s->takeover.control_fd >= 0)
		control_adopt(&s->control, fd_take(&s->takeover.control_fd),
			&s->takeover.control_addr);
	else if (s->program->control
		 && control_open(&s->control, s->program->control, &reason) < 0)
		log_warn(s->log, "no-control",
			LOG_SAY("preforkctl will not find this server: %.200s",
				reason.text));
}

static int begin(struct server *s, const struct server_plan *first, struct reason *reason)
{
	s->loop = loop_new();
	if (!s->loop)
		return reason_set(reason, "out of memory");
	s->posts.loop = s->loop;
	int r = watch_signals(s);
	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot watch signals");
	}
	if (s->program->upgrade_fd >= 0) {
		r = takeover_begin(&s->takeover, s, s->program->upgrade_fd, reason);
		if (r < 0) {
			s->program->forget(s->program->arg, first);
			return r;
		}
		s->posts.generation = (unsigned)s->takeover.generation;
	}
	open_control(s);
	r = posts_change(&s->posts, first, NULL, &s->takeover.stock, &s->reloaded, reason);
	takeover_close_sockets(&s->takeover);
	return r;
}

int server_run(const struct server_plan *first, struct log *log,
	const struct server_program *program, struct reason *reason)
{
	struct server s = {
		.program = program,
		.log = log,
		.posts = {.log = log,
			.program = program,
			.empty = on_empty,
			.send_away = send_away,
			.failed = on_failed},
		.takeover = TAKEOVER_NONE,
		.sigfd = -1,
		.reloaded.told = on_reloaded,
		.control = {.fd = -1, .log = log, .asked = command_run},
		.started_ns = clock_mono_ns(),
		.status = EXIT_DONE,
	};

	(void)limit_descriptors();
	srandom((unsigned)(clock_mono_ns() ^ (uint64_t)getpid())); /* for jitter only */
	posts_init(&s.posts);
	upgrade_init(&s.upgrade, &s);
	if (begin(&s, first, reason) < 0) {
		s.status = EXIT_FAILED;
		posts_kill(&s.posts);
	}
	/* Also after a failure: what had been started by then is to end. */
	if (!list_empty(&s.posts.all) && loop_run(s.loop) < 0)
		s.status = EXIT_FAILED;

	if (s.loop) {
		upgrade_fini(&s.upgrade);
		takeover_fini(&s.takeover);
	}
	control_fini(&s.control);
	posts_fini(&s.posts);
	loop_free(s.loop);
	fd_close(&s.sigfd);
	return s.status;
}
