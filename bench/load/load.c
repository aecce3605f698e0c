/* SPDX-License-Identifier: MIT */

/*
 * load - makes HTTP requests on this machine's loopback, and keeps a ledger of them.
 *
 * One process, one epoll, a request at a time on each connection. It measures
 * what servers do (bench/run) and is the witness when workers are killed
 * (tests/e2e): no request is ever retried or left out of the count.
 *
 *   in       until                                       then
 *   OVER     it is (re)opened                            ASKING
 *   ASKING   the answer is whole, and kept alive         ASKING, HELD
 *            the answer is whole, and the last           ENDING
 *            the connection breaks or the time is up     RESTING
 *   ENDING   the server closes, or the time is up        OVER
 *   HELD     standard input ends (--hold)                ASKING
 *            the server closes                           OVER
 *   RESTING  a moment has passed                         OVER
 */

#include "answer.h"
#include "ledger.h"
#include "options.h"

#include "base/util.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	IO_BYTES = 256 * 1024,
	TICK_MS = 10, /* how exact deadlines are, and how long a broken connection rests */
	OPENING_MAX = 64, /* --hold: so many connections are on their way at once */
	EVENTS_MAX = 256,
	RARE_EVERY = 100, /* -P */
};

enum state { OVER, ASKING, ENDING, HELD, RESTING };

struct conn {
	int fd;
	enum state state;
	unsigned number;
	uint64_t request;   /* its number among all */
	uint64_t n_sent;    /* of head, body and end */
	uint64_t n_answers; /* on this connection */
	bool answered;      /* a byte of this answer has come */
	bool body_differs;
	uint64_t since_ns;
	uint64_t deadline_ns; /* ASKING, ENDING, RESTING */
	struct answer answer;
};

struct load {
	struct options options;
	struct ledger ledger;
	int epoll;
	struct conn *conns;
	unsigned n_started;  /* connections that have begun at all */
	unsigned n_released; /* --hold: so many have had their second turn, or are at it */
	unsigned n_over;
	bool released;  /* --hold: the second round */
	bool announced; /* --hold: "held" was printed */
	uint64_t now_ns;
	char pattern[IO_BYTES]; /* the body's bytes, again and again */
	char io[IO_BYTES];
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- what is sent ---- */

/* The path with its numbers filled in; what does not fit is cut. */
static void put_path(const struct load *l, const struct conn *c, char *out, size_t room)
{
	bool rare = l->options.rare_path && c->request % RARE_EVERY == 0;
	size_t n = 0;

	for (const char *p = rare ? l->options.rare_path : l->options.path;
		*p && n + 24 < room; p++) {
		if (p[0] == '%' && (p[1] == 'c' || p[1] == 'n')) {
			uint64_t number = p[1] == 'c' ? c->number : c->request;
			n += (size_t)snprintf(out + n, room - n, "%lu", number);
			p++;
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
}

/* The head is made anew for every send: the same bytes each time, and no memory a
 * connection. */
static size_t make_head(const struct load *l, const struct conn *c, char *head)
{
	const struct options *o = &l->options;
	char path[1024];
	char framing[96] = "";

	put_path(l, c, path, sizeof(path));
	if (o->chunked)
		(void)snprintf(framing, sizeof(framing),
			"Transfer-Encoding: chunked\r\n\r\n%lx\r\n", o->n_body);
	else if (o->n_body > 0)
		(void)snprintf(
			framing, sizeof(framing), "Content-Length: %lu\r\n\r\n", o->n_body);
	else
		(void)snprintf(framing, sizeof(framing), "\r\n");
	return (size_t)snprintf(head, OPTIONS_HEAD_MAX,
		"%s %s HTTP/1.1\r\nHost: %s\r\n%s%s", o->method, path, o->host, o->fields,
		framing);
}

/* A piece of the body from its byte @at on. */
static struct span body_from(const struct load *l, uint64_t at)
{
	size_t from = at % IO_BYTES;

	if (l->options.body.p)
		return span_from(l->options.body, at);
	return span_of(l->pattern + from, MIN(IO_BYTES - from, l->options.n_body - at));
}

/* Fills @iov with what stands from c->n_sent on; returns how many entries. */
static int rest_of_request(
	struct load *l, const struct conn *c, char *head, struct iovec *iov)
{
	static char chunks_end[] = "\r\n0\r\n\r\n";

	if (l->options.raw)
		return 0;
	size_t n_head = make_head(l, c, head);
	size_t n_end = l->options.chunked ? sizeof(chunks_end) - 1 : 0;
	uint64_t at = c->n_sent;
	int n = 0;

	if (at < n_head) {
		iov[n++] = (struct iovec){head + at, n_head - at};
		at = n_head;
	}
	at -= n_head;
	while (at < l->options.n_body && n < 3) {
		struct span piece = body_from(l, at);
		iov[n++] = (struct iovec){(void *)piece.p, piece.n};
		at += piece.n;
	}
	if (at >= l->options.n_body && at - l->options.n_body < n_end) {
		at -= l->options.n_body;
		iov[n++] = (struct iovec){chunks_end + at, n_end - at};
	}
	return n;
}

/* Sends what fits. False if the connection is broken, and errno says how. */
static bool send_more(struct load *l, struct conn *c)
{
	char head[OPTIONS_HEAD_MAX];
	struct iovec iov[4];
	int n;

	while ((n = rest_of_request(l, c, head, iov)) > 0) {
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = (size_t)n};
		ssize_t sent = sendmsg(c->fd, &msg, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN;
		c->n_sent += (uint64_t)sent;
	}
	return true;
}

/* ---- a connection's life ---- */

static bool may_ask(const struct load *l)
{
	const struct options *o = &l->options;

	if (o->n_requests > 0 && l->ledger.n_begun >= o->n_requests)
		return false;
	return l->now_ns - l->ledger.begun_ns < o->for_ns;
}

static void hang_up(struct load *l, struct conn *c, enum state to)
{
	if (c->fd >= 0)
		(void)close(c->fd); /* which also takes it out of the epoll */
	c->fd = -1;
	c->state = to;
	c->deadline_ns = l->now_ns + TICK_MS * NS_PER_MS;
	l->n_over += to == OVER;
}

static void count_broken(struct load *l, struct conn *c, enum broken how)
{
	if (c->answered) {
		l->ledger.n_broken_after[how]++;
	} else {
		l->ledger.n_broken_before[how]++;
		l->ledger.n_broken_reused += c->n_answers > 0;
	}
	hang_up(l, c, RESTING);
}

static enum broken broken_by(const struct conn *c, int error)
{
	if (error == ECONNREFUSED && c->n_sent == 0)
		return BROKEN_CONNECT;
	return BROKEN_RESET;
}

static void ask(struct load *l, struct conn *c)
{
	c->state = ASKING;
	c->request = l->ledger.n_begun++;
	c->n_sent = 0;
	c->answered = false;
	c->body_differs = false;
	c->since_ns = clock_ns();
	c->deadline_ns = c->since_ns + l->options.timeout_ns;
	answer_start(&c->answer);
	if (l->options.raw) {
		c->answer.phase = ANSWER_UNTIL_CLOSE;
		c->answer.status = 200;
	}
	c->answer.bodyless = strcmp(l->options.method, "HEAD") == 0;
	/* An answer to a refused upload may already be here: a broken pipe is for the
	 * reader to judge. */
	if (!send_more(l, c) && errno != EPIPE)
		count_broken(l, c, broken_by(c, errno));
}

static void open_conn(struct load *l, struct conn *c)
{
	const int on = 1;

	if (!may_ask(l)) {
		c->state = OVER;
		l->n_over++;
		return;
	}
	c->fd = socket(
		l->options.to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		give_up("load: socket");
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* speed only */
	c->n_answers = 0;
	l->ledger.n_connections++;
	if (connect(c->fd, (struct sockaddr *)&l->options.to, l->options.n_to) < 0
		&& errno != EINPROGRESS) {
		l->ledger.n_begun++;
		c->answered = false;
		c->n_sent = 0;
		count_broken(l, c, broken_by(c, errno));
		return;
	}
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event) < 0)
		give_up("load: epoll_ctl");
	ask(l, c);
}

/* Opens the next connection that has never been. */
static void start_next(struct load *l)
{
	while (l->n_started < l->options.n_connections) {
		struct conn *c = &l->conns[l->n_started++];
		open_conn(l, c);
		if (c->state != OVER)
			return;
	}
}

/* --hold: asks on the next connection that is still held. */
static void release_next(struct load *l)
{
	while (l->released && l->n_released < l->n_started) {
		struct conn *c = &l->conns[l->n_released++];
		if (c->state == HELD) {
			ask(l, c);
			return;
		}
	}
}

/* Goes on after a connection that is no more; one that was to be held has had its turn. */
static void go_on(struct load *l, struct conn *c)
{
	if (l->options.hold)
		hang_up(l, c, OVER);
	else
		open_conn(l, c);
	if (c->state != OVER)
		return;
	start_next(l);
	release_next(l);
}

static void record(struct load *l, struct conn *c)
{
	const struct answer *a = &c->answer;
	const struct options *o = &l->options;

	if (a->status == 503 && a->retry_after) {
		l->ledger.n_refused++;
	} else if (a->status < 200 || a->status > 299) {
		l->ledger.n_wrong[MIN(a->status, LEDGER_STATUS_MAX - 1)]++;
	} else if (c->body_differs
		   || (o->expect_bytes != UINT64_MAX && a->n_body != o->expect_bytes)) {
		l->ledger.n_broken_after[BROKEN_BODY]++;
	} else {
		ledger_right(&l->ledger, c->since_ns, clock_ns());
	}
	l->ledger.n_body_bytes += a->n_body;
}

/* The answer is whole. */
static void settle(struct load *l, struct conn *c)
{
	char head[OPTIONS_HEAD_MAX];
	struct iovec iov[4];
	bool all_sent = rest_of_request(l, c, head, iov) == 0;

	record(l, c);
	c->n_answers++;
	if (!c->answer.keeps_alive || l->options.one_each || !all_sent) {
		c->state = ENDING;
		if (!all_sent)
			hang_up(l, c, RESTING);
	} else if (l->options.hold && !l->released) {
		c->state = HELD;
		start_next(l);
	} else if (may_ask(l)) {
		ask(l, c);
	} else {
		hang_up(l, c, OVER);
		release_next(l);
	}
}

/* The server ended the connection in good order. */
static void ended(struct load *l, struct conn *c)
{
	/* Where it is not HTTP, no bytes are an answer too. */
	if (c->state == ASKING && answer_end(&c->answer)
		&& (c->answered || l->options.raw)) {
		settle(l, c);
		c->state = ENDING;
	}
	if (c->state == ASKING) {
		count_broken(l, c, BROKEN_CLOSED);
	} else if (c->state == HELD) {
		l->ledger.n_held_lost++;
		hang_up(l, c, OVER);
	} else {
		hang_up(l, c, RESTING);
		go_on(l, c);
	}
}

/* Bytes came. False if they are not what a server may send now. */
static bool take(struct load *l, struct conn *c, struct span in)
{
	struct span piece;
	int got;

	if (c->state != ASKING)
		return false;
	c->answered = true;
	do {
		uint64_t at = c->answer.n_body;
		got = answer_read(&c->answer, &in, &piece);
		if (got == ANSWER_PIECE && l->options.expect.p)
			c->body_differs |=
				at + piece.n > l->options.expect.n
				|| memcmp(l->options.expect.p + at, piece.p, piece.n) != 0;
	} while (got == ANSWER_PIECE);
	if (got == ANSWER_BAD || in.n > 0)
		return false;
	if (got == 0)
		settle(l, c);
	return true;
}

/* Reads all there is: the epoll tells of news only once. */
static void receive(struct load *l, struct conn *c)
{
	while (c->fd >= 0) {
		ssize_t n = recv(c->fd, l->io, sizeof(l->io), 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n == 0) {
			ended(l, c);
		} else if (n < 0) {
			if (c->state == ASKING)
				count_broken(l, c, broken_by(c, errno));
			else
				ended(l, c);
		} else if (!take(l, c, span_of(l->io, (size_t)n))) {
			c->answered = true;
			count_broken(l, c, BROKEN_GARBLED);
		} else if ((size_t)n < sizeof(l->io) && c->state == ASKING && c->n_sent > 0
			   && !c->answered) {
			return; /* the next request is out; its answer is news of its own */
		}
	}
}

static void on_event(struct load *l, struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (c->state == ASKING && (events & EPOLLOUT) && !send_more(l, c) && errno != EPIPE
		&& errno != ECONNRESET)
		count_broken(l, c, broken_by(c, errno));
	else if (events & ~(uint32_t)EPOLLOUT)
		receive(l, c);
}

/* ---- the whole ---- */

static void check_deadline(struct load *l, struct conn *c)
{
	if (l->now_ns < c->deadline_ns)
		return;
	if (c->state == ASKING) {
		count_broken(l, c, BROKEN_TIMEOUT);
	} else if (c->state == ENDING) {
		hang_up(l, c, RESTING);
	} else if (c->state == RESTING) {
		go_on(l, c);
	}
}

static void tick(struct load *l)
{
	unsigned n_held = 0;

	for (unsigned i = 0; i < l->n_started; i++) {
		check_deadline(l, &l->conns[i]);
		n_held += l->conns[i].state == HELD;
	}
	if (l->options.hold && !l->announced
		&& n_held + l->n_over == l->options.n_connections) {
		(void)printf("held %u\n", n_held);
		(void)fflush(stdout);
		l->announced = true;
	}
}

/* Standard input ended: every held connection is to show that it still works, some at a
 * time. */
static void release(struct load *l)
{
	l->released = true;
	l->options.n_requests = 1; /* none after these */
	for (unsigned i = 0; i < OPENING_MAX; i++)
		release_next(l);
}

static void run(struct load *l)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t next_tick_ns = 0;

	while (l->n_over < l->options.n_connections) {
		int n = epoll_wait(l->epoll, events, EVENTS_MAX, TICK_MS);
		l->now_ns = clock_ns();
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;
			if (c == NULL)
				release(l);
			else
				on_event(l, c, events[i].events);
		}
		if (l->now_ns >= next_tick_ns) {
			tick(l);
			next_tick_ns = l->now_ns + TICK_MS * NS_PER_MS;
		}
	}
}

static void start(struct load *l)
{
	unsigned at_once = l->options.n_connections;

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->conns = calloc(l->options.n_connections, sizeof(*l->conns));
	if (l->epoll < 0 || l->conns == NULL)
		give_up("load");
	for (size_t i = 0; i < IO_BYTES; i++)
		l->pattern[i] = (char)(i * 2'654'435'761u >> 13);
	for (unsigned i = 0; i < l->options.n_connections; i++)
		l->conns[i] = (struct conn){.fd = -1, .number = i};
	if (l->options.hold) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
			give_up("load: standard input");
		at_once = MIN(at_once, OPENING_MAX);
	}
	l->now_ns = l->ledger.begun_ns = clock_ns();
	while (l->n_started < at_once)
		start_next(l);
}

int main(int argc, char **argv)
{
	static struct load load;

	options_read(&load.options, argc, argv);
	start(&load);
	run(&load);
	ledger_print(&load.ledger, clock_ns(), stdout);
	return 0;
}
