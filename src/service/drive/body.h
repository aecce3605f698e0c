/* SPDX-License-Identifier: MIT */
#pragma once

/* body - the reading of a request's body, by length or in chunks, piece by piece. */

#include "base/span.h"
#include "core/conn.h"

#include <stdbool.h>

struct drive;
struct request;
struct task_ops;

/* Learns from the head what body there is. */
void body_expect(struct request *r);

/* Tells a client that waits for it to go on and send. */
void body_invite(struct request *r);

enum body_outcome {
	BODY_WHOLE = 0, /* it has been read to its end */
	BODY_WAITS,     /* *want says for what */
	BODY_STOPPED,   /* @ops answered the request */
	BODY_BAD,       /* its chunks are garbled: *why says how */
	BODY_GONE,      /* the peer has gone, or ended it too early */
};

/**
 * body_read - read what has come, for at most a turn's worth.
 *
 * @ops takes every piece, which lives until it returns; NULL drops them. The
 * head must be out of conn->in by now.
 */
[[nodiscard]] enum body_outcome body_read(struct request *r, const struct task_ops *ops,
	enum conn_want *want, const char **why);

/* Closes the pipe for what nobody looks at, if there is one, with what is in it. */
void body_close_pipe(struct drive *drive);
