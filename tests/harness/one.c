/* SPDX-License-Identifier: MIT */
#include "one.h"

#include "base/reason.h"
#include "base/util.h"
#include "core/worker.h"
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MOST 64u

struct held {
	struct conn conn;
	int fd; /* owned */
	enum conn_want want;
	uint64_t timer_ns;
	bool lingers;
};

struct worker {
	const struct service_ops *ops;
	const void *conf;
	void *state;
	void *shared;
	int access_fd;
	uint64_t passed_ns;
	bool draining;
};

struct one {
	struct worker worker;
	struct held *held[CONNS_MOST]; /* owned; NULL: free */
	uint64_t last_id;
};

static const struct addr NOWHERE = {
	.len = sizeof(sa_family_t), .un = {.sun_family = AF_UNIX}};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;
	(void)clock_gettime(clock, &t); /* cannot fail for these two clocks */
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static struct held *held_of(struct conn *c)
{
	return container_of(c, struct held, conn);
}

const void *worker_conf(const struct worker *w)
{
	return w->conf;
}

void *worker_state(const struct worker *w)
{
	return w->state;
}

void worker_set_state(struct worker *w, void *state)
{
	w->state = state;
}

void *worker_shared(const struct worker *w)
{
	return w->shared;
}

struct log *worker_log(const struct worker *)
{
	static struct log nowhere = LOG_NONE;
	return &nowhere;
}

struct loop *worker_loop(const struct worker *)
{
	return NULL;
}

void worker_wake(struct worker *, uint64_t)
{
}

uint64_t worker_now_ns(const struct worker *w)
{
	return clock_ns(CLOCK_MONOTONIC) + w->passed_ns;
}

uint64_t worker_wall_ns(const struct worker *w)
{
	return clock_ns(CLOCK_REALTIME) + w->passed_ns;
}

bool worker_draining(const struct worker *w)
{
	return w->draining;
}

int worker_access_fd(const struct worker *w)
{
	return w->access_fd;
}

void worker_blocking(struct worker *)
{
}

void worker_unblocked(struct worker *)
{
}

void worker_progress(struct worker *)
{
}

static ssize_t io_result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? CONN_IO_AGAIN : CONN_IO_GONE;
}

ssize_t conn_fill(struct conn *c)
{
	if (c->in.n == c->in.max)
		return CONN_IO_FULL;
	ssize_t n =
		recv(held_of(c)->fd, c->in.p + c->in.n, c->in.max - c->in.n, MSG_DONTWAIT);
	if (n > 0)
		c->in.n += (size_t)n;
	return io_result(n);
}

void conn_consume(struct conn *c, size_t n)
{
	assert(n <= c->in.n);
	c->in.n -= n;
	memmove(c->in.p, c->in.p + n, c->in.n);
}

ssize_t conn_recv(struct conn *c, void *buf, size_t n)
{
	assert(c->in.n == 0);
	return io_result(recv(held_of(c)->fd, buf, n, MSG_DONTWAIT));
}

ssize_t conn_splice(struct conn *c, int pipe, size_t n)
{
	struct pollfd socket = {.fd = held_of(c)->fd, .events = POLLIN};

	assert(c->in.n == 0);
	if (poll(&socket, 1, 0) == 0) /* it may be one that waits */
		return CONN_IO_AGAIN;
	return io_result(splice(socket.fd, NULL, pipe, NULL, n, SPLICE_F_NONBLOCK));
}

ssize_t conn_send(struct conn *c, const struct iovec *iov, int n_iov, bool more)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n_iov};
	return io_result(sendmsg(
		held_of(c)->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0)));
}

ssize_t conn_sendfile(struct conn *c, int fd, off_t *offset, size_t n)
{
	assert(n > 0);
	ssize_t sent = sendfile(held_of(c)->fd, fd, offset, n);
	return sent == 0 ? CONN_IO_SHORT : io_result(sent);
}

void conn_begun(struct conn *)
{
}

void conn_answer(struct conn *c, size_t n_request, uint64_t n_answer)
{
	(void)c; /* for who outlives this process; nobody does */
	(void)n_request;
	(void)n_answer;
}

void conn_settled(struct conn *)
{
}

void conn_timer(struct conn *c, uint64_t at_ns)
{
	held_of(c)->timer_ns = at_ns;
}

void conn_linger(struct conn *c, uint64_t, uint64_t)
{
	held_of(c)->lingers = true;
}

bool conn_has_unread(const struct conn *c)
{
	return c->in.n > 0;
}

struct one *one_start(const struct service_ops *ops, const void *conf, int access_fd)
{
	struct one *one = calloc(1, sizeof(*one));
	assert(one);
	one->worker = (struct worker){.ops = ops, .conf = conf, .access_fd = access_fd};
	one->worker.shared = calloc(1, ops->shared_bytes + 1);
	assert(one->worker.shared);

	struct reason reason = {0};
	if (ops->start(&one->worker, &reason) < 0) {
		fprintf(stderr, "%s: %s\n", ops->name, reason.text);
		abort();
	}
	return one;
}

static void held_free(struct one *one, size_t at)
{
	struct held *held = one->held[at];
	one->worker.ops->close(&held->conn);
	if (held->lingers)
		(void)shutdown(held->fd, SHUT_WR); /* the test drains its own end */
	(void)close(held->fd);
	free(held->conn.in.p);
	free(held->conn.data);
	free(held);
	one->held[at] = NULL;
}

void one_stop(struct one *one)
{
	for (size_t i = 0; i < CONNS_MOST; i++)
		if (one->held[i])
			held_free(one, i);
	if (one->worker.ops->finish)
		one->worker.ops->finish(&one->worker);
	one->worker.ops->stop(&one->worker);
	free(one->worker.shared);
	free(one);
}

static void wants(struct one *one, size_t at, enum conn_want want)
{
	one->held[at]->want = want;
	if (want == CONN_CLOSE || want == CONN_ABORT)
		held_free(one, at);
}

void one_give(struct one *one, int fd)
{
	const struct service_ops *ops = one->worker.ops;
	size_t at = 0;
	while (at < CONNS_MOST && one->held[at])
		at++;
	assert(at < CONNS_MOST);

	struct held *held = calloc(1, sizeof(*held));
	assert(held);
	held->fd = fd;
	held->conn = (struct conn){.worker = &one->worker,
		.peer = &NOWHERE,
		.local = &NOWHERE,
		.id = ++one->last_id,
		.accepted_ns = worker_now_ns(&one->worker)};
	held->conn.in.max = ops->input_bytes;
	held->conn.in.p = malloc(ops->input_bytes);
	held->conn.data = calloc(1, ops->conn_bytes + 1);
	assert(held->conn.in.p && held->conn.data);
	one->held[at] = held;
	wants(one, at, ops->open(&held->conn));
}

static short events_of(enum conn_want want)
{
	switch (want) {
	case CONN_READ:
	case CONN_IDLE: return POLLIN;
	case CONN_WRITE:
	case CONN_AGAIN: return POLLOUT;
	case CONN_WAIT:
	case CONN_CLOSE:
	case CONN_ABORT: break;
	}
	return 0;
}

static bool call_back(struct one *one, size_t at, short revents)
{
	const struct service_ops *ops = one->worker.ops;
	struct held *held = one->held[at];

	if (held->timer_ns && held->timer_ns <= worker_now_ns(&one->worker)) {
		held->timer_ns = 0;
		wants(one, at, ops->timer(&held->conn));
	} else if (held->want == CONN_AGAIN) {
		wants(one, at, ops->writable(&held->conn));
	} else if (revents & (POLLIN | POLLHUP) && events_of(held->want) == POLLIN) {
		wants(one, at, ops->readable(&held->conn));
	} else if (revents & (POLLOUT | POLLHUP | POLLERR) && held->want == CONN_WRITE) {
		wants(one, at, ops->writable(&held->conn));
	} else if (revents & (POLLHUP | POLLERR)) {
		held_free(one, at);
	} else {
		return false;
	}
	return true;
}

size_t one_turn(struct one *one, int wait_ms)
{
	struct pollfd fds[CONNS_MOST];
	for (size_t i = 0; i < CONNS_MOST; i++) {
		struct held *held = one->held[i];
		fds[i] = (struct pollfd){.fd = held ? held->fd : -1,
			.events = held ? events_of(held->want) : 0};
		if (held && held->timer_ns && held->timer_ns <= worker_now_ns(&one->worker))
			wait_ms = 0;
	}
	if (poll(fds, CONNS_MOST, wait_ms) < 0)
		return 0;

	size_t n_calls = 0;
	for (size_t i = 0; i < CONNS_MOST; i++)
		if (one->held[i] && call_back(one, i, fds[i].revents))
			n_calls++;
	if (n_calls == 0 && one->worker.ops->quiet)
		one->worker.ops->quiet(&one->worker);
	return n_calls;
}

void one_settle(struct one *one)
{
	while (one_turn(one, 0) > 0)
		continue;
}

size_t one_conns(const struct one *one)
{
	size_t n = 0;
	for (size_t i = 0; i < CONNS_MOST; i++)
		n += one->held[i] != NULL;
	return n;
}

void one_pass(struct one *one, uint64_t ns)
{
	one->worker.passed_ns += ns;
}

void one_drain(struct one *one)
{
	one->worker.draining = true;
}
