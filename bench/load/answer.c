/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "base/num.h"
#include "base/util.h"

#include <string.h>

static const struct answer fresh = {.phase = ANSWER_STATUS_LINE};

void answer_start(struct answer *a)
{
	/* The line's bytes need no clearing: n_line says how many count. */
	memcpy(a, &fresh, offsetof(struct answer, line));
}

/* Takes a line off *@in into a->line, without its end. False if it goes on. */
static bool take_line(struct answer *a, struct span *in)
{
	size_t n = span_find(*in, '\n');
	bool whole = n < in->n;
	size_t keep = MIN(n, ANSWER_LINE_MAX - a->n_line);

	memcpy(a->line + a->n_line, in->p, keep);
	a->n_line += keep;
	*in = span_from(*in, whole ? n + 1 : n);
	if (whole && a->n_line > 0 && a->line[a->n_line - 1] == '\r')
		a->n_line--;
	return whole;
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct answer *a, struct span line)
{
	uint64_t status;

	if (!span_starts(line, SPAN("HTTP/1.")) || line.n < 12 || line.p[8] != ' ')
		return false;
	if (!num_u64(span_of(line.p + 9, 3), &status) || status < 100)
		return false;
	a->status = (unsigned)status;
	a->keeps_alive = line.p[7] == '1';
	return true;
}

static bool read_field(struct answer *a, struct span line)
{
	struct span name;

	if (span_find(line, ':') == line.n)
		return false;
	(void)span_cut(&line, ':', &name); /* it holds a colon */
	struct span value = span_trim(line);

	if (span_ieq(name, SPAN("content-length"))) {
		a->has_length = true;
		return num_u64(value, &a->left);
	}
	if (span_ieq(name, SPAN("transfer-encoding")))
		a->chunked = span_ieq(value, SPAN("chunked"));
	else if (span_ieq(name, SPAN("connection")))
		a->keeps_alive = !span_ieq(value, SPAN("close"));
	else if (span_ieq(name, SPAN("retry-after")))
		a->retry_after = true;
	return true;
}

static enum answer_phase after_head(struct answer *a)
{
	if (a->status < 200 && a->status != 101) {
		bool bodyless = a->bodyless;
		answer_start(a);
		a->bodyless = bodyless;
		return ANSWER_STATUS_LINE;
	}
	if (a->bodyless || a->status == 204 || a->status == 304)
		return ANSWER_WHOLE;
	if (a->chunked)
		return ANSWER_CHUNK_SIZE;
	if (!a->has_length) {
		a->keeps_alive = false;
		return ANSWER_UNTIL_CLOSE;
	}
	return a->left > 0 ? ANSWER_BODY : ANSWER_WHOLE;
}

/* Acts on a whole line. False if it should not stand there. */
static bool act_on_line(struct answer *a)
{
	struct span line = span_of(a->line, a->n_line);

	a->n_line = 0;
	switch (a->phase) {
	case ANSWER_STATUS_LINE: a->phase = ANSWER_FIELDS; return read_status(a, line);
	case ANSWER_FIELDS:
		if (line.n > 0)
			return read_field(a, line);
		a->phase = after_head(a);
		return true;
	case ANSWER_CHUNK_SIZE:
		if (!num_hex_u64(span_of(line.p, span_find(line, ';')), &a->left))
			return false;
		a->phase = a->left > 0 ? ANSWER_CHUNK : ANSWER_TRAILERS;
		return true;
	case ANSWER_CHUNK_END: a->phase = ANSWER_CHUNK_SIZE; return line.n == 0;
	case ANSWER_TRAILERS:
		if (line.n == 0)
			a->phase = ANSWER_WHOLE;
		return true;
	case ANSWER_BODY:
	case ANSWER_CHUNK:
	case ANSWER_UNTIL_CLOSE:
	case ANSWER_WHOLE: break;
	}
	return false;
}

static void take_body(struct answer *a, struct span *in, struct span *piece)
{
	uint64_t n = in->n;

	if (a->phase != ANSWER_UNTIL_CLOSE) {
		n = MIN(n, a->left);
		a->left -= n;
		if (a->left == 0)
			a->phase =
				a->phase == ANSWER_CHUNK ? ANSWER_CHUNK_END : ANSWER_WHOLE;
	}
	*piece = span_of(in->p, n);
	*in = span_from(*in, n);
	a->n_body += n;
}

int answer_read(struct answer *a, struct span *in, struct span *piece)
{
	while (a->phase != ANSWER_WHOLE) {
		if (in->n == 0)
			return ANSWER_MORE;
		if (a->phase == ANSWER_BODY || a->phase == ANSWER_CHUNK
			|| a->phase == ANSWER_UNTIL_CLOSE) {
			take_body(a, in, piece);
			return ANSWER_PIECE;
		}
		if (take_line(a, in) && !act_on_line(a))
			return ANSWER_BAD;
	}
	return 0;
}

bool answer_end(struct answer *a)
{
	if (a->phase == ANSWER_UNTIL_CLOSE)
		a->phase = ANSWER_WHOLE;
	return a->phase == ANSWER_WHOLE;
}
