/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * head - a request's first line and header fields, read strictly (RFC 9112).
 *
 * Hand it the bytes received so far, again and again as more arrive, always
 * from the first byte of the request: it goes on where it stopped, so a head
 * that trickles in byte by byte costs as much as one that comes at once. The
 * bytes may have moved in memory between calls, but not changed. It allocates
 * nothing and keeps offsets; the spans it gives out point into the bytes of
 * the last call and live as long as they do.
 *
 * Two readers of one request must never disagree about where it ends, so what
 * others forgive is refused here: a line end that is not CR LF, a folded line,
 * white space before a colon, control bytes, two lengths, a length beside a
 * transfer coding, two Host fields.
 */

#include "base/span.h"
#include "http/field.h"
#include "http/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a stranger can make grow, and to where. */
#define HTTP_HEAD_MAX \
	16384u /* bytes, with the empty line; past it 431, or 414 in line 1 \
		*/
#define HTTP_TARGET_MAX   8192u /* bytes; past it 414 */
#define HTTP_HEAD_FIELDS  100u  /* lines; past it 431 */
#define HTTP_HEAD_LEADING 2u    /* empty lines before the request, which old clients send */

enum {
	HTTP_HEAD_DONE = 0,
	HTTP_HEAD_MORE, /* nothing wrong so far; call again with more bytes */
	HTTP_HEAD_BAD,  /* answer with .status and .why, and close: the end is unknown */
};

enum http_body {
	HTTP_BODY_NONE,    /* neither a length nor a coding: no body */
	HTTP_BODY_LENGTH,  /* .length bytes, maybe 0 */
	HTTP_BODY_CHUNKED, /* read it with http/chunk.h */
};

struct http_field {
	uint16_t name_at, name_n;
	uint16_t value_at, value_n; /* without the white space around it */
	uint8_t id;                 /* enum http_field_id */
	uint8_t next; /* place + 1 of the next line with the same known name; 0 */
};

struct http_head {
	/* HTTP_HEAD_DONE */
	size_t n_bytes; /* of the head with its empty line; what follows is the body */
	enum http_method method;
	uint8_t minor_version; /* 1 for HTTP/1.1, 0 for HTTP/1.0 */
	enum http_body body;
	uint64_t length;      /* HTTP_BODY_LENGTH: at most INT64_MAX */
	bool keep_alive;      /* the client would send another request after this one */
	bool expect_continue; /* it waits for a 100 before it sends the body */

	/* HTTP_HEAD_BAD */
	unsigned status;
	const char *why; /* a sentence without its full stop; static */

	/* private */
	const char *bytes;
	size_t line_at; /* where the first line not yet taken begins */
	size_t scanned; /* no LF between line_at and here */
	uint8_t stage;
	uint8_t n_leading;
	uint8_t n_fields;
	uint16_t method_n, target_at, target_n;
	uint8_t first[HTTP_N_FIELD_IDS]; /* place + 1 of the first line with that name; 0 */
	uint8_t last[HTTP_N_FIELD_IDS];  /* and of the last */
	struct http_field fields[HTTP_HEAD_FIELDS]; /* set up to n_fields */
};

/* Makes it ready for a new request. */
void http_head_init(struct http_head *head);

/**
 * http_head_parse - read as far as @bytes, all that has come of this request, go.
 *
 * Returns HTTP_HEAD_DONE, HTTP_HEAD_MORE or HTTP_HEAD_BAD; once it has said DONE
 * or BAD it says so again, until http_head_init.
 */
[[nodiscard]] int http_head_parse(struct http_head *head, struct span bytes);

/* As sent; empty if the head was refused before its target was known. */
struct span http_head_method(const struct http_head *head);
struct span http_head_target(const struct http_head *head);

/* The value of the first line with that name; SPAN_NONE if there is none. */
struct span http_head_get(const struct http_head *head, enum http_field_id id);

static inline bool http_head_has(const struct http_head *head, enum http_field_id id)
{
	return head->first[id] != 0;
}

/*
 * Line by line: for (i = http_head_first(h, id); i; i = http_head_next(h, i))
 * and http_head_value(h, i). Places count from 1.
 */
static inline unsigned http_head_first(const struct http_head *head, enum http_field_id id)
{
	return head->first[id];
}

static inline unsigned http_head_next(const struct http_head *head, unsigned place)
{
	return head->fields[place - 1].next;
}

static inline struct span http_head_value(const struct http_head *head, unsigned place)
{
	const struct http_field *field = &head->fields[place - 1];

	return span_of(head->bytes + field->value_at, field->value_n);
}

static inline struct span http_head_name(const struct http_head *head, unsigned place)
{
	const struct http_field *field = &head->fields[place - 1];

	return span_of(head->bytes + field->name_at, field->name_n);
}

/* A walk over the items of a field whose value is a list, over all its lines. */
struct http_items {
	const struct http_head *head;
	unsigned place; /* of the line after this one */
	struct span rest;
};

struct http_items http_head_items(const struct http_head *head, enum http_field_id id);

/* The next item that is not empty, trimmed. False at the end. */
bool http_head_next_item(struct http_items *items, struct span *item);
