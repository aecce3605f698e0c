/* SPDX-License-Identifier: MIT */

#include "http/field.h"

#include "base/util.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

enum times { ONE, MANY };

#define NAME_OF(id, name, times) [HTTP_H_##id] = SPAN(name),
static const struct span names[HTTP_N_FIELD_IDS] = {
	[HTTP_H_OTHER] = SPAN(""), HTTP_FIELDS(NAME_OF)};

#define TIMES_OF(id, name, times) [HTTP_H_##id] = times,
static const uint8_t may_repeat[HTTP_N_FIELD_IDS] = {
	[HTTP_H_OTHER] = MANY, HTTP_FIELDS(TIMES_OF)};

static_assert(HTTP_N_FIELD_IDS <= UINT8_MAX, "ids are kept in a byte");

/* The first and last row for each length of name; no row has OTHER for both. */
static const struct {
	uint8_t first, last;
} of_length[] = {
	[2] = {HTTP_H_IF, HTTP_H_TE},
	[4] = {HTTP_H_HOST, HTTP_H_HOST},
	[5] = {HTTP_H_DEPTH, HTTP_H_RANGE},
	[6] = {HTTP_H_ACCEPT, HTTP_H_PREFER},
	[7] = {HTTP_H_REFERER, HTTP_H_UPGRADE},
	[8] = {HTTP_H_IF_MATCH, HTTP_H_IF_RANGE},
	[9] = {HTTP_H_FORWARDED, HTTP_H_TRANSLATE},
	[10] = {HTTP_H_CONNECTION, HTTP_H_X_OC_MTIME},
	[11] = {HTTP_H_CONTENT_MD5, HTTP_H_WANT_DIGEST},
	[12] = {HTTP_H_CONTENT_TYPE, HTTP_H_UPLOAD_LIMIT},
	[13] = {HTTP_H_AUTHORIZATION, HTTP_H_UPLOAD_OFFSET},
	[14] = {HTTP_H_CONTENT_DIGEST, HTTP_H_X_UPDATE_RANGE},
	[15] = {HTTP_H_ACCEPT_ENCODING, HTTP_H_X_FORWARDED_FOR},
	[16] = {HTTP_H_CONTENT_ENCODING, HTTP_H_X_REQUESTED_WITH},
	[17] = {HTTP_H_IF_MODIFIED_SINCE, HTTP_H_X_FORWARDED_PROTO},
	[19] = {HTTP_H_CONTENT_DISPOSITION, HTTP_H_WANT_CONTENT_DIGEST},
	[22] = {HTTP_H_X_HTTP_METHOD_OVERRIDE, HTTP_H_X_HTTP_METHOD_OVERRIDE},
	[24] = {HTTP_H_X_EXPECTED_ENTITY_LENGTH, HTTP_H_X_EXPECTED_ENTITY_LENGTH},
	[28] = {HTTP_H_UPLOAD_DRAFT_INTEROP_VERSION, HTTP_H_UPLOAD_DRAFT_INTEROP_VERSION},
};

/* In the names here the bytes with bit 6 are the letters, and those may differ in bit 5. */
#define MAY_DIFFER(lower) (((lower)&0x4040404040404040u) >> 1)

static bool same_eight(const char *name, const char *lower)
{
	uint64_t a, b;

	memcpy(&a, name, sizeof(a));
	memcpy(&b, lower, sizeof(b));
	return ((a ^ b) & ~MAY_DIFFER(b)) == 0;
}

static bool same_byte(char name, char lower)
{
	return ((name ^ lower) & ~MAY_DIFFER((unsigned char)lower)) == 0;
}

static bool same_name(const char *name, const char *lower, size_t n)
{
	size_t at = 0;

	if (n >= 8) {
		for (; at + 8 < n; at += 8) {
			if (!same_eight(name + at, lower + at))
				return false;
		}
		return same_eight(name + n - 8, lower + n - 8);
	}
	while (at < n && same_byte(name[at], lower[at]))
		at++;
	return at == n;
}

enum http_field_id http_field_of(struct span name)
{
	if (name.n >= ARRAY_LEN(of_length) || !of_length[name.n].first)
		return HTTP_H_OTHER;

	for (unsigned id = of_length[name.n].first; id <= of_length[name.n].last; id++) {
		if (same_name(name.p, names[id].p, name.n))
			return (enum http_field_id)id;
	}
	return HTTP_H_OTHER;
}

bool http_field_may_repeat(enum http_field_id id)
{
	return may_repeat[id] == MANY;
}
