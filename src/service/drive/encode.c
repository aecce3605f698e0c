/* SPDX-License-Identifier: MIT */

#include "service/drive/encode.h"

#include "base/util.h"
#include "http/accept.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

/* Of a listing the fastest levels leave a twentieth to a fortieth; the slower ones take
 * twice as long for a tenth less. */
#define GZIP_LEVEL  1
#define ZSTD_LEVEL  1
#define GZIP_WINDOW (15 + 16) /* the largest; and a gzip head, no zlib one */
#define GZIP_MEMORY 8
#define ZSTD_WINDOW 17   /* 128 KiB: ours and the client's memory, and enough */
#define STEP_BYTES  8192 /* of room made in the output at a time */

struct encoder {
	enum encode_kind kind;
	z_stream gzip;
	ZSTD_CCtx *zstd; /* owned */
};

static const struct span names[] = {
	[ENCODE_NONE] = SPAN("identity"),
	[ENCODE_GZIP] = SPAN("gzip"),
	[ENCODE_ZSTD] = SPAN("zstd"),
};

struct span encode_name(enum encode_kind kind)
{
	return names[kind];
}

enum encode_kind encode_choose(const struct http_head *head)
{
	enum encode_kind best = ENCODE_NONE;
	unsigned most =
		http_accept_weight(head, HTTP_H_ACCEPT_ENCODING, names[ENCODE_NONE]);

	for (enum encode_kind kind = ENCODE_GZIP; kind <= ENCODE_ZSTD; kind++) {
		unsigned weight =
			http_accept_weight(head, HTTP_H_ACCEPT_ENCODING, names[kind]);

		if (weight > 0 && weight >= most) {
			best = kind;
			most = weight;
		}
	}
	return best;
}

static bool begin(struct encoder *encoder)
{
	if (encoder->kind == ENCODE_GZIP)
		return deflateInit2(&encoder->gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW,
			       GZIP_MEMORY, Z_DEFAULT_STRATEGY)
		       == Z_OK;
	encoder->zstd = ZSTD_createCCtx();
	return encoder->zstd
	       && !ZSTD_isError(ZSTD_CCtx_setParameter(
		       encoder->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL))
	       && !ZSTD_isError(ZSTD_CCtx_setParameter(
		       encoder->zstd, ZSTD_c_windowLog, ZSTD_WINDOW));
}

struct encoder *encoder_new(enum encode_kind kind)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));
	if (!encoder)
		return NULL;

	encoder->kind = kind;
	if (begin(encoder))
		return encoder;
	encoder_free(encoder);
	return NULL;
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	if (encoder->kind == ENCODE_GZIP)
		(void)deflateEnd(&encoder->gzip); /* complains of what is unfinished */
	(void)ZSTD_freeCCtx(encoder->zstd);
	free(encoder);
}

/* How the step went; more room is needed for STEP_ON. */
enum step { STEP_FAILED, STEP_ON, STEP_DONE };

static enum step step_gzip(
	struct encoder *encoder, struct span *piece, bool is_last, struct buf *out)
{
	z_stream *gzip = &encoder->gzip;
	char *room = buf_reserve(out, STEP_BYTES);
	if (!room)
		return STEP_FAILED;

	gzip->next_in = (unsigned char *)piece->p;
	gzip->avail_in = (unsigned)piece->n;
	gzip->next_out = (unsigned char *)room;
	gzip->avail_out = STEP_BYTES;
	int rc = deflate(gzip, is_last ? Z_FINISH : Z_NO_FLUSH);
	if (rc == Z_STREAM_ERROR)
		return STEP_FAILED;
	*piece = span_from(*piece, piece->n - gzip->avail_in);
	out->n += STEP_BYTES - gzip->avail_out;
	bool is_done = is_last ? rc == Z_STREAM_END : gzip->avail_out > 0;
	return is_done ? STEP_DONE : STEP_ON;
}

static enum step step_zstd(
	struct encoder *encoder, struct span *piece, bool is_last, struct buf *out)
{
	char *room = buf_reserve(out, STEP_BYTES);
	if (!room)
		return STEP_FAILED;

	ZSTD_inBuffer in = {piece->p, piece->n, 0};
	ZSTD_outBuffer made = {room, STEP_BYTES, 0};
	size_t left = ZSTD_compressStream2(
		encoder->zstd, &made, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
	if (ZSTD_isError(left))
		return STEP_FAILED;
	*piece = span_from(*piece, in.pos);
	out->n += made.pos;
	bool is_done = is_last ? left == 0 : piece->n == 0;
	return is_done ? STEP_DONE : STEP_ON;
}

bool encoder_put(struct encoder *encoder, struct span piece, bool is_last, struct buf *out)
{
	enum step step;

	do {
		step = encoder->kind == ENCODE_GZIP
			       ? step_gzip(encoder, &piece, is_last, out)
			       : step_zstd(encoder, &piece, is_last, out);
	} while (step == STEP_ON);
	return step == STEP_DONE;
}
