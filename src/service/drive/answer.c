/* SPDX-License-Identifier: MIT */

#include "service/drive/answer.h"

#include "base/util.h"
#include "core/worker.h"
#include "dav/multistatus.h"
#include "dav/xml.h"
#include "http/accept.h"
#include "http/resp.h"
#include "http/status.h"
#include "log/log.h"
#include "os/fd.h"
#include "service/drive/drive.h"
#include "service/drive/encode.h"
#include "service/drive/fs/path.h"
#include "service/drive/methods.h"
#include "service/drive/request.h"
#include "service/drive/ui/ui_page.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/uio.h>

/* What one callback sends before other connections have their turn. */
#define TURN_BYTES (2 * MIB)

/* Up to here a body is copied behind its head: one piece is sent faster than a list of two. */
#define JOIN_BYTES (4 * KIB)

static struct buf *head_of(struct request *r)
{
	return &r->drive->head;
}

struct buf *answer_begin(struct request *r, unsigned status)
{
	struct buf *head = head_of(r);

	assert(!r->answer.status);
	r->answer.status = status;
	r->answer.has_body =
		!http_status_bodiless(status) && !(r->method && r->method->is_head);
	buf_clear(head);
	http_resp_begin(head, status, drive_date(r->drive));
	return head;
}

void answer_begin_page(struct request *r, struct span csp, struct span cache_control)
{
	struct buf *head = answer_begin(r, 200);

	http_resp_field(head, SPAN("Content-Type"), SPAN(UI_PAGE_TYPE));
	http_resp_field(head, SPAN("Content-Security-Policy"), csp);
	http_resp_field(head, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	http_resp_field(head, SPAN("Referrer-Policy"), SPAN("same-origin"));
	http_resp_field(head, SPAN("Cache-Control"), cache_control);
}

/* The client need not be heard to the end of a body that nobody wants. */
static void refuse_body(struct request *r)
{
	if (!r->body.is_unread)
		return;
	/* A client that waits for a 100 may send the body or not: nobody could tell it from
	 * the next request. */
	if (r->body.owes_continue || r->head.body == HTTP_BODY_CHUNKED
		|| r->body.left > SKIP_MOST)
		r->answer.closes = true;
}

/* The fields every answer ends with, and the empty line. */
static void end_head(struct request *r, uint64_t n_bytes)
{
	refuse_body(r);
	if (!r->head.keep_alive || worker_draining(r->conn->worker))
		r->answer.closes = true;

	struct buf *head = head_of(r);
	if (n_bytes != ANSWER_UNKNOWN) {
		if (!http_status_bodiless(r->answer.status))
			http_resp_length(head, n_bytes);
	} else if (r->head.minor_version >= 1) {
		r->answer.is_chunked = r->answer.has_body;
		http_resp_chunked(head);
	} else {
		r->answer.closes = true; /* where the connection ends, so does the body */
	}
	http_resp_end(head, &r->head, !r->answer.closes);
}

/* Sends the head and @body; what the socket does not take goes to r->answer.out. */
static void send_first(struct request *r, struct span body, bool more)
{
	struct buf *head = head_of(r);
	if (!r->answer.has_body)
		body = span_of(NULL, 0);
	r->answer.body_bytes = body.n;
	if (body.n <= MIN(JOIN_BYTES, head->max - head->n)) {
		buf_put_span(head, body);
		body = span_of(NULL, 0);
	}
	const struct iovec iov[] = {{head->p, head->n}, {(char *)body.p, body.n}};

	request_go(r, REQUEST_SEND);
	/* A stream's length is not known, and an unread body lies between this request and the next. */
	if (!r->answer.is_streamed && !r->answer.closes && !r->body.is_unread)
		conn_answer(r->conn, r->kept_head ? 0 : r->head.n_bytes + r->body.in_place,
			head->n + body.n + r->answer.file_left);
	if (head->failed)
		return request_abort(r);
	ssize_t sent = conn_send(r->conn, iov, body.n ? 2 : 1, more);
	if (sent == CONN_IO_GONE)
		return request_abort(r);

	size_t n = sent > 0 ? (size_t)sent : 0;
	if (n == head->n + body.n)
		return;
	buf_put_span(&r->answer.out, span_from(buf_span(head), n));
	buf_put_span(&r->answer.out, span_from(body, n > head->n ? n - head->n : 0));
	if (r->answer.out.failed)
		request_abort(r);
}

void answer_empty(struct request *r)
{
	end_head(r, 0);
	send_first(r, SPAN(""), false);
}

void answer_memory(struct request *r, struct span body)
{
	end_head(r, body.n);
	send_first(r, body, false);
}

void answer_file(struct request *r, int file, uint64_t from, uint64_t n)
{
	AUTO_CLOSE int adopted = file;
	end_head(r, n);
	if (r->answer.has_body && n > 0) {
		r->answer.file = fd_take(&adopted);
		r->answer.file_at = (off_t)from;
		r->answer.file_left = n;
	}
	send_first(r, SPAN(""), r->answer.file_left > 0);
}

void answer_stream(struct request *r, const struct task_ops *ops, uint64_t n_bytes)
{
	r->task_ops = ops;
	end_head(r, n_bytes);
	r->answer.is_streamed = r->answer.has_body;
	send_first(r, SPAN(""), r->answer.is_streamed);
}

void answer_text(struct request *r, const struct task_ops *ops, uint64_t n_parts)
{
	struct buf *head = head_of(r);
	enum encode_kind kind =
		n_parts >= ANSWER_FEW_PARTS ? encode_choose(&r->head) : ENCODE_NONE;

	http_resp_field(head, SPAN("Vary"), SPAN("Accept-Encoding"));
	if (kind != ENCODE_NONE && r->answer.has_body)
		r->answer.encoder = encoder_new(kind);
	/* Without memory it is sent as it is. */
	if (r->answer.encoder || (kind != ENCODE_NONE && !r->answer.has_body))
		http_resp_field(head, SPAN("Content-Encoding"), encode_name(kind));
	answer_stream(r, ops, ANSWER_UNKNOWN);
}

void answer_piece(struct request *r, uint64_t from, uint64_t n)
{
	r->answer.file_at = (off_t)from;
	r->answer.file_left = n;
}

void answer_explain(struct request *r, const char *sentence)
{
	AUTO_BUF body = BUF_INIT(DRIVE_OUT_MAX);
	struct buf *head = head_of(r);
	bool reads = r->head.method == HTTP_GET || r->head.method == HTTP_HEAD;
	bool is_page = reads && http_accept_html(&r->head);

	if (is_page) {
		ui_page_error(&body, r->drive->site, r->answer.status, span_str(sentence));
		http_resp_field(head, SPAN("Content-Security-Policy"), SPAN(UI_PAGE_CSP));
	} else {
		buf_put_str(&body, sentence);
		buf_put_str(&body, ".\n");
	}
	http_resp_field(head, SPAN("Content-Type"),
		is_page ? SPAN(UI_PAGE_TYPE) : SPAN("text/plain; charset=utf-8"));
	http_resp_field(head, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	answer_memory(r, buf_span(&body));
}

void answer_sentence(struct request *r, unsigned status, const char *sentence)
{
	struct buf *head = answer_begin(r, status);
	if (status == 503)
		http_resp_number(head, SPAN("Retry-After"), 1);
	answer_explain(r, sentence);
}

bool answer_parsed(struct request *r, int result, const char *document)
{
	char sentence[64];

	if (result == XML_OK)
		return true;
	(void)snprintf(sentence, sizeof(sentence), "the body is no %s document", document);
	answer_sentence(r, xml_status(result), sentence);
	return false;
}

void answer_condition(
	struct request *r, unsigned status, const char *condition, struct span url)
{
	AUTO_BUF body = BUF_INIT(1024 + 3 * FS_PATH_MAX);

	multistatus_error(&body, condition, url);
	struct buf *head = answer_begin(r, status);
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	answer_memory(r, buf_span(&body));
}

void answer_multistatus(struct request *r, const struct buf *body)
{
	struct buf *head = answer_begin(r, 207);
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	answer_memory(r, buf_span(body));
}

static const struct {
	unsigned status;
	const char *sentence;
	bool is_trouble; /* the operator should know */
} results[FS_N_RESULTS] = {
	[FS_NOT_FOUND] = {404, "there is nothing with this name"},
	[FS_NO_PARENT] = {409, "the folder this would be in does not exist"},
	[FS_NOT_DIRECTORY] = {409, "this is a file, not a folder"},
	[FS_IS_DIRECTORY] = {409, "this is a folder, not a file"},
	[FS_NOT_EMPTY] = {409, "this folder is not empty"},
	[FS_EXISTS] = {412, "something has this name already"},
	[FS_LOCKED] = {423, "somebody has locked this"},
	[FS_CHANGED] = {412, "this is not as the request says it should be"},
	[FS_FORBIDDEN] = {403, "this may not be touched"},
	/* As if it were not there: where a link leads is nobody's business. */
	[FS_OUTSIDE] = {404, "there is nothing with this name"},
	[FS_READ_ONLY] = {403, "nothing may be changed here"},
	[FS_NO_SPACE] = {507, "the disk is full", true},
	[FS_TOO_LARGE] = {413, "this is more than a file can hold here"},
	[FS_TOO_LONG] = {414, "the name is too long"},
	[FS_TOO_DEEP] = {403, "the folders are nested too deeply"},
	[FS_SAME] = {403, "the source and the destination are the same"},
	[FS_INSIDE_ITSELF] = {403, "the source and the destination contain one another"},
	[FS_BUSY] = {409, "this is in use"},
	[FS_NO_DESCRIPTORS] = {503, "too many files are open; try again soon", true},
	[FS_NO_MEMORY] = {503, "there is no memory left; try again soon", true},
	[FS_UNSUPPORTED] = {501, "the disk cannot do this"},
	[FS_PARTIAL] = {500, "some of it could not be done"},
	[FS_CANCELLED] = {503, "this was interrupted; try again soon"},
	[FS_IO] = {500, "the disk reports an error", true},
};

unsigned answer_status_of(enum fs_result result)
{
	return results[result].status;
}

/* Once a second is enough: trouble comes in thousands. */
static void report(struct request *r, enum fs_result result)
{
	struct drive *drive = r->drive;
	uint64_t now_ns = worker_now_ns(drive->worker);

	if (now_ns - drive->reported_ns < NS_PER_SEC)
		return;
	drive->reported_ns = now_ns;
	log_warn(worker_log(drive->worker), "request-refused", results[result].sentence,
		KV("status", results[result].status), KV("why", fs_result_name(result)),
		KV("path", r->path), KV("conn", r->conn->id),
		/* Of the others it is what came after: the trash was emptied, say. */
		result == FS_IO ? KV("errno", errno) : (struct log_kv){.key = NULL});
}

void answer_result(struct request *r, enum fs_result result)
{
	assert(results[result].status);
	if (results[result].is_trouble)
		report(r, result);
	answer_sentence(r, results[result].status, results[result].sentence);
}

/* Adds the chunk's head and tail around what more() put behind the room left for them. */
static void frame_chunk(struct request *r)
{
	struct buf *out = &r->answer.out;
	uint64_t n = out->n - HTTP_CHUNK_HEAD_MAX + r->answer.file_left;
	char head[HTTP_CHUNK_HEAD_MAX];

	size_t n_head = n > 0 ? http_chunk_head(head, n) : 0;
	r->answer.out_at = HTTP_CHUNK_HEAD_MAX - n_head;
	memcpy(out->p + r->answer.out_at, head, n_head);
	if (n > 0)
		buf_put_span(out, SPAN("\r\n"));
	if (!r->answer.is_streamed)
		buf_put_span(out, HTTP_CHUNK_LAST);
}

/* Puts the encoded in place of what more() put behind the first @room bytes. */
static bool encode(struct request *r, size_t room)
{
	struct buf *out = &r->answer.out;
	struct buf plain = *out;

	*out = r->answer.spare;
	r->answer.spare = plain;
	buf_clear(out);
	if (!buf_reserve(out, room))
		return false;
	out->n = room;
	return encoder_put(r->answer.encoder, span_from(buf_span(&plain), room),
		!r->answer.is_streamed, out);
}

/* Asks the task for the next piece. What that cost, counted in bytes, besides its sending; or
 * CONN_IO_GONE if it has failed. */
static ssize_t fetch(struct request *r)
{
	struct buf *out = &r->answer.out;
	size_t room = r->answer.is_chunked ? HTTP_CHUNK_HEAD_MAX : 0;

	buf_clear(out);
	r->answer.out_at = 0;
	if (!buf_reserve(out, room))
		return CONN_IO_GONE;
	out->n = room;
	enum task_more more = r->task_ops->more(r);
	if (more == TASK_FAILED || out->failed)
		return CONN_IO_GONE;
	size_t n_encoded = r->answer.encoder ? out->n - room : 0;
	r->answer.is_streamed = more == TASK_MORE;
	if (r->answer.encoder && !encode(r, room))
		return CONN_IO_GONE;
	r->answer.body_bytes += out->n - room;
	if (r->answer.is_chunked)
		frame_chunk(r);
	return out->failed ? CONN_IO_GONE : (ssize_t)n_encoded;
}

static ssize_t send_out(struct request *r)
{
	struct span rest = span_from(buf_span(&r->answer.out), r->answer.out_at);
	const struct iovec iov = {(char *)rest.p, rest.n};

	ssize_t n = conn_send(
		r->conn, &iov, 1, r->answer.file_left > 0 || r->answer.is_streamed);
	if (n > 0)
		r->answer.out_at += (size_t)n;
	return n;
}

static ssize_t send_file(struct request *r)
{
	ssize_t n = conn_sendfile(r->conn, r->answer.file, &r->answer.file_at,
		MIN(r->answer.file_left, TURN_BYTES));
	if (n > 0) {
		r->answer.file_left -= (size_t)n;
		r->answer.body_bytes += (size_t)n;
	}
	return n;
}

bool answer_send(struct request *r, enum conn_want *want)
{
	for (size_t sent = 0; sent < TURN_BYTES;) {
		ssize_t n;
		if (r->answer.out_at < r->answer.out.n)
			n = send_out(r);
		else if (r->answer.file_left > 0)
			n = send_file(r);
		else if (!r->answer.is_streamed)
			return true;
		else
			n = fetch(r);

		if (n < 0) {
			*want = n == CONN_IO_AGAIN ? CONN_WRITE : CONN_ABORT;
			return false;
		}
		sent += (size_t)n;
	}
	*want = CONN_AGAIN;
	return false;
}
