/* SPDX-License-Identifier: MIT */

#include "service/drive/body.h"

#include "http/resp.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

#include <sys/uio.h>

/* What one callback reads before other connections have their turn. */
#define TURN_BYTES (4 * MIB)

typedef void body_take(struct request *r, struct span piece);

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

/* The next bytes of a body by length, from where they are. */
static ssize_t read_plain(struct request *r, body_take *take)
{
	struct conn *c = r->conn;
	size_t n = MIN(r->body.left, DRIVE_BLOCK_BYTES);

	if (c->in.n > 0) {
		n = MIN(n, c->in.n);
		if (take)
			take(r, span_of(c->in.p, n));
		conn_consume(c, n);
	} else {
		ssize_t got = conn_recv(c, r->drive->block, n);
		if (got <= 0)
			return got;
		n = (size_t)got;
		if (take)
			take(r, span_of(r->drive->block, n));
	}
	r->body.left -= n;
	r->body.is_unread = r->body.left > 0;
	return (ssize_t)n;
}

/* Goes through the chunks in *@in. Returns an HTTP_CHUNK_ outcome, or HTTP_CHUNK_DATA if
 * @take answered. */
static int take_chunks(struct request *r, struct span *in, body_take *take)
{
	for (;;) {
		struct span piece;
		int rc = http_chunk_next(&r->body.chunk, in, &piece);
		if (rc == HTTP_CHUNK_END)
			r->body.is_unread = false;
		if (rc != HTTP_CHUNK_DATA)
			return rc;
		if (take && r->state == REQUEST_BODY)
			take(r, piece);
	}
}

/* The next bytes in chunks: through conn->in, so that what follows the body stays there,
 * but past it where a chunk is known to go on. */
static ssize_t read_chunks(struct request *r, body_take *take, const char **why)
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

	if (take_chunks(r, &in, take) == HTTP_CHUNK_BAD)
		*why = r->body.chunk.why;
	if (c->in.n > 0)
		conn_consume(c, c->in.n - in.n);
	return got;
}

enum body_outcome body_read(
	struct request *r, body_take *take, enum conn_want *want, const char **why)
{
	enum request_state state = r->state;
	*why = NULL;

	for (size_t n = 0; n < TURN_BYTES;) {
		if (!r->body.is_unread)
			return BODY_WHOLE;
		ssize_t got = r->head.body == HTTP_BODY_CHUNKED ? read_chunks(r, take, why)
								: read_plain(r, take);
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
