/* SPDX-License-Identifier: MIT */

#include "http/chunk.h"

#include "http/chars.h"

/*
 * The states are named for what is read next.
 *
 *   in            on                 then
 *   SIZE          digit              SIZE
 *                 ';'                EXTENSION
 *                 CR                 SIZE_LF
 *   EXTENSION     CR                 SIZE_LF
 *   SIZE_LF       LF, size > 0       DATA
 *                 LF, size = 0       TRAILER
 *   DATA          the whole payload  DATA_CR
 *   DATA_CR       CR                 DATA_LF
 *   DATA_LF       LF                 SIZE
 *   TRAILER       CR                 LAST_LF
 *                 token byte         NAME
 *   NAME          ':'                VALUE
 *   VALUE         CR                 VALUE_LF
 *   VALUE_LF      LF                 TRAILER
 *   LAST_LF       LF                 END
 *   any           anything else      BAD
 */
enum state {
	SIZE,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	NAME,
	VALUE,
	VALUE_LF,
	LAST_LF,
	END,
	BAD,
};

void http_chunk_init(struct http_chunk *chunk, struct buf *trailers)
{
	*chunk = (struct http_chunk){.trailers = trailers};
}

uint64_t http_chunk_payload_left(const struct http_chunk *chunk)
{
	return chunk->state == DATA ? chunk->left : 0;
}

static enum state bad(struct http_chunk *chunk, const char *why)
{
	chunk->why = why;
	return BAD;
}

/* INT64_MAX has sixteen digits, of which the first is at most 7. */
static enum state size_digit(struct http_chunk *chunk, unsigned digit)
{
	if (chunk->left > INT64_MAX >> 4)
		return bad(chunk, "a chunk's size is beyond any file");
	chunk->left = chunk->left << 4 | digit;
	chunk->n_digits++;
	return SIZE;
}

static enum state in_size(struct http_chunk *chunk, char c)
{
	if (c >= '0' && c <= '9')
		return size_digit(chunk, (unsigned)(c - '0'));
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return size_digit(chunk, (unsigned)((c | 0x20) - 'a' + 10));
	if (chunk->n_digits && c == ';')
		return EXTENSION;
	if (chunk->n_digits && c == '\r')
		return SIZE_LF;
	return bad(chunk, "a chunk does not begin with its size");
}

/* The counts begin anew: for the next size line, or for the trailers. */
static enum state after_size(struct http_chunk *chunk)
{
	chunk->line_n = 0;
	chunk->n_digits = 0;
	return chunk->left ? DATA : TRAILER;
}

static enum state in_line(
	struct http_chunk *chunk, char c, enum state same, enum state at_cr)
{
	if (http_char_is(c, HTTP_CHAR_VALUE))
		return same;
	if (c == '\r')
		return at_cr;
	return bad(chunk, "a chunk extension or trailer holds a control byte");
}

static enum state in_name(struct http_chunk *chunk, char c)
{
	if (http_char_is(c, HTTP_CHAR_TOKEN))
		return NAME;
	if (c == ':')
		return VALUE;
	return bad(chunk, "a trailer line is not a name, a colon and a value");
}

static enum state expect(
	struct http_chunk *chunk, bool is_there, enum state then, const char *why)
{
	return is_there ? then : bad(chunk, why);
}

static enum state step(struct http_chunk *chunk, char c)
{
	static const char line_end[] = "a line does not end with CR LF";
	static const char chunk_end[] = "a chunk is not as long as its size says";

	switch ((enum state)chunk->state) {
	case SIZE: return in_size(chunk, c);
	case EXTENSION: return in_line(chunk, c, EXTENSION, SIZE_LF);
	case SIZE_LF: return c == '\n' ? after_size(chunk) : bad(chunk, line_end);
	case DATA_CR: return expect(chunk, c == '\r', DATA_LF, chunk_end);
	case DATA_LF: return expect(chunk, c == '\n', SIZE, chunk_end);
	case TRAILER:
		if (c == '\r')
			return LAST_LF;
		return c == ':' ? bad(chunk, "a trailer has no name") : in_name(chunk, c);
	case NAME: return in_name(chunk, c);
	case VALUE: return in_line(chunk, c, VALUE, VALUE_LF);
	case VALUE_LF: return expect(chunk, c == '\n', TRAILER, line_end);
	case LAST_LF: return expect(chunk, c == '\n', END, line_end);
	case DATA:
	case END:
	case BAD: break; /* http_chunk_next does not bring bytes here */
	}
	__builtin_unreachable();
}

static bool in_trailer(enum state state)
{
	return state >= TRAILER && state <= VALUE_LF;
}

/* Counts the byte that was just read in @state against what a line may have. */
static enum state count(struct http_chunk *chunk, enum state state, char c, enum state next)
{
	bool trailer = in_trailer(state) && next != LAST_LF;

	if (trailer && ++chunk->line_n > HTTP_TRAILER_MAX)
		return bad(chunk, "the trailers are too long");
	if (trailer && chunk->trailers)
		buf_put_byte(chunk->trailers, c);
	if ((state == SIZE || state == EXTENSION) && ++chunk->line_n > HTTP_CHUNK_LINE_MAX)
		return bad(chunk, "a chunk's size line is too long");
	return next;
}

static void take_data(struct http_chunk *chunk, struct span *in, struct span *payload)
{
	size_t n = in->n < chunk->left ? in->n : (size_t)chunk->left;

	*payload = span_of(in->p, n);
	*in = span_from(*in, n);
	chunk->left -= n;
	if (!chunk->left)
		chunk->state = DATA_CR;
}

int http_chunk_next(struct http_chunk *chunk, struct span *in, struct span *payload)
{
	while (chunk->state < END && in->n) {
		if (chunk->state == DATA) {
			take_data(chunk, in, payload);
			return HTTP_CHUNK_DATA;
		}

		char c = in->p[0];
		enum state next = step(chunk, c);
		if (next != BAD)
			next = count(chunk, (enum state)chunk->state, c, next);
		chunk->state = (uint8_t)next;
		*in = span_from(*in, 1);
	}
	if (chunk->state == END)
		return HTTP_CHUNK_END;
	return chunk->state == BAD ? HTTP_CHUNK_BAD : HTTP_CHUNK_MORE;
}

size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], uint64_t n)
{
	static const char hex[] = "0123456789abcdef";
	unsigned n_digits = 1;

	while (n_digits < 16 && n >> (4 * n_digits))
		n_digits++;
	for (unsigned i = n_digits; i-- > 0; n >>= 4)
		out[i] = hex[n & 15];
	out[n_digits] = '\r';
	out[n_digits + 1] = '\n';
	return n_digits + 2;
}
