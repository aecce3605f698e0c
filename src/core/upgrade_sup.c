/* SPDX-License-Identifier: MIT */

#include "core/upgrade_sup.h"

#include "core/lobby_sup.h"
#include "core/server_sup.h"
#include "core/service.h"
#include "log/log.h"
#include "os/chan.h"
#include "os/fd.h"
#include "os/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READY_NS \
	(60 * NS_PER_SEC) /* from exec to READY; workers have a deadline of their own */
#define END_NS (5 * NS_PER_SEC) /* from the end of the channel to that of the process */
#define ROOM_MS \
	200 /* so long the channel may be full while one connection's bytes go over it */

static void give_up(struct upgrade *u, const char *sentence)
{
	struct server *s = u->server;
	struct reason said;

	(void)reason_set(&said, "%.450s; the old one goes on", sentence);
	log_error(s->log, "upgrade-given-up", said.text);
	loop_remove(s->loop, &u->chan_io);
	loop_cancel(s->loop, &u->deadline);
	fd_close(&u->chan);
	proc_signal(&u->proc, SIGKILL); /* it is reaped when its pidfd says so */
	u->state = UPGRADE_OFF;
	pidfile_write(&s->pidfile); /* the new one may have been as far as that */
	if (u->client)
		control_say(u->client, false, said.text);
	u->client = NULL;
	if (s->again && !s->posts.ending)
		server_reload(s);
}

static struct upgrade_addr on_wire(const struct addr *addr)
{
	struct upgrade_addr out = {.n = (uint32_t)MIN(addr->len, UPGRADE_ADDR_MAX)};

	memcpy(out.bytes, &addr->ss, out.n);
	return out;
}

static void put_name(char out[UPGRADE_NAME_MAX], const char *name)
{
	(void)snprintf(out, UPGRADE_NAME_MAX, "%s", name);
}

/* Waits for room: the new program reads as fast as it can, and the wait has an end. */
static int send_msg(struct upgrade *u, struct upgrade_msg *msg, int fd)
{
	struct pollfd p = {.fd = u->chan, .events = POLLOUT};
	int r;

	msg->version = UPGRADE_VERSION;
	do
		r = chan_send(u->chan, msg, sizeof(*msg), fd);
	while ((r == CHAN_AGAIN || r == -ETOOMANYREFS) && poll(&p, 1, ROOM_MS) == 1);
	return r;
}

static int send_listener(struct upgrade *u, const struct listener *l)
{
	struct upgrade_msg msg = {
		.type = UPGRADE_LISTEN,
		.listen = {.asked = on_wire(&l->asked),
			.bound = on_wire(&l->addr),
			.foreign = l->foreign},
	};

	put_name(msg.listen.service, l->crew->spec->name);
	return send_msg(u, &msg, l->fd);
}

static int send_gate(struct upgrade *u, const struct crew *crew)
{
	struct upgrade_msg msg = {.type = UPGRADE_GATE, .gate.layout = gate_layout()};

	put_name(msg.gate.service, crew->spec->name);
	return send_msg(u, &msg, gate_fd(crew->gate));
}

static int send_crew(struct upgrade *u, const struct crew *crew)
{
	int r = send_gate(u, crew);

	for (size_t i = 0; r == 0 && i < crew->n_listeners; i++)
		r = send_listener(u, &crew->listeners[i]);
	return r;
}

static int send_sockets(struct upgrade *u)
{
	struct server *s = u->server;
	struct upgrade_msg last = {
		.type = UPGRADE_SERVE,
		.serve.generation = s->posts.generation,
	};
	struct upgrade_msg control = {
		.type = UPGRADE_CONTROL,
		.listen.bound = on_wire(&s->control.addr),
	};
	struct upgrade_msg pidfile = {.type = UPGRADE_PIDFILE};
	const struct post *post;
	int r = 0;

	if (s->control.fd >= 0)
		r = send_msg(u, &control, s->control.fd);
	if (s->pidfile.fd >= 0 && r == 0)
		r = send_msg(u, &pidfile, s->pidfile.fd);
	list_for_each (post, &s->posts.all, link) {
		if (post->state == POST_SERVING && r == 0)
			r = send_crew(u, post->crew);
	}
	return r == 0 ? send_msg(u, &last, -1) : r;
}

/* -- connections -- */

static bool is_taken(
	const struct upgrade *u, const struct spec *spec, enum model_takes needed)
{
	for (unsigned i = 0; i < u->n_takes; i++) {
		if (u->takes[i].who >= needed
			&& strcmp(u->takes[i].service, spec->name) == 0
			&& strcmp(u->takes[i].run, spec->service->name) == 0)
			return true;
	}
	return false;
}

bool upgrade_pass_guest(
	struct upgrade *u, struct upgrade_msg *guest, const char *input, int fd)
{
	uint32_t n = guest->guest.n_input;

	for (uint32_t at = 0; at < n;) {
		struct upgrade_msg msg = {
			.type = UPGRADE_INPUT,
			.input.guest = guest->guest.id,
			.input.n = (uint32_t)MIN(n - at, UPGRADE_INPUT_MAX),
		};

		memcpy(msg.input.bytes, input + at, msg.input.n);
		if (send_msg(u, &msg, -1) != CHAN_OK)
			return false;
		at += msg.input.n;
	}
	return send_msg(u, guest, fd) == CHAN_OK;
}

bool upgrade_send_guest(
	struct upgrade *u, const struct crew *crew, const struct guest *g, bool parked)
{
	struct upgrade_msg msg = {
		.type = UPGRADE_GUEST,
		.guest =
			{
				.id = g->id,
				.accepted_ns = g->accepted_ns,
				.n_read = g->n_read,
				.n_sent = g->n_sent,
				.gate = gate_id(crew->gate),
				.ticket = g->ticket,
				.n_input = g->n_input,
				.parked = parked,
				.n_killed = g->n_killed,
				.resumed = g->resumed,
				.peer.n = g->peer_len,
				.local = on_wire(&crew->listeners[g->listener].addr),
			},
	};

	if (u->state != UPGRADE_HANDING || u->chan < 0
		|| !is_taken(u, crew->spec, lobby_needs(parked, g->n_read)))
		return false;
	memcpy(msg.guest.peer.bytes, g->peer, g->peer_len);
	put_name(msg.guest.service, crew->spec->name);
	put_name(msg.guest.run, crew->spec->service->name);
	return upgrade_pass_guest(u, &msg, g->input, g->fd);
}

void upgrade_send_totals(struct upgrade *u, const char *service, const struct totals *more)
{
	struct upgrade_msg msg = {.type = UPGRADE_TOTALS, .totals.more = *more};

	put_name(msg.totals.service, service);
	if (u->chan >= 0)
		(void)send_msg(
			u, &msg, -1); /* or the new one has ended, and all counts with it */
}

/* -- what the new program says -- */

static void hand_over(struct upgrade *u)
{
	struct server *s = u->server;

	u->state = UPGRADE_HANDING;
	loop_cancel(s->loop, &u->deadline);
	log_info(s->log, "upgraded",
		"another program has taken over; finishing what has begun",
		KV("pid", u->proc.pid));
	if (u->client)
		control_say(u->client, true,
			"the program that is installed now has taken over");
	u->client = NULL;
	pidfile_abandon(&s->pidfile);
	/* A reload that was asked for meanwhile is done: the new program has read it all. */
	if (s->again)
		manager_reloading(&s->manager);
	manager_succeeded(&s->manager, u->proc.pid);
	posts_hand_over(&s->posts);
	/* After the totals: what is asked of one of us or the other goes only up. */
	control_abandon(&s->control);
	/* Unheard, it is the end of the channel that says so. */
	(void)send_msg(u, &(struct upgrade_msg){.type = UPGRADE_ANSWER}, -1);
}

static int handle(struct upgrade *u, const struct upgrade_msg *msg)
{
	if (msg->version != UPGRADE_VERSION)
		return -EPROTO;
	if (msg->type == UPGRADE_READY && u->state == UPGRADE_WAITING) {
		hand_over(u);
		return 0;
	}
	if (msg->type == UPGRADE_FAILED) {
		(void)reason_set(&u->why, "the new program cannot start: %.*s",
			(int)sizeof(msg->failed.sentence) - 1, msg->failed.sentence);
		return 0; /* it is about to end */
	}
	if (msg->type != UPGRADE_TAKES || u->n_takes == UPGRADE_TAKES_MAX)
		return -EPROTO;
	put_name(u->takes[u->n_takes].service, msg->takes.service);
	put_name(u->takes[u->n_takes].run, msg->takes.run);
	u->takes[u->n_takes].who = msg->takes.who;
	u->n_takes++;
	return 0;
}

static void on_chan(struct loop_io *io, uint32_t events)
{
	struct upgrade *u = container_of(io, struct upgrade, chan_io);
	char buf[CHAN_MSG_MAX];
	struct upgrade_msg msg;
	size_t len;
	int r;

	(void)events;
	while ((r = chan_recv(u->chan, buf, &len, NULL)) == CHAN_OK) {
		memcpy(&msg, buf, sizeof(msg));
		if (len != sizeof(msg) || handle(u, &msg) < 0) {
			r = -EPROTO;
			break;
		}
	}
	if (r == CHAN_AGAIN)
		return;
	/* It ends, and what is here now stays here to its end. */
	loop_remove(u->server->loop, io);
	fd_close(&u->chan);
	if (r == -EPROTO && u->state == UPGRADE_WAITING)
		give_up(u,
			"the new program does not understand this one: restart it instead");
	else if (u->state == UPGRADE_WAITING) /* its last words may not be in the log yet */
		(void)loop_at(u->server->loop, &u->deadline,
			loop_now_ns(u->server->loop) + END_NS);
}

static void on_pid(struct loop_io *io, uint32_t events)
{
	struct upgrade *u = container_of(io, struct upgrade, pid_io);
	char text[PROC_HOW_MAX];
	siginfo_t how;

	(void)events;
	if (u->chan_io.added)
		on_chan(&u->chan_io, EPOLLIN);
	loop_remove(u->server->loop, io);
	if (proc_reap(&u->proc, &how) < 0)
		return;
	if (u->state != UPGRADE_WAITING)
		return;
	proc_how(&how, text);
	if (!u->why.text[0])
		(void)reason_set(&u->why, "the new program %s before it was ready", text);
	give_up(u, u->why.text);
}

static void on_deadline(struct loop_timer *timer)
{
	give_up(container_of(timer, struct upgrade, deadline),
		"the new program was not ready in time");
}

/* -- the beginning -- */

/* In the child. */
static int become(void *arg)
{
	const struct upgrade *u = arg;

	notify_bequeath(u->server->program->notify);
	return proc_become(u->server->program->path, u->server->program->argv, u->chan,
		UPGRADE_FD, UPGRADE_ENV);
}

static int start(struct upgrade *u, struct reason *reason)
{
	struct server *s = u->server;
	int r = proc_spawn_with_chan(
		&(struct proc_spec){.title = "preforkd", .main = become, .arg = u},
		&u->chan, &u->proc);

	if (r < 0) {
		errno = -r;
		return reason_errno(reason, "cannot make a process with a channel");
	}
	u->pid_io.fd = u->proc.pidfd;
	u->chan_io.fd = u->chan;
	if (loop_add(s->loop, &u->pid_io, EPOLLIN) < 0
		|| loop_add(s->loop, &u->chan_io, EPOLLIN) < 0
		|| loop_at(s->loop, &u->deadline, loop_now_ns(s->loop) + READY_NS) < 0)
		return reason_set(reason, "cannot watch the new program");
	return 0;
}

static void forget_client(struct control_client *c)
{
	struct upgrade *u = c->waits;

	u->client = NULL;
}

int upgrade_begin(struct upgrade *u, struct control_client *client, struct reason *reason)
{
	if (getpid() == 1)
		return reason_set(reason,
			"this server is process 1, and its container would end with it: start a new container");
	if (u->server->posts.changing || u->server->posts.ending || u->state != UPGRADE_OFF
		|| u->proc.pidfd >= 0)
		return reason_set(reason, "another change is under way");
	const char *path = u->server->program->path;
	if (!path)
		return reason_set(
			reason, "it is not known where this program was started from");
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return reason_errno(reason, "cannot run %s, so the old one goes on", path);

	u->n_takes = 0;
	u->why = (struct reason){0};
	int r = start(u, reason);
	if (r < 0)
		return r;
	u->state = UPGRADE_WAITING;
	log_info(u->server->log, "upgrading", "starting the program that is installed now",
		KV("path", u->server->program->path), KV("pid", u->proc.pid));
	u->client = client;
	if (client) {
		client->waits = u;
		client->forget = forget_client;
	}
	if (send_sockets(u) < 0)
		give_up(u, "the new program does not listen");
	return 0;
}

void upgrade_init(struct upgrade *u, struct server *server)
{
	*u = (struct upgrade){
		.server = server,
		.proc = PROC_NONE,
		.chan = -1,
		.pid_io.on = on_pid,
		.chan_io.on = on_chan,
		.deadline.on = on_deadline,
	};
}

void upgrade_fini(struct upgrade *u)
{
	if (u->state == UPGRADE_WAITING)
		give_up(u, "the server is ending");
	loop_remove(u->server->loop, &u->chan_io);
	loop_remove(u->server->loop, &u->pid_io);
	loop_cancel(u->server->loop, &u->deadline);
	fd_close(&u->chan);
	fd_close(&u->proc.pidfd);
}
