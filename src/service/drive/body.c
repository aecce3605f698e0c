/* SPDX-License-Identifier: MIT */

#include "service/drive/body.h"

#include "http/resp.h"
#include "os/fd.h"
#include "os/pipe.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

#include <sys/uio.h>

/* What one callback reads before other connections have their turn. */
#define TURN_BYTES (4 * MIB)

void body_expect(struct request *r)
{
	r->body = (struct request_body){
		.left = r->head.body == HTTP_BODY_LENGTH ? r->head.length : 0,
		.is_unread = r->head.body == HTTP_BODY_CHUNKED
			     || (r->head.body == HTTP_BODY_LENGTH && r->head.length > 0),
	};
	r->body.owes_continue = r->body.is_unread && r->head.expect_continue;
	http_chunk_init(&r->body.chunk, NULL);
}

void body_invite(struct request *r)
{
	const struct span go_on = HTTP_RESP_CONTINUE;
	const struct iovec iov = {(char *)go_on.p, go_on.n};

	if (!r->body.owes_continue)
		return;
	r->body.owes_continue = false;
	/* The socket's buffer is empty: all that was sent before has been answered to. If
	 * it has no room all the same, the peer is not one to wait for. */
	if (r->conn->in.n == 0 && conn_send(r->conn, &iov, 1, false) != (ssize_t)go_on.n)
		request_abort(r);
}

void body_close_pipe(struct drive *drive)
{
	fd_close(&drive->pipe_in);
	fd_close(&drive->pipe_out);
}

/* Where the user's pipes may hold no more for now, false. */
static bool has_pipe(struct drive *drive)
{
	return drive->pipe_in >= 0
	       || pipe_open_large(DRIVE_PIPE_BYTES, &drive->pipe_out, &drive->pipe_in) == 0;
}

/* How much of a body by length to read next. Up to a multiple of @most, because a file system
 * takes pages that lie so many at a time. */
static size_t next_bytes(const struct request *r, size_t most)
{
	uint64_t at = r->head.length - r->body.left;

	return (size_t)MIN(r->body.left, most - at % most);
}

static ssize_t read_unseen(struct request *r, const struct task_ops *ops)
{
	struct drive *drive = r->drive;
	enum request_state state = r->state;

	ssize_t got = conn_splice(r->conn, drive->pipe_in, next_bytes(r, DRIVE_PIPE_BYTES));
	if (got <= 0)
		return got;
	ops->take_unseen(r, drive->pipe_out, (size_t)got);
	if (r->state != state)
		body_close_pipe(drive);
	return got;
}

static ssize_t read_seen(struct request *r, const struct task_ops *ops)
{
	char *block = r->drive->block;

	ssize_t got = conn_recv(r->conn, block, next_bytes(r, DRIVE_BLOCK_BYTES));
	if (got > 0 && ops)
		ops->take(r, span_of(block, (size_t)got));
	return got;
}

/* What came with the head, or before the body was waited for. */
static ssize_t take_input(struct request *r, const struct task_ops *ops)
{
	size_t n = MIN(r->body.left, r->conn->in.n);

	if (ops)
		ops->take(r, span_of(r->conn->in.p, n));
	conn_consume(r->conn, n);
	return (ssize_t)n;
}

/* The next bytes of a body by length, from where they are. */
static ssize_t read_plain(struct request *r, const struct task_ops *ops)
{
	ssize_t got;

	if (r->conn->in.n > 0)
		got = take_input(r, ops);
	else if (ops && ops->take_unseen && has_pipe(r->drive))
		got = read_unseen(r, ops);
	else
		got = read_seen(r, ops);
	if (got > 0)
		r->body.left -= (uint64_t)got;
	r->body.is_unread = r->body.left > 0;
	return got;
}

/* Goes through the chunks in *@in. Returns an HTTP_CHUNK_ outcome, or HTTP_CHUNK_DATA if
 * @ops answered. */
static int take_chunks(struct request *r, struct span *in, const struct task_ops *ops)
{
	for (;;) {
		struct span piece;
		int rc = http_chunk_next(&r->body.chunk, in, &piece);
		if (rc == HTTP_CHUNK_END)
			r->body.is_unread = false;
		if (rc != HTTP_CHUNK_DATA)
			return rc;
		if (ops && r->state == REQUEST_BODY)
			ops->take(r, piece);
	}
}

/* The next bytes in chunks: through conn->in, so that what follows the body stays there,
 * but past it where a chunk is known to go on. */
static ssize_t read_chunks(struct request *r, const struct task_ops *ops, const char **why)
{
	struct conn *c = r->conn;
	struct span in = conn_input(c);
	size_t sure =
		(size_t)MIN(http_chunk_payload_left(&r->body.chunk), DRIVE_BLOCK_BYTES);
	ssize_t got = (ssize_t)in.n;

	if (in.n == 0 && sure > 0) {
		got = conn_recv(c, r->drive->block, sure);
		in = span_of(r->drive->block, got > 0 ? (size_t)got : 0);
	} else if (in.n == 0) {
		got = conn_fill(c);
		in = conn_input(c);
	}
	if (got <= 0)
		return got;

	if (take_chunks(r, &in, ops) == HTTP_CHUNK_BAD)
		*why = r->body.chunk.why;
	if (c->in.n > 0)
		conn_consume(c, c->in.n - in.n);
	return got;
}

enum body_outcome body_read(struct request *r, const struct task_ops *ops,
	enum conn_want *want, const char **why)
{
	enum request_state state = r->state;
	*why = NULL;

	for (size_t n = 0; n < TURN_BYTES;) {
		if (!r->body.is_unread)
			return BODY_WHOLE;
		ssize_t got = r->head.body == HTTP_BODY_CHUNKED ? read_chunks(r, ops, why)
								: read_plain(r, ops);
		if (*why)
			return BODY_BAD;
		if (r->state != state)
			return BODY_STOPPED;
		if (got == CONN_IO_AGAIN) {
			*want = CONN_READ;
			return BODY_WAITS;
		}
		if (got <= 0)
			return BODY_GONE;
		n += (size_t)got;
	}
	*want = CONN_AGAIN;
	return BODY_WAITS;
}
