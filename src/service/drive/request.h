/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * request - one request's way through the drive, from its first byte to the last of its
 * answer.
 *
 *   in      waits for                      until                                 then
 *   HEAD    the request's head             it is whole and what it asks is done  SEND
 *                                          it is whole and brings a body         BODY
 *                                          its password was tried too often      DELAY
 *                                          what it asks takes long               DELAY
 *                                          it is no request: refused             SEND
 *   DELAY   the end of a penalty           the timer: the password is wrong      SEND
 *                                          the timer: it is right                as HEAD
 *           the others to have their turn  they had: what it asks is done        SEND
 *                                          there is more to do                   DELAY
 *   BODY    the rest of the body           it is whole: what it asks is done     SEND
 *                                          what it asks takes long               DELAY
 *                                          it is wrong, or too long: refused     SEND
 *   SEND    room in the socket             the answer is sent, body unread       SKIP
 *                                          the answer is sent                    HEAD,
 * CLOSED SKIP    a body that nobody wanted      its end                               HEAD
 *                                          it is wrong                           CLOSED
 *   any     the peer goes, or stalls past the deadline                           CLOSED
 *
 * A connection has one struct request, used for one request after another. A
 * state that need not wait is passed through at once, so that a small GET goes
 * HEAD, SEND, HEAD in one callback.
 */

#include "base/buf.h"
#include "base/span.h"
#include "core/conn.h"
#include "http/chunk.h"
#include "http/head.h"
#include "service/drive/auth/users.h"
#include "service/drive/fs/path.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct drive;
struct encoder;
struct method;
struct request;

enum request_state {
	REQUEST_HEAD,
	REQUEST_DELAY,
	REQUEST_BODY,
	REQUEST_SEND,
	REQUEST_SKIP,
	REQUEST_CLOSED,
	REQUEST_N_STATES,
};

/* What task_ops.more says. */
enum task_more {
	TASK_MORE,   /* there is another piece after this one */
	TASK_LAST,   /* this was the last, or there is none */
	TASK_FAILED, /* the answer cannot be finished: the connection is cut, so that it
			shows */
};

/*
 * What a method does that takes longer than one callback. The memory is the
 * task's own, made with request_task and ended with free().
 */
struct task_ops {
	/* A piece of the body. Once it has answered it is given no more. */
	void (*take)(struct request *r, struct span piece);
	/* The same for @n bytes that wait in @pipe; what it leaves there once it has answered
	 * is dropped. NULL where the task must see what comes: of a large body by length most
	 * may come this way. */
	void (*take_unseen)(struct request *r, int pipe, size_t n);
	/* The body is whole: answer. */
	void (*end)(struct request *r);
	/* Puts the next piece of the answer in r->answer.out, and behind it a piece of a
	 * file if it likes (answer_piece). */
	enum task_more (*more)(struct request *r);
	/* Undoes what is not finished. */
	void (*fini)(void *task);
};

struct request {
	struct conn *conn;
	struct drive *drive;
	enum request_state state;
	enum conn_want want;         /* what the state waits for */
	const struct method *method; /* NULL before the head is understood */
	char *kept_head; /* owned; where the head moved to make way for the body */
	uint64_t started_ns;
	bool is_timed;    /* conn_timer is set */
	bool yields;      /* DELAY is for others to have their turn, and they had not */
	bool may_write;   /* who asks may change things */
	bool is_recorded; /* the access log has it */
	bool is_slashed;  /* the path was written with a slash at its end */

	struct span query; /* of the target, in the head; SPAN_NONE without */

	const struct task_ops *task_ops; /* NULL: no task */
	void *task;                      /* owned */

	struct request_body {
		struct http_chunk chunk;
		uint64_t left;      /* HTTP_BODY_LENGTH: not yet read */
		bool is_unread;     /* some of it is still to come */
		size_t in_place;    /* bytes of it behind the head in conn->in */
		bool owes_continue; /* the client waits for a 100 */
	} body;

	struct request_answer {
		unsigned status; /* 0 before there is one */
		bool closes;     /* the connection ends after it */
		bool has_body;   /* bytes may follow the head: it is no HEAD, 204, 304 */
		bool is_chunked;
		bool is_streamed;        /* task_ops.more has more to give */
		struct encoder *encoder; /* owned; NULL: more()'s is sent as it is */
		struct buf out;          /* what is to be sent next, */
		struct buf spare;        /* out's other memory, while encoding */
		size_t out_at;           /* from here on; */
		int file;                /* owned, -1: none; and then of this file, */
		off_t file_at;           /* from here, */
		uint64_t file_left;      /* so many bytes */
		uint64_t body_bytes;     /* handed to the socket, or kept in out */
	} answer;

	char user[USERS_NAME_MAX + 1]; /* who asks; "" for nobody in particular */
	struct http_head head;         /* its bytes are in conn->in, or in kept_head */
	char path[FS_PATH_MAX]; /* what the request is about: decoded, below the root */
};

/* The connection's callbacks, for service_ops. */
enum conn_want request_open(struct conn *c);
enum conn_want request_readable(struct conn *c);
enum conn_want request_writable(struct conn *c);
enum conn_want request_timer(struct conn *c);
void request_close(struct conn *c);

/* Changes state. A step the table does not have is a bug, and aborts. */
void request_go(struct request *r, enum request_state to);

/**
 * request_task - give the request a task of @n_bytes of zeroed memory.
 *
 * It is but memory until it gets its ops. NULL without memory, and then the
 * request has been answered (503).
 */
[[nodiscard]] void *request_task(struct request *r, size_t n_bytes);

/* Whether the whole body came with the head: then request_read_body waits for nothing. */
bool request_body_is_here(const struct request *r);

/* Gives the task its @ops and the body, if there is one: then end() is called. */
void request_read_body(struct request *r, const struct task_ops *ops);

/* Ends the task early: the request may have another. */
void request_drop_task(struct request *r);

/* Calls end() of the task that @ops make of it when others had their turn: for what takes
 * long, and more than once if need be. */
void request_yield(struct request *r, const struct task_ops *ops);

/* Calls end() of the task that @ops make of it after @ns. */
void request_delay(struct request *r, const struct task_ops *ops, uint64_t ns);

/* The connection is to be cut: what was promised cannot be kept, or the peer is gone. */
void request_abort(struct request *r);

/* A field of the head; SPAN_NONE where absent. */
static inline struct span request_field(const struct request *r, enum http_field_id id)
{
	return http_head_get(&r->head, id);
}
