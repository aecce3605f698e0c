/* SPDX-License-Identifier: MIT */

/* What a service calls (conn.h): bytes in and out, and how far a request has come. */

#include "core/board.h"
#include "core/conn_wrk.h"
#include "core/service.h"
#include "core/worker_wrk.h"
#include "os/sock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

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
