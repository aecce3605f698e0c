/* SPDX-License-Identifier: MIT */

#include "http/digest.h"

#include "base/base64.h"
#include "base/num.h"
#include "base/util.h"

static const struct {
	/* RFC 9530's, RFC 3230's, ownCloud's and tus's (in capitals); case does not count */
	struct span names[3];
	size_t size;
} kinds[HTTP_DIGEST_N_KINDS] = {
	[HTTP_DIGEST_MD5] = {{SPAN("md5"), SPAN("md5"), SPAN("MD5")}, 16},
	[HTTP_DIGEST_SHA1] = {{SPAN("sha"), SPAN("sha"), SPAN("SHA1")}, 20},
	[HTTP_DIGEST_SHA256] = {{SPAN("sha-256"), SPAN("sha-256"), SPAN("SHA256")}, 32},
	[HTTP_DIGEST_SHA512] = {{SPAN("sha-512"), SPAN("sha-512"), SPAN("SHA512")}, 64},
};

enum notation { RFC_9530, RFC_3230, BARE };

size_t http_digest_size(enum http_digest_kind kind)
{
	return kinds[kind].size;
}

/* HTTP_DIGEST_N_KINDS for one we do not have. */
static enum http_digest_kind kind_of(struct span name, enum notation notation)
{
	enum http_digest_kind kind = 0;

	while (kind < HTTP_DIGEST_N_KINDS && !span_ieq(kinds[kind].names[notation], name))
		kind++;
	return kind;
}

/* The same digest may be given twice, but not two. */
static bool keep(
	struct http_digests *out, enum http_digest_kind kind, const char *value, size_t n)
{
	if (n != kinds[kind].size)
		return false;
	if (out->has & BIT(kind))
		return memcmp(out->value[kind], value, n) == 0;
	memcpy(out->value[kind], value, n);
	out->has |= BIT(kind);
	return true;
}

static bool keep_base64(
	struct http_digests *out, enum http_digest_kind kind, struct span text)
{
	char value[BASE64_DECODED_MAX(88)];
	size_t n;

	return text.n <= 88 && base64_decode(text, value, &n) && keep(out, kind, value, n);
}

static bool keep_hex(struct http_digests *out, enum http_digest_kind kind, struct span text)
{
	char value[HTTP_DIGEST_MAX];
	uint64_t byte;

	if (text.n != 2 * kinds[kind].size)
		return false;
	for (size_t i = 0; i < text.n / 2; i++) {
		if (!num_hex_u64(span_of(text.p + 2 * i, 2), &byte))
			return false;
		value[i] = (char)byte;
	}
	return keep(out, kind, value, text.n / 2);
}

/* A byte sequence stands between colons (RFC 8941, 3.3.5). */
static bool take_colons(struct span *text)
{
	if (text->n < 2 || text->p[0] != ':' || text->p[text->n - 1] != ':')
		return false;
	*text = span_of(text->p + 1, text->n - 2);
	return true;
}

static bool read_items(const struct http_head *head, enum http_field_id field,
	enum notation notation, struct http_digests *out)
{
	struct http_items items = http_head_items(head, field);
	struct span item;

	while (http_head_next_item(&items, &item)) {
		size_t n_name = span_find(item, '=');
		struct span value = span_trim(span_from(item, n_name + 1));
		enum http_digest_kind kind =
			kind_of(span_trim(span_of(item.p, n_name)), notation);

		if (n_name == item.n)
			return false;
		if (kind == HTTP_DIGEST_N_KINDS)
			continue;
		if ((notation == RFC_9530 && !take_colons(&value))
			|| !keep_base64(out, kind, value))
			return false;
	}
	return true;
}

static bool read_owncloud(struct span field, struct http_digests *out)
{
	struct span rest = field, word;

	while (span_cut(&rest, ' ', &word)) {
		size_t n_name = span_find(word, ':');
		enum http_digest_kind kind = kind_of(span_of(word.p, n_name), BARE);

		if (word.n > 0 && n_name == word.n)
			return false;
		if (kind != HTTP_DIGEST_N_KINDS
			&& !keep_hex(out, kind, span_from(word, n_name + 1)))
			return false;
	}
	return true;
}

/* A name, a space and base64: of one, and only if it is there. */
static bool read_tus(struct span field, struct http_digests *out)
{
	size_t n_name = span_find(field, ' ');
	enum http_digest_kind kind = kind_of(span_of(field.p, n_name), BARE);

	if (n_name == field.n)
		return !field.p;
	return kind == HTTP_DIGEST_N_KINDS
	       || keep_base64(out, kind, span_from(field, n_name + 1));
}

bool http_digest_read(const struct http_head *head, struct http_digests *out)
{
	struct span md5 = http_head_get(head, HTTP_H_CONTENT_MD5);

	out->has = 0;
	return read_items(head, HTTP_H_CONTENT_DIGEST, RFC_9530, out)
	       && read_items(head, HTTP_H_REPR_DIGEST, RFC_9530, out)
	       && read_items(head, HTTP_H_DIGEST, RFC_3230, out)
	       && (!md5.p || keep_base64(out, HTTP_DIGEST_MD5, md5))
	       && read_owncloud(http_head_get(head, HTTP_H_OC_CHECKSUM), out)
	       && read_tus(http_head_get(head, HTTP_H_UPLOAD_CHECKSUM), out);
}

static void put_hex(struct buf *out, const unsigned char *bytes, size_t n)
{
	char *room = buf_reserve(out, 2 * n);

	if (!room)
		return;
	for (size_t i = 0; i < n; i++) {
		*room++ = "0123456789abcdef"[bytes[i] >> 4];
		*room++ = "0123456789abcdef"[bytes[i] & 15];
	}
	out->n += 2 * n;
}

unsigned http_digest_wanted(const struct http_head *head, enum http_field_id field,
	unsigned has, unsigned otherwise)
{
	struct http_items items = http_head_items(head, field);
	uint64_t weight, most = 0;
	unsigned wanted = 0;
	struct span item;

	if (!http_head_has(head, field))
		return otherwise;
	while (http_head_next_item(&items, &item)) {
		size_t n_name = span_find(item, '=');
		enum http_digest_kind kind = kind_of(span_of(item.p, n_name), RFC_9530);

		if (kind == HTTP_DIGEST_N_KINDS || !(has & BIT(kind))
			|| !num_u64(span_from(item, n_name + 1), &weight) || weight > 10
			|| weight <= most)
			continue;
		wanted = BIT(kind);
		most = weight;
	}
	return wanted;
}

void http_digest_put(struct buf *out, const struct http_digests *digests, unsigned which)
{
	bool is_first = true;

	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		if (!(which & BIT(kind)))
			continue;
		if (!is_first)
			buf_put_span(out, SPAN(", "));
		is_first = false;
		buf_put_span(out, kinds[kind].names[RFC_9530]);
		buf_put_span(out, SPAN("=:"));
		base64_encode(
			out, span_of((const char *)digests->value[kind], kinds[kind].size));
		buf_put_byte(out, ':');
	}
}

void http_digest_put_owncloud(struct buf *out, const struct http_digests *digests)
{
	bool is_first = true;

	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		if (!(digests->has & BIT(kind)))
			continue;
		if (!is_first)
			buf_put_byte(out, ' ');
		is_first = false;
		buf_put_span(out, kinds[kind].names[BARE]);
		buf_put_byte(out, ':');
		put_hex(out, digests->value[kind], kinds[kind].size);
	}
}
