/* SPDX-License-Identifier: MIT */

#include "core/takeover_sup.h"

#include "base/reason.h"
#include "core/lobby_sup.h"
#include "core/model.h"
#include "core/server_sup.h"
#include "core/service.h"
#include "core/upgrade_wire.h"
#include "log/log.h"
#include "os/chan.h"
#include "os/fd.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS_MS 10'000 /* between two messages of the beginning */

static void read_addr(const struct upgrade_addr *in, struct addr *out)
{
	*out = (struct addr){.len = (socklen_t)MIN(in->n, UPGRADE_ADDR_MAX)};
	memcpy(&out->ss, in->bytes, out->len);
}

/* The next message: CHAN_OK, CHAN_AGAIN; or anything else for the end. */
static int receive(struct takeover *t, struct upgrade_msg *msg, int *fd)
{
	char buf[CHAN_MSG_MAX];
	size_t len;
	int r = chan_recv(t->chan, buf, &len, fd);

	if (r != CHAN_OK)
		return r;
	memcpy(msg, buf, sizeof(*msg));
	return len == sizeof(*msg) && msg->version == UPGRADE_VERSION ? CHAN_OK : -EPROTO;
}

/* -- sockets -- */

static int take_listener(struct takeover *t, const struct upgrade_msg *msg, int *fd)
{
	struct stock_item item = {.fd = *fd, .foreign = msg->listen.foreign};
	char *name = strndup(msg->listen.service, UPGRADE_NAME_MAX - 1);

	item.service = name;
	read_addr(&msg->listen.asked, &item.asked);
	read_addr(&msg->listen.bound, &item.bound);
	if (!name || *fd < 0 || stock_add(&t->stock, &item) < 0) {
		free(name);
		return -ENOMEM;
	}
	*fd = -1; /* the stock's now */
	return 0;
}

/* Without it, who is connected to the old server is not counted here: no reason not to serve. */
static void take_gate(struct takeover *t, struct upgrade_msg *msg, int *fd)
{
	struct gate *gate = gate_adopt(fd_take(fd), msg->gate.layout);

	msg->gate.service[UPGRADE_NAME_MAX - 1] = 0;
	if (gate && stock_add_gate(&t->stock, msg->gate.service, gate) == 0)
		return;
	log_warn(t->server->log, "counts-anew",
		"the old server counts the connections of an address in another way: here they begin at 0",
		KV("service", msg->gate.service));
}

static int take_socket(struct takeover *t, struct upgrade_msg *msg, int *fd)
{
	switch (msg->type) {
	case UPGRADE_LISTEN: return take_listener(t, msg, fd);
	case UPGRADE_CONTROL:
		fd_close(&t->control_fd);
		t->control_fd = fd_take(fd);
		read_addr(&msg->listen.bound, &t->control_addr);
		return 0;
	case UPGRADE_PIDFILE:
		if (*fd < 0 || t->pidfile.fd >= 0 || pidfile_adopt(&t->pidfile, *fd) < 0)
			return -EPROTO;
		*fd = -1;
		return 0;
	case UPGRADE_GATE: take_gate(t, msg, fd); return 0;
	case UPGRADE_SERVE: t->generation = msg->serve.generation; return 0;
	default: return -EPROTO;
	}
}

int takeover_begin(
	struct takeover *t, struct server *server, int chan, struct reason *reason)
{
	struct pollfd p = {.fd = chan, .events = POLLIN};
	struct upgrade_msg msg = {0};

	*t = TAKEOVER_NONE;
	t->server = server;
	t->chan = chan;
	while (msg.type != UPGRADE_SERVE) {
		AUTO_CLOSE int fd = -1;
		int r = receive(t, &msg, &fd);

		if (r == CHAN_AGAIN && poll(&p, 1, SOCKETS_MS) == 1)
			continue;
		if (r != CHAN_OK || take_socket(t, &msg, &fd) < 0)
			return reason_set(reason,
				"cannot take over from the old server: what it sends is not understood");
	}
	return 0;
}

/* -- connections -- */

static void keep_input(struct takeover *t, const struct upgrade_msg *msg)
{
	uint32_t n = MIN(msg->input.n, UPGRADE_INPUT_MAX);

	if (t->input_of != msg->input.guest)
		t->n_input = 0;
	char *grown = realloc(t->input, t->n_input + n);
	if (!grown)
		return; /* its guest finds too little, and is closed */
	t->input = grown;
	t->input_of = msg->input.guest;
	memcpy(grown + t->n_input, msg->input.bytes, n);
	t->n_input += n;
}

/* NULL if there is none for it in the service's crew. */
static struct lobby *lobby_for(const struct post *post, const struct upgrade_msg *msg)
{
	enum model_takes needed = lobby_needs(msg->guest.parked, msg->guest.n_read);
	const struct crew *crew = post ? post->crew : NULL;

	if (!crew || crew->draining || crew->spec->model->takes_over < needed
		|| strcmp(crew->spec->service->name, msg->guest.run) != 0)
		return NULL;
	/* Its seats may be smaller than the old program's. */
	return msg->guest.n_input <= crew->spec->service->input_bytes ? crew->lobby : NULL;
}

/* What it is counted by at the service's gate; 0 if it is not. */
static uint32_t ticket_for(const struct post *post, const struct upgrade_msg *msg)
{
	return post && gate_id(post->crew->gate) == msg->guest.gate ? msg->guest.ticket : 0;
}

/* It is closed here, and has been there. */
static void lose_guest(struct takeover *t, const struct upgrade_msg *msg)
{
	const struct post *post = posts_find(&t->server->posts, msg->guest.service);

	if (post)
		gate_leave(post->crew->gate, ticket_for(post, msg));
	log_warn(t->server->log, "guest-lost",
		"a connection of the old server could not be taken over",
		KV("service", msg->guest.service), KV("conn", msg->guest.id));
}

/* Whether it is in a lobby of ours now, with the input that came before. */
static bool admit_guest(struct takeover *t, const struct upgrade_msg *msg, int *fd)
{
	const struct post *post = posts_find(&t->server->posts, msg->guest.service);
	struct lobby *lobby = lobby_for(post, msg);

	if (!lobby)
		return false;
	struct lobby_papers papers = {
		.id = msg->guest.id,
		.accepted_ns = msg->guest.accepted_ns,
		.n_read = msg->guest.n_read,
		.n_sent = msg->guest.n_sent,
		.ticket = ticket_for(post, msg),
		.n_killed = (uint8_t)msg->guest.n_killed,
		.parked = msg->guest.parked,
		.resumed = msg->guest.resumed,
	};
	read_addr(&msg->guest.peer, &papers.peer);
	read_addr(&msg->guest.local, &papers.local);
	if (msg->guest.n_input) {
		papers.input = t->input;
		papers.n_input = msg->guest.n_input;
		t->input = NULL;
	}
	lobby_take(lobby, fd_take(fd), &papers);
	return true;
}

static void take_guest(struct takeover *t, struct upgrade_msg *msg, int *fd)
{
	struct server *s = t->server;
	bool taken = *fd >= 0
		     && (msg->guest.n_input == 0
			     || (t->input_of == msg->guest.id
				     && t->n_input == msg->guest.n_input));

	msg->guest.service[UPGRADE_NAME_MAX - 1] = 0;
	msg->guest.run[UPGRADE_NAME_MAX - 1] = 0;
	if (taken && s->posts.handed_over)
		taken = upgrade_pass_guest(&s->upgrade, msg, t->input, *fd);
	else if (taken)
		taken = admit_guest(t, msg, fd);
	if (!taken)
		lose_guest(t, msg);
	t->n_input = 0;
}

/* -- what else it leaves -- */

static void count_on(struct takeover *t, struct upgrade_msg *msg)
{
	struct server *s = t->server;

	msg->totals.service[UPGRADE_NAME_MAX - 1] = 0;
	const struct post *post = posts_find(&s->posts, msg->totals.service);
	if (s->posts.handed_over)
		upgrade_send_totals(&s->upgrade, msg->totals.service, &msg->totals.more);
	else if (post)
		totals_add(&post->crew->past, &msg->totals.more);
}

static void take_control(struct takeover *t)
{
	struct server *s = t->server;

	if (t->control_fd < 0)
		return;
	control_adopt(&s->control, fd_take(&t->control_fd), &t->control_addr);
	control_link(&s->control, s->program->control_link);
}

/* False for what is not for now. */
static bool handle(struct takeover *t, struct upgrade_msg *msg, int *fd)
{
	switch (msg->type) {
	case UPGRADE_INPUT: keep_input(t, msg); return true;
	case UPGRADE_GUEST: take_guest(t, msg, fd); return true;
	case UPGRADE_TOTALS: count_on(t, msg); return true;
	case UPGRADE_ANSWER: take_control(t); return true;
	default: return false;
	}
}

static void on_chan(struct loop_io *io, uint32_t events)
{
	struct takeover *t = container_of(io, struct takeover, io);
	struct upgrade_msg msg;

	(void)events;
	for (;;) {
		AUTO_CLOSE int fd = -1;
		int r = receive(t, &msg, &fd);

		if (r == CHAN_AGAIN)
			return;
		if (r == CHAN_OK && handle(t, &msg, &fd))
			continue;
		/* The old server has ended. */
		loop_remove(t->server->loop, io);
		fd_close(&t->chan);
		take_control(t);
		server_look(t->server);
		return;
	}
}

static int say(struct takeover *t, struct upgrade_msg *msg)
{
	msg->version = UPGRADE_VERSION;
	return chan_send(t->chan, msg, sizeof(*msg), -1);
}

static void say_takes(struct takeover *t, const struct post *post)
{
	const struct spec *spec = post->crew->spec;
	struct upgrade_msg msg = {
		.type = UPGRADE_TAKES,
		.takes.who = spec->model->takes_over,
	};

	if (!spec->model->takes_over || post->failed)
		return;
	(void)snprintf(msg.takes.service, UPGRADE_NAME_MAX, "%s", spec->name);
	(void)snprintf(msg.takes.run, UPGRADE_NAME_MAX, "%s", spec->service->name);
	(void)say(t, &msg); /* unheard, its connections are finished over there */
}

static void take_pidfile(struct takeover *t)
{
	struct server *s = t->server;

	if (t->pidfile.fd < 0)
		return;
	s->pidfile = t->pidfile;
	t->pidfile.fd = -1;
	pidfile_write(&s->pidfile);
}

void takeover_ready(struct takeover *t)
{
	struct upgrade_msg ready = {.type = UPGRADE_READY};
	struct server *s = t->server;
	const struct post *post;

	if (t->chan < 0)
		return;
	list_for_each (post, &s->posts.all, link)
		say_takes(t, post);
	t->io = (struct loop_io){.on = on_chan, .fd = t->chan};
	if (loop_add(s->loop, &t->io, EPOLLIN) == 0 && say(t, &ready) == CHAN_OK) {
		take_pidfile(t);
		return;
	}
	/* The old one has died meanwhile, or will take us for dead: both serve, or one. */
	log_error(
		s->log, "takeover-late", "the old server does not hear that we are ready");
	take_control(t);
}

void takeover_refuse(int chan, const char *sentence)
{
	struct upgrade_msg msg = {.version = UPGRADE_VERSION, .type = UPGRADE_FAILED};

	(void)snprintf(msg.failed.sentence, sizeof(msg.failed.sentence), "%s", sentence);
	if (chan >= 0) /* it has been logged here too */
		(void)!chan_send(chan, &msg, sizeof(msg), -1);
}

void takeover_fini(struct takeover *t)
{
	if (t->server && t->io.added)
		loop_remove(t->server->loop, &t->io);
	stock_close(&t->stock);
	fd_close(&t->chan);
	fd_close(&t->control_fd);
	pidfile_abandon(&t->pidfile);
	free(t->input);
}
