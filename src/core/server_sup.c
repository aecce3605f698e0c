/* SPDX-License-Identifier: MIT */

#include "core/server_sup.h"

#include "base/reason.h"
#include "core/command_sup.h"
#include "core/exit.h"
#include "core/listen_sup.h"
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

void server_look(struct server *s)
{
	/* The server before this one tells the next what it finishes, and through us. */
	bool needed = s->posts.handed_over && s->takeover.chan >= 0;

	if (list_empty(&s->posts.all) && !needed)
		loop_stop(s->loop);
}

static void on_empty(struct posts *posts)
{
	server_look(container_of(posts, struct server, posts));
}

static void on_failed(struct posts *posts)
{
	struct server *s = container_of(posts, struct server, posts);
	static const char sentence[] = "no service could be started";

	log_error(s->log, "nothing-left", sentence);
	takeover_refuse(s->takeover.chan, sentence);
	s->status = EXIT_FAILED;
	server_end(s, false);
}

static bool send_away(
	struct posts *posts, const struct crew *crew, const struct guest *g, bool parked)
{
	struct server *s = container_of(posts, struct server, posts);

	return upgrade_send_guest(&s->upgrade, crew, g, parked);
}

static void count_away(struct posts *posts, const char *service, const struct totals *more)
{
	struct server *s = container_of(posts, struct server, posts);

	upgrade_send_totals(&s->upgrade, service, more);
}

void server_end(struct server *s, bool kill)
{
	if (!s->posts.ending)
		manager_stopping(&s->manager);
	if (kill)
		posts_kill(&s->posts);
	else
		posts_drain(&s->posts);
	if (list_empty(&s->posts.all))
		loop_stop(s->loop); /* also where it only waits for the one before it */
}

void server_refused(const struct server *s, const char *sentence)
{
	log_error(s->log, "reload-refused",
		LOG_SAY("%.400s; the old configuration goes on", sentence));
}

void server_reload(struct server *s)
{
	struct server_plan plan;
	struct reason reason;

	if (s->posts.changing || s->upgrade.state == UPGRADE_WAITING) {
		s->again = true;
		return;
	}
	s->again = false;
	manager_reloading(&s->manager);
	int r = s->program->load(s->program->arg, &plan, &reason);
	if (r == 0)
		r = posts_change(&s->posts, &plan, NULL, NULL, NULL, &reason);
	if (r == 0)
		return;
	server_refused(s, reason.text);
	manager_ready(
		&s->manager, "serving; the new configuration was refused, see the log");
}

static void begun(struct server *s)
{
	bool is_successor = s->program->upgrade_fd >= 0;

	s->posts.taking_over = false;
	manager_begin(&s->manager, s->program->notify, s->loop);
	if (!is_successor) /* or it is the old server that says so */
		manager_ready(&s->manager, "serving");
	takeover_ready(&s->takeover);
	s->program->up(s->program->arg);
}

static void on_over(struct posts *posts, int r)
{
	struct server *s = container_of(posts, struct server, posts);

	if (posts->ending)
		return;
	if (s->begun)
		manager_ready(&s->manager,
			r == 0 ? "serving" : "serving; a change was given up, see the log");
	else if (r == 0)
		begun(s);
	s->begun = true;
	if (s->again)
		server_reload(s);
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
				server_end(s, true);
				break;
			}
			log_info(s->log, "draining",
				"finishing what has begun; once more to stop now");
			server_end(s, false);
			break;
		case SIGQUIT: server_end(s, true); break;
		case SIGHUP: server_reload(s); break;
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
	/* While there is an old server it is the one that answers. */
	if (s->takeover.control_fd >= 0 || !s->program->control)
		return;
	if (control_open(&s->control, s->program->control, &reason) == 0)
		control_link(&s->control, s->program->control_link);
	else
		log_warn(s->log, "no-control",
			LOG_SAY("preforkctl will not find this server: %.200s",
				reason.text));
}

/* Says which of the sockets that were passed nobody has taken. */
static void say_unused(const struct server *s, const struct stock *passed)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < passed->n; i++) {
		const struct stock_item *item = &passed->items[i];

		addr_text(&item->bound, text);
		if (!item->taken)
			log_warn(s->log, "socket-unused",
				"a socket was passed to this program, and no service listens at its address",
				KV("address", text), KV("name", item->service));
	}
}

/* A second server of the same pidfile gets no further than here. */
static int open_pidfile(struct server *s, struct reason *reason)
{
	const char *path = s->program->pidfile;

	if (s->takeover.pidfile.fd >= 0 || !path)
		return 0; /* the old server's comes along */
	return pidfile_open(&s->pidfile, path, reason);
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
		s->posts.taking_over = true;
		r = takeover_begin(&s->takeover, s, s->program->upgrade_fd, reason);
		s->posts.generation = (unsigned)s->takeover.generation;
	}
	if (r == 0)
		r = open_pidfile(s, reason);
	if (r < 0) {
		s->program->forget(s->program->arg, first);
		return r;
	}
	open_control(s);
	struct stock *there =
		s->program->upgrade_fd >= 0 ? &s->takeover.stock : s->program->passed;
	r = posts_change(&s->posts, first, NULL, there, NULL, reason);
	if (r == 0)
		say_unused(s, s->program->passed);
	stock_close(&s->takeover.stock);
	stock_close(s->program->passed); /* each crew has its own */
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
			.over = on_over,
			.send_away = send_away,
			.count_away = count_away,
			.failed = on_failed},
		.takeover = TAKEOVER_NONE,
		.pidfile = PIDFILE_NONE,
		.sigfd = -1,
		.manager.notify = program->notify,
		.control = {.fd = -1, .log = log, .asked = command_run},
		.started_ns = clock_mono_ns(),
		.status = EXIT_DONE,
	};

	(void)limit_descriptors();
	srandom((unsigned)(clock_mono_ns() ^ (uint64_t)getpid())); /* for jitter only */
	posts_init(&s.posts);
	upgrade_init(&s.upgrade, &s);
	if (begin(&s, first, reason) < 0) {
		takeover_refuse(s.takeover.chan, reason->text);
		s.status = EXIT_FAILED;
		posts_kill(&s.posts);
	}
	/* Also after a failure: what had been started by then is to end. */
	if (!list_empty(&s.posts.all) && loop_run(s.loop) < 0)
		s.status = EXIT_FAILED;

	manager_end(&s.manager);
	if (s.loop) {
		upgrade_fini(&s.upgrade);
		takeover_fini(&s.takeover);
	}
	control_fini(&s.control);
	pidfile_remove(&s.pidfile);
	posts_fini(&s.posts);
	loop_free(s.loop);
	fd_close(&s.sigfd);
	return s.status;
}
