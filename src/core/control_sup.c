/* SPDX-License-Identifier: MIT */

#include "core/control_sup.h"

#include "base/escape.h"
#include "base/reason.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/sock.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TALK_NS  (5 * NS_PER_SEC)  /* for sending the question, and for taking the answer */
#define PAUSE_NS (100 * NS_PER_MS) /* without descriptors: others may give some back */

static void accept_more(struct control *control, bool on)
{
	if (control->io.added == on)
		return;
	if (!on)
		loop_remove(control->loop, &control->io);
	else if (loop_add(control->loop, &control->io, EPOLLIN) < 0)
		log_error(control->log, "control-lost", "cannot watch the control socket");
}

static void end(struct control_client *c)
{
	struct control *control = c->control;

	if (c->waits)
		c->forget(c);
	loop_remove(control->loop, &c->io);
	loop_cancel(control->loop, &c->deadline);
	list_remove(&c->link);
	fd_close(&c->fd);
	buf_fini(&c->answer);
	free(c);
	control->n_clients--;
	if (control->fd >= 0)
		accept_more(control, true);
}

static void allow(struct control_client *c, uint64_t for_ns)
{
	struct loop *loop = c->control->loop;

	/* Without memory for the timer a client that dawdles keeps its place. */
	(void)loop_at(loop, &c->deadline, for_ns ? loop_now_ns(loop) + for_ns : 0);
}

static void on_deadline(struct loop_timer *timer)
{
	end(container_of(timer, struct control_client, deadline));
}

static void send_on(struct control_client *c)
{
	while (c->sent < c->answer.n) {
		ssize_t n = write(c->fd, c->answer.p + c->sent, c->answer.n - c->sent);

		if (n < 0 && errno == EAGAIN) {
			if (loop_change(c->control->loop, &c->io, EPOLLOUT) < 0)
				end(c);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
	}
	end(c);
}

void control_answer(struct control_client *c, struct buf *answer)
{
	c->waits = NULL;
	c->answer = *answer;
	*answer = BUF_INIT(answer->max);
	allow(c, TALK_NS);
	send_on(c);
}

void control_say(struct control_client *c, bool ok, const char *sentence)
{
	AUTO_BUF answer = BUF_INIT(4 * KIB);

	buf_printf(&answer, "{\"ok\": %s, \"said\": \"", ok ? "true" : "false");
	escape_json(&answer, span_str(sentence));
	buf_put_str(&answer, "\"}\n");
	control_answer(c, &answer);
}

static void take_apart(struct control_client *c)
{
	struct span words[CONTROL_WORDS_MAX];
	size_t n_words = 0, from = 0;

	for (size_t i = 0; i <= c->n; i++) {
		if (i < c->n && c->line[i] != ' ')
			continue;
		if (i > from && n_words == CONTROL_WORDS_MAX) {
			control_say(c, false, "too many words");
			return;
		}
		if (i > from)
			words[n_words++] = span_of(c->line + from, i - from);
		from = i + 1;
	}
	c->control->asked(c, words, n_words);
}

static void read_line(struct control_client *c)
{
	ssize_t n = read(c->fd, c->line + c->n, sizeof(c->line) - c->n);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(c);
		return;
	}
	c->n += (size_t)n;
	char *newline = memchr(c->line, '\n', c->n);
	if (newline) {
		c->n = (size_t)(newline - c->line);
		c->asked = true;
		allow(c, 0);
		/* Watched for its end alone. */
		if (loop_change(c->control->loop, &c->io, EPOLLRDHUP) < 0)
			end(c);
		else
			take_apart(c);
	} else if (c->n == sizeof(c->line)) {
		end(c);
	}
}

static void on_client(struct loop_io *io, uint32_t events)
{
	struct control_client *c = container_of(io, struct control_client, io);

	if (!c->asked)
		read_line(c);
	else if (c->answer.n && !(events & (EPOLLERR | EPOLLHUP)))
		send_on(c);
	else
		end(c);
}

static void arrive(struct control *control, int fd_in)
{
	AUTO_CLOSE int fd = fd_in;
	struct control_client *c;
	uid_t uid;

	if (sock_peer_uid(fd, &uid) < 0 || (uid != 0 && uid != geteuid()))
		return; /* the socket's mode has kept others away; this is the belt to it */
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	*c = (struct control_client){
		.control = control,
		.io = {.on = on_client, .fd = fd},
		.deadline.on = on_deadline,
		.fd = fd,
	};
	list_append(&control->clients, &c->link);
	control->n_clients++;
	fd = -1; /* the client's now */
	allow(c, TALK_NS);
	if (loop_add(control->loop, &c->io, EPOLLIN) < 0)
		end(c);
}

static void on_listener(struct loop_io *io, uint32_t events)
{
	struct control *control = container_of(io, struct control, io);
	struct addr peer;

	(void)events;
	int fd = sock_accept(control->fd, &peer);
	if (fd >= 0)
		arrive(control, fd);
	if (fd == SOCK_NO_ROOM || control->n_clients == CONTROL_CLIENTS_MAX)
		accept_more(control, false); /* until one ends */
	if (fd == SOCK_NO_ROOM
		&& loop_at(control->loop, &control->again,
			   loop_now_ns(control->loop) + PAUSE_NS)
			   < 0)
		accept_more(control, true); /* busy is better than deaf */
}

static void on_again(struct loop_timer *timer)
{
	struct control *control = container_of(timer, struct control, again);

	if (control->n_clients < CONTROL_CLIENTS_MAX)
		accept_more(control, true);
}

/* From now on nobody is heard. */
static void stop_listening(struct control *control)
{
	loop_remove(control->loop, &control->io);
	loop_cancel(control->loop, &control->again);
}

void control_adopt(struct control *control, int fd, const struct addr *addr)
{
	list_init(&control->clients);
	control->fd = fd;
	control->addr = *addr;
	control->io = (struct loop_io){.on = on_listener, .fd = fd};
	control->again = (struct loop_timer){.on = on_again};
	accept_more(control, true);
}

int control_open(struct control *control, const char *path, struct reason *reason)
{
	const struct sock_listen_opts opts = {.backlog = 16, .unix_mode = 0600};
	AUTO_BUF text = BUF_INIT(ADDR_TEXT_MAX);
	struct addr addrs[ADDR_MOST];
	size_t n;

	buf_printf(&text, "unix:%s", path);
	if (text.failed)
		return reason_set(reason, "the path is too long: %.200s", path);
	int r = addr_parse(buf_cstr(&text), addrs, &n, reason);
	if (r < 0)
		return r;
	int fd = sock_listen(&addrs[0], &opts, reason);
	if (fd >= 0)
		control_adopt(control, fd, &addrs[0]);
	return fd < 0 ? fd : 0;
}

void control_link(struct control *control, const char *path)
{
	char target[PATH_MAX];

	control->link = path;
	if (!path || !realpath(control->addr.un.sun_path, target))
		return;
	/* A dead server's, or already ours. Without it one has to say where the socket is. */
	(void)unlink(path);
	if (symlink(target, path) < 0)
		control->link = NULL;
}

static void close_all(struct control *control)
{
	struct control_client *c, *tmp;

	stop_listening(control);
	list_for_each_safe (c, tmp, &control->clients, link)
		end(c);
}

void control_abandon(struct control *control)
{
	if (control->fd < 0)
		return;
	stop_listening(control);
	fd_close(&control->fd);
}

void control_fini(struct control *control)
{
	if (control->clients.next) {
		int fd = fd_take(&control->fd);

		close_all(control);
		if (fd >= 0 && control->link)
			(void)unlink(control->link); /* it may have been taken away */
		if (fd >= 0)
			sock_unlisten(fd, &control->addr);
	}
}
