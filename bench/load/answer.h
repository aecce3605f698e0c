/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * answer - reads one HTTP answer from bytes as they come, and says when it is whole.
 *
 * Pure. A client's reader, and an unforgiving one: an answer whose framing is
 * not clear is ANSWER_BAD. Interim answers (1xx but 101) are read past.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_LINE_MAX = 512 }; /* of a longer line only so much is looked at */

enum answer_phase {
	ANSWER_STATUS_LINE,
	ANSWER_FIELDS,
	ANSWER_BODY,       /* .left bytes of it */
	ANSWER_CHUNK_SIZE, /* the line that gives a chunk's size */
	ANSWER_CHUNK,      /* .left bytes of it */
	ANSWER_CHUNK_END,  /* the empty line behind it */
	ANSWER_TRAILERS,
	ANSWER_UNTIL_CLOSE, /* the body ends with the connection */
	ANSWER_WHOLE,
};

struct answer {
	enum answer_phase phase;
	bool bodyless; /* set it after answer_start: the request was HEAD */
	unsigned status;
	bool keeps_alive;
	bool retry_after; /* the field was there */
	uint64_t n_body;  /* bytes of the body so far */

	bool chunked; /* private from here */
	bool has_length;
	uint64_t left;
	size_t n_line;
	char line[ANSWER_LINE_MAX];
};

enum {
	ANSWER_MORE = 1, /* all of the input is consumed, the answer goes on */
	ANSWER_PIECE,    /* *piece is the next part of the body; call again */
	ANSWER_BAD,      /* this is not an HTTP answer */
};

void answer_start(struct answer *a);

/**
 * answer_read - take from the front of *@in what belongs to this answer.
 *
 * Returns 0 when it is whole (what is left in *@in is not its), else one of
 * the outcomes above. *@piece points into the input.
 */
[[nodiscard]] int answer_read(struct answer *a, struct span *in, struct span *piece);

/* The connection ended here: true if that is how this answer was to end. */
[[nodiscard]] bool answer_end(struct answer *a);
