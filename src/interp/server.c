/* SPDX-License-Identifier: MIT */

#include "interp/server.h"

#include "base/util.h"
#include "interp/files.h"
#include "interp/hot.h"
#include "interp/managed.h"
#include "interp/prefork_interp.h"
#include "interp/server_priv.h"
#include "os/addr.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/fork.h"
#include "os/sig.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LOCK_STEP_MS     5
#define LOCK_PATIENCE_MS 250
#define DRAIN_OPEN_NS \
	(1000ull * 1000 * 1000) /* for calls that never say what they want \
				 */

static void set_timer(struct server *server, struct loop_timer *timer, uint64_t in_ns)
{
	/* Without memory for a timer what it does is done later, by another call's. */
	(void)!loop_at(server->loop, timer, clock_mono_ns() + in_ns);
}

void server_dispatch_soon(struct server *server)
{
	if (list_empty(&server->dispatch.link))
		loop_defer(server->loop, &server->dispatch);
}

/* Whether the name still leads to our socket. */
static bool has_place(const struct server_setup *setup)
{
	const struct managed *managed = setup->managed;
	struct stat st;

	return lstat(setup->socket_path, &st) == 0 && st.st_dev == managed->dev
	       && st.st_ino == managed->ino;
}

void server_sibling(const struct server_setup *setup, char kind, char *out)
{
	(void)snprintf(
		out, sizeof(((struct sockaddr_un *)0)->sun_path), "%s", setup->socket_path);
	strrchr(out, '/')[1] = kind;
}

/* The lock for replacing the sockets: a descriptor to close, or -1 when others hold it too
 * long. */
static int lock_place(const struct server_setup *setup, int patience_ms)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const struct timespec step = {.tv_nsec = LOCK_STEP_MS * (long)NS_PER_MS};

	server_sibling(setup, 'l', path);
	for (int waited = 0;; waited += LOCK_STEP_MS) {
		AUTO_CLOSE int fd = file_open(AT_FDCWD, path,
			O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
		if (fd < 0)
			return -1;
		if (file_lock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd_take(&fd);
		if (waited >= patience_ms)
			return -1;
		(void)nanosleep(&step, NULL);
	}
}

void server_listen(const struct server_setup *setup)
{
	const struct sock_listen_opts opts = {
		.backlog = SOMAXCONN,
		.unix_mode = 0600,
		.packets = true,
	};
	struct addr addr = {.len = sizeof(addr.un), .un = {.sun_family = AF_UNIX}};

	if (setup->managed->own_listener >= 0)
		return;
	AUTO_CLOSE int lock = lock_place(setup, LOCK_PATIENCE_MS);
	if (lock < 0 || !has_place(setup))
		return;
	server_sibling(setup, 'p', addr.un.sun_path);
	int fd = sock_listen(&addr, &opts, NULL);
	setup->managed->own_listener = fd < 0 ? -1 : fd;
}

static void take_news(struct server *server);

static void close_io(struct server *server, struct loop_io *io)
{
	loop_remove(server->loop, io);
	fd_close(&io->fd);
}

/* Whether calls get old code while the next generation is being loaded. */
static bool is_behind(const struct server *server)
{
	return server->setup->options->flags & PFI_RELOAD_BEHIND;
}

/* A greeting on the known wire promises today's code and cannot be taken back, so news that
 * lie unread count. */
static bool may_greet(struct server *server)
{
	if (server->state == SERVER_DRAINING)
		return true; /* it had connected before that */
	take_news(server);
	return server->state == SERVER_SERVING
	       || (server->state == SERVER_STALE && is_behind(server));
}

static void accept_all(struct server *server, struct loop_io *listener)
{
	bool own_wire = listener == &server->own_listener;
	struct addr peer;
	int fd = SOCK_AGAIN;

	/* What is looked at for a greeting may close the listener. */
	while (listener->fd >= 0 && (fd = sock_accept(listener->fd, &peer)) >= 0) {
		if (own_wire || may_greet(server))
			server_call_accept(server, fd, own_wire);
		else
			fd_close(&fd); /* its launcher makes the next server */
	}
	if (fd == SOCK_NO_ROOM)
		server_failed(server, "accept a call", -EMFILE);
}

/* A stale server answers nobody, unless it was told to: the caller runs the new code. Whom
 * it had greeted on the known wire it serves. */
static void turn_away(struct server *server)
{
	struct server_call *call, *next;

	if (is_behind(server))
		return;
	list_for_each_safe (call, next, &server->ready, link)
		if (!call->known)
			server_call_send_cold(call, WIRE_WHY_STALE);
}

void server_drain(struct server *server)
{
	if (server->state == SERVER_DRAINING)
		return;
	bool stale = server->state == SERVER_STALE;
	server->state = SERVER_DRAINING;
	/* Who has connected is served, for nobody can connect to what is about to be
	 * closed; but not with old code: that is for the next generation. */
	if (stale) {
		turn_away(server);
	} else {
		accept_all(server, &server->known_listener);
		accept_all(server, &server->own_listener);
	}
	close_io(server, &server->known_listener);
	close_io(server, &server->own_listener);
	close_io(server, &server->watcher);
	close_io(server, &server->hold);
	fd_close(&server->watcher_in);
	server_dispatch_soon(server);
}

void server_retire(struct server *server)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];

	AUTO_CLOSE int lock = lock_place(server->setup, 0);
	/* Somebody who holds it is replacing us, and removes the names himself. */
	if (lock >= 0 && has_place(server->setup)) {
		server_sibling(server->setup, 'p', path);
		(void)!file_unlink(AT_FDCWD, path);
		(void)!file_unlink(AT_FDCWD, server->setup->socket_path);
	}
	server_drain(server);
}

void server_failed(struct server *server, const char *what, int err)
{
	server->n_errors++;
	syslog(LOG_ERR, "cannot %s: %s", what, strerror(-err));
	if (server->n_errors >= (unsigned)server->setup->options->max_errors) {
		syslog(LOG_ERR, "giving up after %u failures", server->n_errors);
		server_retire(server);
	}
	loop_remove(server->loop, &server->known_listener);
	loop_remove(server->loop, &server->own_listener);
	set_timer(server, &server->retry, SERVER_RETRY_NS);
}

static void listen_on(struct server *server, struct loop_io *io)
{
	if (io->fd >= 0 && !io->added && loop_add(server->loop, io, EPOLLIN) < 0)
		set_timer(server, &server->retry, SERVER_RETRY_NS);
}

static void on_retry(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, retry);

	listen_on(server, &server->known_listener);
	listen_on(server, &server->own_listener);
	server_dispatch_soon(server);
}

static void go_stale(struct server *server, const char *path)
{
	if (server->state != SERVER_SERVING
		|| server->setup->options->flags & PFI_NO_RELOAD)
		return;
	syslog(LOG_INFO, "%s has changed: loading again", path);
	server->state = SERVER_STALE;
	if (server->setup->managed->ours)
		server_next_start(server);
	else
		server_retire(server); /* its launcher will start the next itself */
}

static void look_at_files(struct server *server)
{
	const char *path = files_changed(server->setup->files);

	server->swept_ns = clock_mono_ns();
	if (path)
		go_stale(server, path);
}

static void on_sweep(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, sweep);

	look_at_files(server);
	if (!has_place(server->setup))
		server_drain(server);
	else if (server->news.fd < 0)
		set_timer(
			server, timer, 5 * SERVER_SWEEP_NS); /* nothing else would say so */
}

static void take_news(struct server *server)
{
	struct files *files = server->setup->files;

	if (files_news(files) || files_blind(files))
		look_at_files(server);
	if (!has_place(server->setup))
		server_drain(server);
}

static void on_news(struct loop_io *io, uint32_t events)
{
	(void)events;
	take_news(container_of(io, struct server, news));
}

/* The known launcher's watcher: what it says is logged, and its end is the socket's. */
static void on_watcher(struct loop_io *io, uint32_t events)
{
	struct server *server = container_of(io, struct server, watcher);
	char text[512];
	ssize_t n;

	(void)events;
	while ((n = read(io->fd, text, sizeof(text) - 1)) > 0)
		syslog(LOG_NOTICE, "watcher: %.*s", (int)n, text);
	if (n == 0)
		server_drain(server);
}

static void on_child_end(struct loop_io *io, uint32_t events)
{
	(void)events;
	server_exec_reap(container_of(io, struct server, child_end));
}

static void on_known(struct loop_io *io, uint32_t events)
{
	(void)events;
	accept_all(container_of(io, struct server, known_listener), io);
}

static void on_own(struct loop_io *io, uint32_t events)
{
	(void)events;
	accept_all(container_of(io, struct server, own_listener), io);
}

static void end(struct server *server)
{
	server->ended = true;
	loop_stop(server->loop);
}

static void on_idle(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, idle);

	if (server->state == SERVER_DRAINING)
		end(server);
	else if (server->n_busy == 0 && server->n_ready == 0)
		server_retire(server);
}

/* Tells those who wait that it goes on, if it does: else they run the script themselves. */
static void on_progress(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, progress);
	struct server_call *call;

	if (server->moved)
		list_for_each (call, &server->ready, link)
			server_call_say(call, WIRE_WAIT, 0);
	server->moved = false;
	if (server->n_ready > 0)
		set_timer(server, timer, SERVER_NEWS_NS);
}

static bool may_run_more(const struct server *server)
{
	int32_t most = server->setup->options->max_servers;

	return most < 0 || server->n_busy < (uint32_t)most;
}

static bool wants_spare(const struct server *server)
{
	return server->state != SERVER_DRAINING && may_run_more(server)
	       && (int64_t)server->n_spares < server->setup->options->spares;
}

/* Executors are made outside the loop, because they leave it. */
static void fork_soon(struct server *server)
{
	if (server->retry.at_ns)
		return; /* the last one failed a moment ago */
	server->want_fork = true;
	loop_stop(server->loop);
}

static void on_fill(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, fill);

	if (wants_spare(server))
		fork_soon(server);
}

/* One by one, so that nobody who calls meanwhile waits longer than for one. */
static void on_join(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, join);

	if (server->n_ready > 0 || hot_join(server->setup->base->hot))
		set_timer(server, timer, SERVER_JOIN_NS);
}

static struct server_call *first_ready(struct server *server)
{
	return list_first(&server->ready, struct server_call, link);
}

/*
 * A single call has the machine to itself: the next spare is made when its executor has
 * ended. Calls that follow one another leave no time for that, and the next would wait for
 * a whole fork; so it is made while the script of this one runs, on another processor.
 */
static void note_pace(struct server *server)
{
	server->in_a_row =
		server->n_busy > 1 || clock_mono_ns() - server->reaped_ns < SERVER_ROW_NS;
}

static void give_out(struct server *server)
{
	while (server->n_ready > 0 && may_run_more(server)) {
		if (server->n_spares == 0) {
			fork_soon(server);
			return;
		}
		if (!server_exec_give(server, first_ready(server)))
			return; /* the spare is dead; its end will be told */
		note_pace(server);
	}
}

static void set_timers(struct server *server)
{
	int64_t idle_s = server->setup->options->idle_timeout_s;
	bool busy = server->n_busy > 0 || server->n_ready > 0;

	if (server->n_ready > 0 && !server->progress.at_ns)
		set_timer(server, &server->progress, SERVER_NEWS_NS);
	if (busy || idle_s < 0 || server->held)
		loop_cancel(server->loop, &server->idle);
	else
		set_timer(server, &server->idle, (uint64_t)idle_s * NS_PER_SEC);
	if (wants_spare(server) && (server->in_a_row || server->n_busy == 0))
		fork_soon(server);
	else if (wants_spare(server) && !server->fill.at_ns)
		set_timer(server, &server->fill, SERVER_FILL_NS);
	if (busy && !server->sweep.at_ns
		&& clock_mono_ns() - server->swept_ns > SERVER_SWEEP_NS)
		set_timer(server, &server->sweep, SERVER_SWEEP_NS / 10);
}

/* Everything that came with this round is known now: also that a file changed. */
static void on_dispatch(struct loop_task *task)
{
	struct server *server = container_of(task, struct server, dispatch);
	if (server->n_ready > 0 && files_blind(server->setup->files))
		look_at_files(server);
	if (server->state == SERVER_STALE)
		turn_away(server);
	give_out(server);
	if (server->state != SERVER_DRAINING || server->n_busy > 0 || server->n_ready > 0)
		set_timers(server);
	else if (list_empty(&server->open))
		end(server);
	else
		set_timer(server, &server->idle, DRAIN_OPEN_NS);
}

static void watch_place(struct server *server)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];

	server_sibling(server->setup, 's', dir);
	*strrchr(dir, '/') = '\0';
	if (server->news.fd < 0
		|| inotify_add_watch(server->news.fd, dir,
			   IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF
				   | IN_DELETE_SELF | IN_MASK_ADD)
			   < 0)
		syslog(LOG_WARNING,
			"no inotify to be had: every call looks at %zu files (see "
			"/proc/sys/fs/inotify/max_user_instances)",
			files_count(server->setup->files));
}

static void init_fields(struct server *server, const struct server_setup *setup)
{
	*server = (struct server){
		.setup = setup,
		.uid = geteuid(),
		.known_listener = {.on = on_known, .fd = setup->managed->listener},
		.own_listener = {.on = on_own, .fd = setup->managed->own_listener},
		.child_end = {.on = on_child_end, .fd = -1},
		.news = {.on = on_news, .fd = -1},
		.watcher = {.on = on_watcher, .fd = -1},
		.next = {.fd = -1},
		.hold = {.fd = -1},
		.idle.on = on_idle,
		.progress.on = on_progress,
		.retry.on = on_retry,
		.fill.on = on_fill,
		.sweep.on = on_sweep,
		.join.on = on_join,
		.dispatch.on = on_dispatch,
		.watcher_in = setup->managed->watcher_in,
		.started_ns = clock_mono_ns(),
	};
	list_init(&server->open);
	list_init(&server->ready);
	list_init(&server->running);
	list_init(&server->spares);
	list_init(&server->busy);
	list_init(&server->dispatch.link);
}

/* Opens all it waits for. False without a loop to wait in. */
static bool open_all(struct server *server)
{
	static const int child[] = {SIGCHLD};
	const struct managed *managed = server->setup->managed;

	server->loop = loop_new();
	server->child_end.fd = sig_open(child, ARRAY_LEN(child));
	server->news.fd = files_watch(server->setup->files);
	watch_place(server);
	if (managed->ours) {
		/* We watch for ourselves. */
		AUTO_CLOSE int err = managed->watcher_err;
		fd_close(&server->watcher_in);
	} else {
		server->watcher.fd = managed->watcher_err;
	}
	return server->loop && server->child_end.fd >= 0
	       && loop_add(server->loop, &server->child_end, EPOLLIN) == 0
	       && (server->news.fd < 0
		       || loop_add(server->loop, &server->news, EPOLLIN) == 0)
	       && (server->watcher.fd < 0
		       || loop_add(server->loop, &server->watcher, EPOLLIN) == 0);
}

void server_run(const struct server_setup *setup, struct executor_call *call)
{
	struct server server;

	init_fields(&server, setup);
	if (!open_all(&server)) {
		syslog(LOG_ERR, "cannot serve: %m");
		_exit(1);
	}
	listen_on(&server, &server.known_listener);
	listen_on(&server, &server.own_listener);
	if (server.news.fd < 0)
		set_timer(&server, &server.sweep, SERVER_SWEEP_NS);
	set_timer(&server, &server.join, SERVER_JOIN_NS);
	server_call_accept(&server, setup->managed->call, false);
	server_hold_start(&server);
	if (setup->stale)
		go_stale(&server, "a file that was being loaded");
	/* What happened between set-up and watching told nobody. */
	look_at_files(&server);
	if (!has_place(setup))
		server_drain(&server);
	server_dispatch_soon(&server);

	while (!server.ended && loop_run(server.loop) == 0) {
		if (!server.want_fork)
			continue;
		server.want_fork = false;
		if (server_exec_fork(&server, call))
			return;
	}
	_exit(0);
}
