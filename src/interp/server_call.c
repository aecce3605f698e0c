/* SPDX-License-Identifier: MIT */

/* One caller, from its connection to the word on how its script ended. */

#include "interp/known.h"
#include "interp/pass.h"
#include "interp/prefork_interp.h"
#include "interp/server_priv.h"

#include "base/util.h"
#include "interp/files.h"
#include "os/clock.h"
#include "os/fd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

/* The largest message there is, and all that may come with it. */
struct parcel {
	union {
		struct wire_note note;
		char bytes[WIRE_MSG_MAX];
	};
	size_t n_bytes;
	int fds[PASS_FDS_MAX];
	size_t n_fds;
};

void server_call_say(struct server_call *call, int type, int value)
{
	const struct wire_note note = {
		.magic = WIRE_MAGIC, .type = (uint32_t)type, .value = value};

	/* A caller that cannot take a note of 16 bytes has gone, or will be told by our
	 * closing. */
	if (!call->known)
		(void)!pass_send(call->io.fd, &note, sizeof(note), NULL, 0, MSG_DONTWAIT);
}

void server_call_end(struct server_call *call)
{
	struct server *server = call->server;

	loop_remove(server->loop, &call->io);
	fd_close(&call->io.fd);
	if (call->state == CALL_READY)
		server->n_ready--;
	list_remove(&call->link);
	if (call->known)
		known_fini(call->known);
	free(call->known);
	if (call->exec)
		call->exec->call = NULL;
	free(call);
	server->moved = true;
	server_dispatch_soon(server);
}

void server_call_send_cold(struct server_call *call, int why)
{
	call->server->n_cold++;
	call->server->last_why = why;
	server_call_say(call, WIRE_COLD, why);
	server_call_end(call);
}

void server_call_finish(struct server_call *call, int wait_status)
{
	unsigned raw = (unsigned)wait_status;
	const unsigned char v1[] = {(unsigned char)(raw >> 24), (unsigned char)(raw >> 16),
		(unsigned char)(raw >> 8), (unsigned char)raw};

	if (call->known)
		(void)!send(call->io.fd, v1, sizeof(v1), MSG_DONTWAIT | MSG_NOSIGNAL);
	server_call_say(call, WIRE_ENDED, wait_status);
	server_call_end(call);
}

static void say_status(struct server_call *call)
{
	const struct server *server = call->server;
	const struct executor_base *base = server->setup->base;
	struct {
		struct wire_status status;
		char names[1024];
	} answer = {
		.status =
			{
				.note = {.magic = WIRE_MAGIC, .type = WIRE_STATUS},
				.up_s = (clock_mono_ns() - server->started_ns) / NS_PER_SEC,
				.calls = server->serial - server->n_spares,
				.cold = server->n_cold,
				.pid = (uint32_t)getpid(),
				.running = server->n_busy,
				.waiting = server->n_ready,
				.stale = server->state == SERVER_STALE,
				.n_files = (uint32_t)files_count(server->setup->files),
				.why = server->last_why,
			},
	};

	int n = snprintf(
		answer.names, sizeof(answer.names) / 2, "%s", server->setup->options->name);
	size_t at = MIN((size_t)n, sizeof(answer.names) / 2 - 1) + 1;

	n = snprintf(answer.names + at, sizeof(answer.names) - at, "%s",
		base->script ? base->script : "");
	at += MIN((size_t)n, sizeof(answer.names) - at - 1) + 1;
	(void)!pass_send(
		call->io.fd, &answer, sizeof(answer.status) + at, NULL, 0, MSG_DONTWAIT);
}

static void make_ready(struct server_call *call)
{
	struct server *server = call->server;

	call->state = CALL_READY;
	list_remove(&call->link);
	list_append(&server->ready, &call->link);
	server->n_ready++;
	if (server->n_ready > SERVER_QUEUE_MAX)
		server_call_send_cold(call, WIRE_WHY_FULL);
	else
		server_dispatch_soon(server);
}

/* Reads on the known wire as far as it goes. */
static void read_known(struct server_call *call)
{
	struct known_wire *known = call->known;
	struct pass_in in;
	bool with_fd;
	int fd;

	while (known->state < KNOWN_WHOLE) {
		in = (struct pass_in){.fds = &fd};
		in.buf = known_wants(known, &in.cap, &with_fd);
		in.max_fds = with_fd;
		int got = pass_recv(call->io.fd, &in, MSG_DONTWAIT);
		if (got == PASS_AGAIN)
			return;
		if (got != PASS_OK) {
			server_call_end(call);
			return;
		}
		(void)known_took(known, in.n_bytes, in.n_fds ? fd : -1);
	}
	if (known->state == KNOWN_WHOLE) {
		make_ready(call);
		return;
	}
	if (known->state == KNOWN_ASKED)
		say_status(call);
	else
		syslog(LOG_WARNING, "a call was garbled, and dropped");
	server_call_end(call);
}

/* The script has ended, its executor said so to the launcher: nobody is to be signalled. */
static void let_go(struct server_call *call)
{
	call->exec->call = NULL;
	call->exec = NULL;
}

/* Signals, on our own wire. False when the launcher has gone, or is none. */
static bool take_notes(struct server_call *call)
{
	struct wire_note note;
	struct pass_in in = {.buf = &note, .cap = sizeof(note)};
	int got;

	while ((got = pass_recv(call->io.fd, &in, MSG_DONTWAIT)) == PASS_OK) {
		bool known = wire_is_note(&note, in.n_bytes) && call->exec;
		if (known && note.type == WIRE_DONE)
			let_go(call);
		if (!known || note.type != WIRE_SIGNAL)
			return false;
		server_exec_signal(call->exec, note.value, note.flags & WIRE_FROM_TERMINAL);
	}
	return got == PASS_AGAIN;
}

static void on_call(struct loop_io *io, uint32_t events)
{
	struct server_call *call = container_of(io, struct server_call, io);
	bool gone;

	if (call->known && call->state == CALL_OPEN) {
		read_known(call);
		return;
	}
	/* The known wire says nothing more; its end is all that can come. Ours may have said
	 * something before its end. */
	if (call->known)
		gone = events & (EPOLLHUP | EPOLLERR)
		       || (call->state == CALL_RUNNING
			       && recv(io->fd, &(char){0}, 1, MSG_DONTWAIT) == 0);
	else
		gone = !take_notes(call);
	if (!gone)
		return;
	if (call->exec)
		server_exec_caller_gone(call->exec);
	server_call_end(call);
}

/* Whether the peer is this user. */
static bool is_ours(const struct server *server, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0
	       && peer.uid == server->uid;
}

void server_call_accept(struct server *server, int fd, bool own_wire)
{
	AUTO_CLOSE int owned = fd;
	struct server_call *call = calloc(1, sizeof(*call));
	struct known_wire *known = own_wire ? NULL : calloc(1, sizeof(*known));

	if (!call || !is_ours(server, fd) || (!own_wire && !known)) {
		free(call);
		free(known);
		return;
	}
	if (known) {
		known_init(known);
		(void)!send(fd, KNOWN_GREETING, sizeof(KNOWN_GREETING),
			MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	*call = (struct server_call){
		.io = {.on = on_call, .fd = fd_take(&owned)},
		.server = server,
		.known = known,
	};
	list_init(&call->link);
	list_append(&server->open, &call->link);
	/* Edges: the known wire's text may lie unread in its socket while the call waits.
	 */
	if (loop_add(server->loop, &call->io, EPOLLIN | EPOLLRDHUP | EPOLLET) < 0)
		server_call_end(call);
	else if (own_wire)
		make_ready(call); /* connecting says it all */
}

static void close_fds(struct parcel *parcel)
{
	for (size_t i = 0; i < parcel->n_fds; i++)
		(void)close(parcel->fds[i]);
	parcel->n_fds = 0;
}

/* Makes the message of what came on the known wire. False: the call was ended. */
static bool take_known(struct server_call *call, struct parcel *parcel)
{
	size_t n, n_text;
	struct wire_call *message = known_message(call->known, &n, &n_text);

	parcel->n_fds = 0;
	if (message && n > sizeof(parcel->bytes)) {
		AUTO_CLOSE int text = memfd_create("prefork-interp", MFD_CLOEXEC);
		n -= n_text;
		if (text < 0
			|| write(text, (char *)message + n, n_text) != (ssize_t)n_text) {
			free(message);
			message = NULL;
		} else {
			message->note.flags |= WIRE_HAS_TEXT;
			parcel->fds[parcel->n_fds++] = fd_take(&text);
		}
	}
	if (!message) {
		server_call_end(call);
		return false;
	}
	memcpy(parcel->bytes, message, n);
	parcel->n_bytes = n;
	for (size_t i = 0; i < ARRAY_LEN(call->known->fds); i++)
		parcel->fds[parcel->n_fds++] = fd_take(&call->known->fds[i]);
	free(message);
	return true;
}

/* On the known wire the server speaks for the launcher. */
static int give_known(struct server_call *call, int channel, bool *ended)
{
	struct parcel parcel;

	*ended = !take_known(call, &parcel);
	if (*ended)
		return PASS_OK;
	int sent = pass_send(channel, parcel.bytes, parcel.n_bytes, parcel.fds,
		parcel.n_fds, MSG_DONTWAIT);
	close_fds(&parcel);
	return sent;
}

bool server_call_give(struct server_call *call, struct server_exec *exec)
{
	static const struct wire_note go = {.magic = WIRE_MAGIC, .type = WIRE_GO};
	struct server *server = call->server;
	bool ended = false;

	int sent = call->known ? give_known(call, exec->io.fd, &ended)
			       : pass_send(call->io.fd, &go, sizeof(go), &exec->io.fd, 1,
				       MSG_DONTWAIT);
	if (ended)
		return true;
	if (sent != PASS_OK) {
		/* Our own wire: the caller has gone. The known one: the spare has. */
		bool spare_is_well = !call->known;
		server_call_end(call);
		return spare_is_well;
	}
	if (!call->known)
		fd_close(&exec->io.fd); /* it is the launcher's now, who must see it end */
	call->state = CALL_RUNNING;
	call->exec = exec;
	exec->call = call;
	server->n_ready--;
	list_remove(&call->link);
	list_append(&server->running, &call->link);
	server->moved = true;
	return true;
}
