/* SPDX-License-Identifier: MIT */

#include "core/conn_wrk.h"

#include "core/conn_priv_wrk.h"
#include "core/model.h"
#include "core/service.h"
#include "core/worker_wrk.h"
#include "os/fd.h"
#include "os/sock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TURNS_MAX 16 /* callbacks in a row before the other connections have a turn */

static void follow(struct held *h, enum conn_want want);

/* -- what the service calls -- */

static ssize_t failed_io(struct held *h, bool *ready)
{
	if (errno == EAGAIN) {
		*ready = false;
		return CONN_IO_AGAIN;
	}
	h->pub.in.max = h->pub.in.n; /* nothing more comes from here */
	return CONN_IO_GONE;
}

/* Accounts for @n bytes read where @room was free: a short read has emptied the socket. */
static void count_read(struct held *h, size_t n, size_t room)
{
	/* A waiting end-of-stream gives no further edge. */
	h->may_read = n == room || h->peer_ended;
	board_add(&h->seat->n_read, n);
	board_add(&h->pub.worker->board->counters->bytes_in, n);
}

ssize_t conn_fill(struct conn *c)
{
	struct held *h = held_of(c);
	size_t room = c->in.max - c->in.n;

	if (!room)
		return CONN_IO_FULL;
	ssize_t got = recv(h->fd, c->in.p + c->in.n, room, 0);
	if (got < 0)
		return failed_io(h, &h->may_read);
	if (got == 0)
		return CONN_IO_EOF;
	c->in.n += (size_t)got;
	count_read(h, (size_t)got, room);
	return got;
}

void conn_consume(struct conn *c, size_t n)
{
	assert(n <= c->in.n);
	c->in.n -= n;
	if (c->in.n)
		memmove(c->in.p, c->in.p + n, c->in.n);
	board_add(&held_of(c)->seat->n_used, n);
}

ssize_t conn_recv(struct conn *c, void *buf, size_t n)
{
	struct held *h = held_of(c);

	assert(c->in.n == 0);
	ssize_t got = recv(h->fd, buf, n, 0);
	if (got < 0)
		return failed_io(h, &h->may_read);
	if (got > 0) {
		count_read(h, (size_t)got, n);
		board_add(&h->seat->n_used, (uint64_t)got);
	}
	return got;
}

ssize_t conn_splice(struct conn *c, int pipe, size_t n)
{
	struct held *h = held_of(c);

	assert(c->in.n == 0);
	ssize_t got = splice(h->fd, NULL, pipe, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	if (got < 0)
		return failed_io(h, &h->may_read);
	if (got > 0) {
		/* As if all that was asked for had come: the pipe may have been the limit. */
		count_read(h, (size_t)got, (size_t)got);
		board_add(&h->seat->n_used, (uint64_t)got);
	}
	return got;
}

/* Bytes are about to go: from here on the kernel knows best how far the answer got. */
static void sending(struct held *h)
{
	struct seat *seat = h->seat;

	if (seat_state(seat) == SEAT_SENDING)
		return;
	atomic_store_explicit(&seat->answer_from,
		atomic_load_explicit(&seat->n_sent, memory_order_relaxed),
		memory_order_relaxed);
	seat_go(seat, SEAT_SENDING);
}

static void count_sent(struct held *h, size_t n)
{
	board_add(&h->seat->n_sent, n);
	board_add(&h->pub.worker->board->counters->bytes_out, n);
}

ssize_t conn_send(struct conn *c, const struct iovec *iov, int n_iov, bool more)
{
	struct held *h = held_of(c);
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n_iov};
	int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);

	sending(h);
	/* The kernel has less to copy, and to check, of one piece. */
	ssize_t sent = n_iov == 1 ? send(h->fd, iov->iov_base, iov->iov_len, flags)
				  : sendmsg(h->fd, &msg, flags);
	if (sent < 0)
		return failed_io(h, &h->may_write);
	count_sent(h, (size_t)sent);
	return sent;
}

ssize_t conn_sendfile(struct conn *c, int fd, off_t *offset, size_t n)
{
	struct held *h = held_of(c);

	sending(h);
	ssize_t sent = sendfile(h->fd, fd, offset, n);
	if (sent < 0)
		return failed_io(h, &h->may_write);
	if (sent == 0)
		return CONN_IO_SHORT;
	count_sent(h, (size_t)sent);
	return sent;
}

void conn_begun(struct conn *c)
{
	struct held *h = held_of(c);

	atomic_store_explicit(&h->seat->begun, 1, memory_order_relaxed);
	if (seat_state(h->seat) == SEAT_HELD)
		seat_go(h->seat, SEAT_BEGUN);
}

void conn_answer(struct conn *c, size_t n_request, uint64_t n_answer)
{
	struct seat *seat = held_of(c)->seat;
	uint64_t n_sent = atomic_load_explicit(&seat->n_sent, memory_order_relaxed);

	atomic_store_explicit(&seat->n_request, (uint32_t)n_request, memory_order_relaxed);
	atomic_store_explicit(&seat->answer_to, n_sent + n_answer, memory_order_relaxed);
}

void conn_settled(struct conn *c)
{
	struct held *h = held_of(c);
	struct board_counters *counters = c->worker->board->counters;

	seat_go(h->seat, SEAT_HELD);
	/* Not before the state has changed: a death in between must find the answer whole. */
	atomic_store_explicit(&h->seat->answer_to, 0, memory_order_release);
	atomic_store_explicit(&h->seat->begun, 0, memory_order_relaxed);
	board_add(&counters->requests, 1);
	board_add(&counters->progress, 1);
}

void conn_timer(struct conn *c, uint64_t at_ns)
{
	/* Without memory the deadline is lost; the supervisor's own still holds. */
	(void)loop_at(c->worker->loop, &held_of(c)->timer, at_ns);
}

void conn_linger(struct conn *c, uint64_t for_ns, uint64_t most_bytes)
{
	held_of(c)->linger_ns = for_ns;
	held_of(c)->linger_bytes = most_bytes;
}

bool conn_has_unread(const struct conn *c)
{
	return c->in.n > 0 || sock_has_input(((const struct held *)c)->fd);
}

int conn_lend(struct conn *c, int *fd)
{
	struct held *h = held_of(c);

	assert(c->worker->service->hangup);
	if (c->in.n)
		return -EBUSY;
	int r = sock_make_blocking(h->fd);
	if (r < 0)
		return r;
	conn_begun(c);
	sending(h); /* or as good as: we shall not know */
	h->lent = true;
	h->watched = 0; /* so that what is the case already is told once more */
	*fd = h->fd;
	return 0;
}

void conn_follow(struct conn *c, enum conn_want want)
{
	follow(held_of(c), want);
}

/* -- the end of a stay -- */

/* Takes everything of it out of the loop, and has the service forget it. */
static void detach(struct held *h)
{
	struct worker *w = h->pub.worker;

	loop_remove(w->loop, &h->io);
	loop_cancel(w->loop, &h->timer);
	list_remove(&h->turn.link);
	list_remove(&h->idle);
	if (h->open && w->service->close)
		w->service->close(&h->pub);
	w->n_open--;
}

void conn_finish(struct held *h, bool abort)
{
	struct worker *w = h->pub.worker;

	detach(h);
	if (abort) {
		/* A reset, whichever process closes its copy last. */
		const struct linger now = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(h->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	}
	(void)shutdown(h->fd,
		SHUT_RDWR); /* close() alone does not end what the supervisor holds too */
	fd_close(&h->fd);
	board_add(&w->board->counters->progress, 1);
	w->model_ops->wrk_ended(&h->pub);
	worker_look(w);
}

void conn_leave(struct conn *c)
{
	struct held *h = held_of(c);

	detach(h);
	fd_close(&h->fd);
	worker_look(c->worker);
}

void conn_end(struct conn *c)
{
	conn_finish(held_of(c), false);
}

struct conn *conn_longest_idle(struct worker *w)
{
	struct list *idle = &w->conns.idle;

	return list_empty(idle) ? NULL : &list_first(idle, struct held, idle)->pub;
}

struct conn *conn_to_give_way(struct worker *w)
{
	struct held *h;

	list_for_each (h, &w->conns.idle, idle) {
		if (seat_may_give_way(h->seat, worker_now_ns(w)) && !sock_has_input(h->fd))
			return &h->pub;
	}
	return NULL;
}

/* Drops what still comes, until the peer's end, too much of it, or too late. */
static void linger_on(struct held *h)
{
	int64_t n = sock_discard(h->fd, h->linger_bytes);

	if (n < 0 || (uint64_t)n >= h->linger_bytes)
		conn_finish(h, false);
	else
		h->linger_bytes -= (uint64_t)n;
}

bool conn_watch(struct held *h, uint32_t events)
{
	struct loop *loop = h->pub.worker->loop;

	events |= EPOLLRDHUP | EPOLLET;
	if ((h->watched & events) == events)
		return true;
	events |= h->watched;
	int r = h->io.added ? loop_change(loop, &h->io, events)
			    : loop_add(loop, &h->io, events);
	h->watched = events;
	return r == 0;
}

void conn_close(struct held *h)
{
	struct loop *loop = h->pub.worker->loop;

	/* What came before the peer's end and nobody read would be answered by a reset. */
	if (!h->linger_ns || (h->peer_ended && !sock_has_input(h->fd))) {
		conn_finish(h, false);
		return;
	}
	/*
	 * What still comes is the rest of a refused request. If this process dies
	 * now, nobody may take that for a request of its own: so the seat says that
	 * an answer is under way which can never be whole.
	 */
	atomic_store(&h->seat->answer_from, UINT64_MAX);
	atomic_store(&h->seat->answer_to, 0);
	seat_go(h->seat, SEAT_SENDING);
	h->lingering = true;
	h->lent = false;
	h->want = CONN_READ;
	(void)shutdown(h->fd, SHUT_WR);
	if (!conn_watch(h, EPOLLIN)
		|| loop_at(loop, &h->timer, loop_now_ns(loop) + h->linger_ns) < 0)
		conn_finish(h, false);
	else
		linger_on(h);
}

/* -- from one callback to the next -- */

static void become_idle(struct held *h)
{
	struct worker *w = h->pub.worker;

	loop_cancel(w->loop, &h->timer);
	list_append(&w->conns.idle, &h->idle);
	atomic_store_explicit(
		&h->seat->since_ns, loop_now_ns(w->loop), memory_order_relaxed);
	seat_go(h->seat, SEAT_IDLE);
	w->model_ops->wrk_idle(&h->pub);
}

/* Whether the connection is still ours: while it was idle the supervisor may have taken it.
 */
static bool wake_from_idle(struct held *h)
{
	list_remove(&h->idle);
	return seat_try(h->seat, SEAT_IDLE, SEAT_HELD);
}

/* It was taken from us while it was idle, and whoever has it now goes on with it. */
static void give_up(struct held *h)
{
	struct conn *c = &h->pub;

	conn_leave(c);
	c->worker->model_ops->wrk_ended(c);
}

static void end_turn(struct held *h)
{
	loop_defer(h->pub.worker->loop, &h->turn);
}

static uint32_t events_for(const struct held *h)
{
	if (h->lent)
		return 0; /* only its end: what comes is the program's business */
	return h->want == CONN_WRITE ? EPOLLIN | EPOLLOUT : EPOLLIN;
}

/* Does what the service wants until something must be waited for. */
static void follow(struct held *h, enum conn_want want)
{
	struct conn *c = &h->pub;
	const struct service_ops *service = c->worker->service;

	for (int turns = 0;; turns++) {
		h->want = want;
		bool now = false;

		switch (want) {
		case CONN_READ:
		case CONN_IDLE: now = h->may_read; break;
		case CONN_WRITE: now = h->may_write; break;
		case CONN_AGAIN: end_turn(h); return;
		case CONN_WAIT: break;
		case CONN_CLOSE: conn_close(h); return;
		case CONN_ABORT: conn_finish(h, true); return;
		}
		if (!now) {
			if (!conn_watch(h, events_for(h)))
				conn_finish(h, true);
			else if (want == CONN_IDLE)
				become_idle(h);
			return;
		}
		if (turns == TURNS_MAX) {
			end_turn(h);
			return;
		}
		want = want == CONN_WRITE ? service->writable(c) : service->readable(c);
	}
}

static void on_turn(struct loop_task *task)
{
	struct held *h = container_of(task, struct held, turn);
	const struct service_ops *service = h->pub.worker->service;
	bool reads = h->want == CONN_READ || h->want == CONN_IDLE;

	follow(h, reads ? service->readable(&h->pub) : service->writable(&h->pub));
}

static void on_io(struct loop_io *io, uint32_t events)
{
	struct held *h = container_of(io, struct held, io);
	struct conn *c = &h->pub;
	const struct service_ops *service = c->worker->service;

	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		h->peer_ended = true;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		h->may_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		h->may_write = true;

	if (h->lingering) {
		linger_on(h);
		return;
	}
	if (h->hailing) {
		conn_hail(h);
		return;
	}
	if (h->lent) {
		follow(h, service->hangup(c, events & (EPOLLHUP | EPOLLERR)));
		return;
	}
	if (!list_empty(&h->turn.link))
		return; /* its turn comes anyway */
	switch (h->want) {
	case CONN_IDLE:
		if (!h->may_read)
			return;
		if (wake_from_idle(h))
			follow(h, service->readable(c));
		else
			give_up(h);
		return;
	case CONN_READ:
		if (h->may_read)
			follow(h, service->readable(c));
		return;
	case CONN_WRITE:
		if (h->may_write)
			follow(h, service->writable(c));
		return;
	case CONN_WAIT:
		if (events & (EPOLLHUP | EPOLLERR)) /* both directions: nobody is left to
						       wait for */
			conn_finish(h, true);
		return;
	case CONN_AGAIN:
	case CONN_CLOSE:
	case CONN_ABORT: return;
	}
}

static void on_timer(struct loop_timer *timer)
{
	struct held *h = container_of(timer, struct held, timer);

	if (h->lingering || h->hailing) {
		conn_finish(h, false);
		return;
	}
	list_remove(&h->turn.link);
	follow(h, h->pub.worker->service->timer(&h->pub));
}

/* -- the beginning of a stay -- */

void conn_arrive(struct worker *w, const struct conn_arrival *a)
{
	struct held *h = &w->conns.held[a->seat];
	struct seat *seat = &w->board->seats[a->seat];
	size_t conn_bytes = w->service->conn_bytes;

	*h = (struct held){
		.pub =
			{
				.worker = w,
				.peer = &h->peer,
				.local = a->local,
				.id = a->id,
				.accepted_ns = a->accepted_ns,
				.resumed = a->resumed,
				.in = {.p = board_input(w->board, a->seat),
					.n = seat_n_input(seat),
					.max = w->board->input_bytes},
				.data = w->conns.data + a->seat * conn_bytes,
			},
		.seat = seat,
		.seat_index = a->seat,
		.fd = a->fd,
		.io = {.on = on_io, .fd = a->fd},
		.timer.on = on_timer,
		.turn.on = on_turn,
		.peer = *a->peer,
		.may_read = true,
		.may_write = true,
	};
	list_init(&h->turn.link);
	list_init(&h->idle);
	memset(h->pub.data, 0, conn_bytes);

	w->n_open++;
	board_add(&w->board->counters->connections, 1);
	conn_begin(h);
}

void conn_each_idle(struct worker *w, void (*each)(struct conn *c))
{
	struct held *h, *tmp;

	list_for_each_safe (h, tmp, &w->conns.idle, idle)
		each(&h->pub);
}

int conn_table_init(struct conn_table *t, struct worker *w)
{
	unsigned n = w->board->n_seats;

	*t = (struct conn_table){
		.held = calloc(n, sizeof(*t->held)),
		.n = n,
		.data = calloc(n, w->service->conn_bytes ? w->service->conn_bytes : 1),
	};
	list_init(&t->idle);
	for (unsigned i = 0; t->held && i < n; i++)
		t->held[i].fd = -1;
	return t->held && t->data ? 0 : -ENOMEM;
}

void conn_table_abort(struct conn_table *t)
{
	for (unsigned i = 0; t->held && i < t->n; i++) {
		if (t->held[i].fd >= 0)
			conn_finish(&t->held[i], true);
	}
}

void conn_table_fini(struct conn_table *t)
{
	conn_table_abort(t);
	free(t->held);
	free(t->data);
	*t = (struct conn_table){0};
}
