/* SPDX-License-Identifier: MIT */

#include "service/drive/request.h"

#include "core/worker.h"
#include "os/fd.h"
#include "service/drive/answer.h"
#include "service/drive/body.h"
#include "service/drive/drive.h"
#include "service/drive/encode.h"
#include "service/drive/journal.h"
#include "service/drive/methods.h"
#include "service/drive/policy.h"

#include <assert.h>
#include <stdlib.h>

/* States one callback passes through before other connections have their turn: pipelined
 * requests take two each. */
#define STEPS_A_TURN 32u

/* How long CONN_CLOSE waits for a client that may still be sending to read its answer. */
#define LINGER_NS    (2 * NS_PER_SEC)
#define LINGER_BYTES (64 * MIB)

void request_go(struct request *r, enum request_state to)
{
	static const unsigned may[REQUEST_N_STATES] = {
		[REQUEST_HEAD] = BIT(REQUEST_DELAY) | BIT(REQUEST_BODY) | BIT(REQUEST_SEND),
		[REQUEST_DELAY] =
			BIT(REQUEST_DELAY) | BIT(REQUEST_BODY) | BIT(REQUEST_SEND),
		[REQUEST_BODY] = BIT(REQUEST_DELAY) | BIT(REQUEST_SEND),
		[REQUEST_SEND] = BIT(REQUEST_SKIP) | BIT(REQUEST_HEAD),
		[REQUEST_SKIP] = BIT(REQUEST_HEAD),
	};
	assert(to == REQUEST_CLOSED || may[r->state] & BIT(to));
	r->state = to;
}

static void set_timer(struct request *r, uint64_t ns)
{
	conn_timer(r->conn, worker_now_ns(r->conn->worker) + ns);
	r->is_timed = true;
}

static void clear_timer(struct request *r)
{
	if (r->is_timed)
		conn_timer(r->conn, 0);
	r->is_timed = false;
}

/* Ends the connection; the state's callback returns @how. */
static bool closed(struct request *r, enum conn_want how)
{
	r->state = REQUEST_CLOSED;
	r->want = how;
	return false;
}

void request_abort(struct request *r)
{
	(void)closed(r, CONN_ABORT);
}

/* Waits, but not for ever. */
static bool waits(struct request *r, enum conn_want want, uint64_t most_ns)
{
	r->want = want;
	if (want != CONN_AGAIN)
		set_timer(r, most_ns);
	return false;
}

void request_drop_task(struct request *r)
{
	if (r->task_ops && r->task_ops->fini)
		r->task_ops->fini(r->task);
	free(r->task);
	r->task_ops = NULL;
	r->task = NULL;
}

/* Frees what the last request held, and makes ready for the next. */
static void clear(struct request *r)
{
	request_drop_task(r);
	free(r->kept_head);
	fd_close(&r->answer.file);
	buf_fini(&r->answer.out);
	buf_fini(&r->answer.spare);
	encoder_free(r->answer.encoder);

	r->kept_head = NULL;
	r->method = NULL;
	r->user[0] = '\0';
	r->may_write = false;
	r->is_recorded = false;
	r->started_ns = 0;
	r->body = (struct request_body){0};
	r->answer = (struct request_answer){.file = -1,
		.out = BUF_INIT(DRIVE_OUT_MAX),
		.spare = BUF_INIT(DRIVE_OUT_MAX)};
	http_head_init(&r->head);
}

/* Takes the head out of conn->in, and the body that was read there, for the first time. */
static void drop_head(struct request *r)
{
	if (!r->kept_head)
		conn_consume(r->conn, r->head.n_bytes + r->body.in_place);
}

/* Moves the head out of the way of the body. */
static bool keep_head(struct request *r)
{
	size_t n = r->head.n_bytes;
	char *copy = malloc(n);
	if (!copy)
		return false;
	memcpy(copy, r->conn->in.p, n);
	conn_consume(r->conn, n);
	r->kept_head = copy;
	/* It is parsed already; this only says where it is now. */
	return http_head_parse(&r->head, span_of(copy, n)) == HTTP_HEAD_DONE;
}

static bool settle(struct request *r)
{
	conn_settled(r->conn);
	if (r->answer.closes) {
		/* Such as requests that were sent behind this one. */
		if (conn_has_unread(r->conn))
			conn_linger(r->conn, LINGER_NS, LINGER_BYTES);
		return closed(r, CONN_CLOSE);
	}
	clear(r);
	request_go(r, REQUEST_HEAD);
	return true;
}

void *request_task(struct request *r, size_t n_bytes)
{
	r->task = calloc(1, n_bytes);
	if (!r->task)
		answer_result(r, FS_NO_MEMORY);
	return r->task;
}

bool request_body_is_here(const struct request *r)
{
	return r->head.body == HTTP_BODY_LENGTH && !r->kept_head
	       && r->conn->in.n - r->head.n_bytes >= r->body.left;
}

/* Nothing moves, and until the task says so nothing has begun. */
static void read_in_place(struct request *r)
{
	enum request_state state = r->state;
	size_t n = (size_t)r->body.left;

	r->body.in_place = n;
	r->body.left = 0;
	r->body.is_unread = r->body.owes_continue = false;
	r->task_ops->take(r, span_of(r->conn->in.p + r->head.n_bytes, n));
	if (r->state == state) /* it has not answered */
		r->task_ops->end(r);
}

void request_read_body(struct request *r, const struct task_ops *ops)
{
	r->task_ops = ops;
	if (!r->body.is_unread) {
		ops->end(r);
		return;
	}
	if (request_body_is_here(r)) {
		read_in_place(r);
		return;
	}
	conn_begun(r->conn);
	if (!keep_head(r)) {
		answer_result(r, FS_NO_MEMORY);
		return;
	}
	request_go(r, REQUEST_BODY);
	body_invite(r);
}

void request_yield(struct request *r, const struct task_ops *ops)
{
	r->task_ops = ops;
	r->yields = true;
	request_go(r, REQUEST_DELAY);
}

void request_delay(struct request *r, const struct task_ops *ops, uint64_t ns)
{
	r->task_ops = ops;
	request_go(r, REQUEST_DELAY);
	set_timer(r, ns);
}

static bool step_head(struct request *r)
{
	if (r->conn->in.n == 0) {
		r->want = CONN_IDLE;
		return false;
	}
	if (!r->started_ns)
		r->started_ns = worker_now_ns(r->conn->worker);

	switch (http_head_parse(&r->head, conn_input(r->conn))) {
	case HTTP_HEAD_DONE:
		clear_timer(r);
		methods_begin(r);
		return true;
	case HTTP_HEAD_BAD:
		clear_timer(r);
		r->answer.closes = true;
		answer_sentence(r, r->head.status, r->head.why);
		return true;
	default:
		r->want = CONN_READ;
		if (!r->is_timed)
			set_timer(r, r->drive->policy->head_ns);
		return false;
	}
}

static bool step_delay(struct request *r)
{
	if (!r->is_timed && !r->yields) {
		r->task_ops->end(r);
		return true;
	}
	r->want = r->is_timed ? CONN_WAIT : CONN_AGAIN;
	r->yields = false;
	return false;
}

static bool step_body(struct request *r)
{
	const char *why;

	switch (body_read(r, r->task_ops, &r->want, &why)) {
	case BODY_WHOLE:
		clear_timer(r);
		r->task_ops->end(r);
		return true;
	case BODY_STOPPED: clear_timer(r); return true;
	case BODY_WAITS: return waits(r, r->want, r->drive->policy->body_ns);
	case BODY_GONE: return closed(r, CONN_ABORT);
	case BODY_BAD: break;
	}
	clear_timer(r);
	r->answer.closes = true;
	answer_sentence(r, 400, why);
	return true;
}

static bool step_send(struct request *r)
{
	if (!answer_send(r, &r->want)) {
		if (r->want == CONN_ABORT)
			return closed(r, CONN_ABORT);
		return waits(r, r->want, r->drive->policy->write_ns);
	}
	clear_timer(r);
	journal_answered(r);
	r->is_recorded = true;
	if (r->head.n_bytes == 0) /* it was no request: where it ends is unknown */
		return settle(r);
	if (r->body.is_unread && r->answer.closes) /* it may be on its way still */
		conn_linger(r->conn, LINGER_NS, LINGER_BYTES);
	drop_head(r);
	if (!r->body.is_unread || r->answer.closes)
		return settle(r);
	request_go(r, REQUEST_SKIP);
	return true;
}

static bool step_skip(struct request *r)
{
	const char *why;

	switch (body_read(r, NULL, &r->want, &why)) {
	case BODY_WHOLE: clear_timer(r); return settle(r);
	case BODY_WAITS: return waits(r, r->want, r->drive->policy->body_ns);
	case BODY_STOPPED:
	case BODY_GONE:
	case BODY_BAD: break;
	}
	return closed(r, CONN_ABORT);
}

static bool step_closed(struct request *)
{
	return false;
}

static enum conn_want run(struct request *r)
{
	static bool (*const steps[REQUEST_N_STATES])(struct request *) = {
		[REQUEST_HEAD] = step_head,
		[REQUEST_DELAY] = step_delay,
		[REQUEST_BODY] = step_body,
		[REQUEST_SEND] = step_send,
		[REQUEST_SKIP] = step_skip,
		[REQUEST_CLOSED] = step_closed,
	};
	worker_progress(r->conn->worker);
	for (unsigned n = 0; n < STEPS_A_TURN; n++)
		if (!steps[r->state](r))
			return r->want;
	return CONN_AGAIN;
}

enum conn_want request_open(struct conn *c)
{
	struct request *r = c->data;
	r->conn = c;
	r->drive = worker_state(c->worker);
	r->answer.file = -1;
	clear(r);
	return c->in.n > 0 ? run(r) : request_readable(c);
}

enum conn_want request_readable(struct conn *c)
{
	struct request *r = c->data;

	if (r->state == REQUEST_HEAD) {
		ssize_t n = conn_fill(c);
		if (n == CONN_IO_EOF || n == CONN_IO_GONE)
			return n == CONN_IO_EOF ? CONN_CLOSE : CONN_ABORT;
	}
	return run(r);
}

enum conn_want request_writable(struct conn *c)
{
	return run(c->data);
}

enum conn_want request_timer(struct conn *c)
{
	struct request *r = c->data;
	r->is_timed = false;

	switch (r->state) {
	case REQUEST_HEAD:
	case REQUEST_BODY:
		r->answer.closes = true;
		answer_sentence(r, 408,
			r->state == REQUEST_HEAD ? "the request took too long to come"
						 : "the body took too long to come");
		break;
	case REQUEST_DELAY: r->task_ops->end(r); break;
	case REQUEST_SEND:
	case REQUEST_SKIP:
	case REQUEST_CLOSED:
	case REQUEST_N_STATES: return CONN_ABORT;
	}
	return run(r);
}

void request_close(struct conn *c)
{
	struct request *r = c->data;

	if (r->head.n_bytes && !r->is_recorded)
		journal_broken_off(r);
	clear(r);
}
