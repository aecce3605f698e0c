/* SPDX-License-Identifier: MIT */

#include "http_peer.h"

#include <http_parser.h>
#include <string.h>

/* The parser hands out a text in pieces; they are adjacent. */
static void grow(struct span *s, const char *at, size_t n)
{
	*s = s->p ? span_of(s->p, (size_t)(at - s->p) + n) : span_of(at, n);
}

static int on_url(http_parser *parser, const char *at, size_t n)
{
	struct http_peer *peer = parser->data;

	grow(&peer->target, at, n);
	return 0;
}

static int on_field(http_parser *parser, const char *at, size_t n)
{
	struct http_peer *peer = parser->data;

	if (!peer->n_fields || peer->fields[peer->n_fields - 1].value.p) {
		if (peer->n_fields == sizeof(peer->fields) / sizeof(peer->fields[0]))
			return -1;
		peer->n_fields++;
	}
	grow(&peer->fields[peer->n_fields - 1].name, at, n);
	return 0;
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
	struct http_peer *peer = parser->data;

	grow(&peer->fields[peer->n_fields - 1].value, at, n);
	return 0;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
	struct http_peer *peer = parser->data;

	if (n > sizeof(peer->body) - peer->n_body)
		return -1;
	memcpy(peer->body + peer->n_body, at, n);
	peer->n_body += n;
	return 0;
}

static int on_head(http_parser *parser)
{
	struct http_peer *peer = parser->data;

	peer->head_ended = true;
	peer->method = http_method_str((enum http_method)parser->method);
	peer->chunked = parser->flags & F_CHUNKED;
	peer->has_length = parser->flags & F_CONTENTLENGTH;
	peer->length = peer->has_length ? parser->content_length : 0;
	peer->keep_alive = http_should_keep_alive(parser);
	return 0;
}

static int on_head_only(http_parser *parser)
{
	(void)on_head(parser);
	return 2; /* makes it stop behind the head */
}

static int on_end(http_parser *parser)
{
	struct http_peer *peer = parser->data;

	peer->message_ended = true;
	http_parser_pause(parser, 1);
	return 0;
}

static enum http_errno run(struct span bytes, struct http_peer *peer, bool head_only)
{
	http_parser parser;
	http_parser_settings settings;

	*peer = (struct http_peer){.method = NULL};
	http_parser_settings_init(&settings);
	settings.on_url = on_url;
	settings.on_header_field = on_field;
	settings.on_header_value = on_value;
	settings.on_headers_complete = head_only ? on_head_only : on_head;
	settings.on_body = on_body;
	settings.on_message_complete = head_only ? NULL : on_end;
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = peer;
	peer->n_bytes = http_parser_execute(&parser, &settings, bytes.p, bytes.n);
	return HTTP_PARSER_ERRNO(&parser);
}

bool http_peer_head(struct span bytes, struct http_peer *peer)
{
	return run(bytes, peer, true) == HPE_OK && peer->head_ended;
}

bool http_peer_request(struct span bytes, struct http_peer *peer)
{
	enum http_errno err = run(bytes, peer, false);

	return (err == HPE_OK || err == HPE_PAUSED) && peer->message_ended;
}
