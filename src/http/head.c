/* SPDX-License-Identifier: MIT */

#include "http/head.h"

#include "http/chars.h"
#include "http/facts.h"
#include "http/list.h"

#include <assert.h>
#include <string.h>

enum stage { REQUEST_LINE, FIELD_LINES, FINISHED };

static_assert(HTTP_HEAD_MAX <= UINT16_MAX, "offsets are 16 bits");
static_assert(HTTP_HEAD_FIELDS < UINT8_MAX, "places are 8 bits");

void http_head_init(struct http_head *head)
{
	memset(head, 0, offsetof(struct http_head, fields));
}

static int bad(struct http_head *head, unsigned status, const char *why)
{
	head->stage = FINISHED;
	head->status = status;
	head->why = why;
	return HTTP_HEAD_BAD;
}

static int take_version(struct http_head *head, struct span version)
{
	static const struct span name = SPAN("HTTP/");

	if (version.n != 8 || !span_starts(version, name) || version.p[6] != '.'
		|| version.p[5] < '0' || version.p[5] > '9' || version.p[7] < '0'
		|| version.p[7] > '9')
		return bad(head, 400, "the request line does not end with an HTTP version");
	if (version.p[5] != '1' || version.p[7] > '1')
		return bad(head, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");

	head->minor_version = (uint8_t)(version.p[7] - '0');
	head->stage = FIELD_LINES;
	return HTTP_HEAD_MORE;
}

static int take_request_line(struct http_head *head, struct span line)
{
	size_t method_n = http_chars_run(line, HTTP_CHAR_TOKEN);
	if (method_n == 0 || method_n == line.n || line.p[method_n] != ' ')
		return bad(
			head, 400, "the request does not begin with a method and a space");

	struct span rest = span_from(line, method_n + 1);
	size_t target_n = http_chars_target(rest);
	if (target_n > HTTP_TARGET_MAX)
		return bad(head, 414, "the request target is too long");
	if (target_n == 0 || target_n == rest.n || rest.p[target_n] != ' ')
		return bad(head, 400,
			"the request target is missing or holds a forbidden byte");

	head->method = http_method_of(span_of(line.p, method_n));
	head->method_n = (uint16_t)method_n;
	head->target_at = (uint16_t)(rest.p - head->bytes);
	head->target_n = (uint16_t)target_n;
	return take_version(head, span_from(rest, target_n + 1));
}

/* Puts the newest field at the end of the chain of its name. False if its name may not
 * repeat and does. */
static bool link_field(struct http_head *head, enum http_field_id id)
{
	uint8_t place = head->n_fields;

	if (!head->first[id]) {
		head->first[id] = place;
	} else {
		if (!http_field_may_repeat(id))
			return false;
		head->fields[head->last[id] - 1].next = place;
	}
	head->last[id] = place;
	return true;
}

static int take_field_line(struct http_head *head, struct span line)
{
	struct span name = span_of(line.p, span_find(line, ':'));
	enum http_field_id id = http_field_of(name);

	/* A name of the table is a token; any other must be looked at. */
	bool named = id != HTTP_H_OTHER
		     || (name.n && http_chars_run(name, HTTP_CHAR_TOKEN) == name.n);
	if (!named || name.n == line.n)
		return bad(head, 400, "a header line is not a name, a colon and a value");
	if (head->n_fields == HTTP_HEAD_FIELDS)
		return bad(head, 431, "the request has too many header fields");

	struct span value = span_trim(span_from(line, name.n + 1));
	if (http_chars_value(value) != value.n)
		return bad(head, 400, "a header field's value holds a control byte");

	head->fields[head->n_fields++] = (struct http_field){
		.name_at = (uint16_t)(name.p - head->bytes),
		.name_n = (uint16_t)name.n,
		.value_at = (uint16_t)(value.p - head->bytes),
		.value_n = (uint16_t)value.n,
		.id = (uint8_t)id,
	};
	if (!link_field(head, id))
		return bad(head, 400, "a header field that may stand once stands twice");
	return HTTP_HEAD_MORE;
}

static int finish(struct http_head *head)
{
	const char *why = NULL;
	unsigned status = http_facts_derive(head, &why);

	if (status)
		return bad(head, status, why);
	head->n_bytes = head->line_at;
	head->stage = FINISHED;
	return HTTP_HEAD_DONE;
}

/* @line is without its CR LF. */
static int take_line(struct http_head *head, struct span line)
{
	if (head->stage == FIELD_LINES)
		return line.n ? take_field_line(head, line) : finish(head);
	if (line.n)
		return take_request_line(head, line);
	if (head->n_leading++ < HTTP_HEAD_LEADING)
		return HTTP_HEAD_MORE;
	return bad(head, 400, "too many empty lines before the request");
}

static int too_long(struct http_head *head)
{
	if (head->stage == REQUEST_LINE)
		return bad(head, 414, "the request line is too long");
	return bad(head, 431, "the request's header is too long");
}

int http_head_parse(struct http_head *head, struct span bytes)
{
	size_t end = bytes.n < HTTP_HEAD_MAX ? bytes.n : HTTP_HEAD_MAX;

	head->bytes = bytes.p;
	if (head->stage == FINISHED)
		return head->status ? HTTP_HEAD_BAD : HTTP_HEAD_DONE;

	while (head->scanned < end) {
		size_t from = head->scanned;
		size_t lf = from + span_find(span_of(bytes.p + from, end - from), '\n');
		if (lf == end) {
			head->scanned = end;
			break;
		}

		struct span line = span_of(bytes.p + head->line_at, lf - head->line_at);
		if (line.n == 0 || line.p[line.n - 1] != '\r')
			return bad(head, 400, "a line does not end with CR LF");
		line.n--;
		head->line_at = head->scanned = lf + 1;

		int rc = take_line(head, line);
		if (rc != HTTP_HEAD_MORE)
			return rc;
	}
	return end == HTTP_HEAD_MAX ? too_long(head) : HTTP_HEAD_MORE;
}

/* The target stands one space behind the method. */
struct span http_head_method(const struct http_head *head)
{
	size_t at = head->method_n ? head->target_at - head->method_n - 1u : 0;

	return span_of(head->bytes + at, head->method_n);
}

struct span http_head_target(const struct http_head *head)
{
	return span_of(head->bytes + head->target_at, head->target_n);
}

struct span http_head_get(const struct http_head *head, enum http_field_id id)
{
	return head->first[id] ? http_head_value(head, head->first[id]) : SPAN_NONE;
}

struct http_items http_head_items(const struct http_head *head, enum http_field_id id)
{
	return (struct http_items){.head = head, .place = head->first[id]};
}

bool http_head_next_item(struct http_items *items, struct span *item)
{
	while (!http_list_next(&items->rest, item)) {
		if (!items->place)
			return false;
		items->rest = http_head_value(items->head, items->place);
		items->place = http_head_next(items->head, items->place);
	}
	return true;
}
