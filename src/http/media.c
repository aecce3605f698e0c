/* SPDX-License-Identifier: MIT */

#include "http/media.h"

#include "base/arena.h"
#include "base/num.h"
#include "base/util.h"
#include "http/chars.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define CHARSET    SPAN("; charset=utf-8") /* what text comes with */
#define TABLE_MAX  (2 * MIB)               /* bytes; the file of 2023 needs 150 KiB */
#define N_BUCKETS  1024u                   /* a power of two, near the number of globs */
#define ENDING_MAX 3u /* segments: "tar.gz" has two; keeps "a.b.c.d..." cheap */

struct glob {
	struct glob *next; /* in its bucket */
	struct span text;  /* the name, or the ending without its dot */
	struct span type;  /* with its charset */
	uint64_t weight;
	bool is_ending;
	bool exact_case;
};

struct http_media {
	struct arena arena;
	struct glob *buckets[N_BUCKETS];
	uint64_t name_lengths; /* bit n: a whole name of n bytes is known; 63: or longer */
};

static const struct {
	struct span ending, type;
} built_in[] = {
	{SPAN("html"), SPAN("text/html; charset=utf-8")},
	{SPAN("htm"), SPAN("text/html; charset=utf-8")},
	{SPAN("css"), SPAN("text/css; charset=utf-8")},
	{SPAN("js"), SPAN("text/javascript; charset=utf-8")},
	{SPAN("mjs"), SPAN("text/javascript; charset=utf-8")},
	{SPAN("txt"), SPAN("text/plain; charset=utf-8")},
	{SPAN("md"), SPAN("text/markdown; charset=utf-8")},
	{SPAN("csv"), SPAN("text/csv; charset=utf-8")},
	{SPAN("json"), SPAN("application/json")},
	{SPAN("xml"), SPAN("application/xml")},
	{SPAN("pdf"), SPAN("application/pdf")},
	{SPAN("zip"), SPAN("application/zip")},
	{SPAN("gz"), SPAN("application/gzip")},
	{SPAN("wasm"), SPAN("application/wasm")},
	{SPAN("png"), SPAN("image/png")},
	{SPAN("jpg"), SPAN("image/jpeg")},
	{SPAN("jpeg"), SPAN("image/jpeg")},
	{SPAN("gif"), SPAN("image/gif")},
	{SPAN("webp"), SPAN("image/webp")},
	{SPAN("svg"), SPAN("image/svg+xml")},
	{SPAN("ico"), SPAN("image/vnd.microsoft.icon")},
	{SPAN("mp3"), SPAN("audio/mpeg")},
	{SPAN("ogg"), SPAN("audio/ogg")},
	{SPAN("mp4"), SPAN("video/mp4")},
	{SPAN("webm"), SPAN("video/webm")},
	{SPAN("woff2"), SPAN("font/woff2")},
};

/* FNV-1a over the bytes in lower case, so that all spellings share a bucket. */
static uint32_t bucket_of(struct span s)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 16777619u;
	}
	return hash % N_BUCKETS;
}

static bool takes_charset(struct span type)
{
	return span_starts(type, SPAN("text/"))
	       || span_eq(type, SPAN("application/javascript"));
}

static struct span with_charset(struct arena *arena, struct span type)
{
	if (!takes_charset(type))
		return arena_copy(arena, type);
	char *p = arena_alloc(arena, type.n + CHARSET.n);
	if (!p)
		return SPAN_NONE;
	memcpy(p, type.p, type.n);
	memcpy(p + type.n, CHARSET.p, CHARSET.n);
	return span_of(p, type.n + CHARSET.n);
}

static bool is_type(struct span s)
{
	return s.n > 0 && s.n + CHARSET.n <= HTTP_MEDIA_MAX && http_chars_value(s) == s.n;
}

/* Reads a line into *@glob, whose spans then point into it. False if it is to be passed
 * over. */
static bool read_line(struct span line, struct glob *glob)
{
	struct span weight, text, flag;

	if (!span_cut(&line, ':', &weight) || !num_u64(weight, &glob->weight)
		|| !span_cut(&line, ':', &glob->type) || !is_type(glob->type)
		|| !span_cut(&line, ':', &text) || !text.n)
		return false;
	while (span_cut(&line, ',', &flag))
		glob->exact_case |= span_eq(flag, SPAN("cs"));

	glob->is_ending = span_starts(text, SPAN("*."));
	glob->text = span_from(text, glob->is_ending ? 2 : 0);
	for (size_t i = 0; i < glob->text.n; i++) {
		if (strchr("*?[\\", glob->text.p[i]))
			return false;
	}
	return glob->text.n > 0;
}

static uint64_t length_bit(struct span name)
{
	return UINT64_C(1) << MIN(name.n, 63);
}

static bool add(struct http_media *media, const struct glob *read)
{
	struct glob *glob = arena_alloc(&media->arena, sizeof(*glob));
	if (!glob)
		return false;

	*glob = *read;
	glob->text = arena_copy(&media->arena, read->text);
	glob->type = with_charset(&media->arena, read->type);
	if (!glob->text.p || !glob->type.p)
		return false;

	if (!glob->is_ending)
		media->name_lengths |= length_bit(glob->text);
	struct glob **bucket = &media->buckets[bucket_of(glob->text)];
	glob->next = *bucket;
	*bucket = glob;
	return true;
}

int http_media_new(struct span globs2, struct http_media **out)
{
	struct http_media *media = calloc(1, sizeof(*media));
	struct span line;

	if (!media)
		return -ENOMEM;
	media->arena = ARENA_INIT(TABLE_MAX);

	while (span_cut(&globs2, '\n', &line)) {
		struct glob glob = {.weight = 0};

		if (read_line(line, &glob) && !add(media, &glob)) {
			http_media_free(media);
			return -ENOMEM;
		}
	}
	*out = media;
	return 0;
}

void http_media_free(struct http_media *media)
{
	if (!media)
		return;
	arena_fini(&media->arena);
	free(media);
}

/* A bucket has the last line first: of equal weights the earlier line wins. */
static const struct glob *find(
	const struct http_media *media, struct span text, bool is_ending)
{
	const struct glob *best = NULL;

	for (const struct glob *at = media->buckets[bucket_of(text)]; at; at = at->next) {
		bool same = at->is_ending == is_ending
			    && (at->exact_case ? span_eq(at->text, text)
					       : span_ieq(at->text, text));

		if (same && (!best || at->weight >= best->weight))
			best = at;
	}
	return best;
}

/* Where the ending of that many segments begins; name.n + 1 if the name has not so many. */
static size_t ending_at(struct span name, unsigned n_segments)
{
	for (size_t i = name.n; i-- > 0;) {
		if (name.p[i] == '.' && --n_segments == 0)
			return i + 1;
	}
	return name.n + 1;
}

static struct span from_table(const struct http_media *media, struct span name)
{
	const struct glob *glob = NULL;

	/* Whole names that are known are few, and short: most others cost no look. */
	if (media->name_lengths & length_bit(name))
		glob = find(media, name, false);
	for (unsigned n = ENDING_MAX; !glob && n > 0; n--) {
		size_t at = ending_at(name, n);

		if (at < name.n)
			glob = find(media, span_from(name, at), true);
	}
	return glob ? glob->type : SPAN_NONE;
}

struct span http_media_of(const struct http_media *media, struct span name)
{
	struct span type = media ? from_table(media, name) : SPAN_NONE;
	if (type.p)
		return type;

	struct span ending = span_from(name, ending_at(name, 1));
	for (size_t i = 0; i < ARRAY_LEN(built_in); i++) {
		if (span_ieq(ending, built_in[i].ending))
			return built_in[i].type;
	}
	return SPAN("application/octet-stream");
}
