/* SPDX-License-Identifier: MIT */

#include "service/drive/get.h"

#include "base/escape.h"
#include "http/media.h"
#include "http/range.h"
#include "http/resp.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/open.h"
#include "service/drive/listing.h"
#include "service/drive/methods.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"
#include "service/drive/version.h"

#include <stdio.h>

/*
 * A document out of the folder must not act as the visitor it is shown to: in
 * this sandbox its scripts run, but as nobody's site. With --index the folder
 * is a site, which is its owner's to trust.
 */
#define SANDBOX "sandbox allow-scripts allow-popups allow-downloads"

/* The file to answer with. */
struct found {
	struct fs_file file;
	struct span type;
	struct version version;
};

/* Whether a browser would run scripts of such a document. */
static bool is_active(struct span type)
{
	static const struct span types[] = {
		SPAN("text/html"), SPAN("text/xml"), SPAN("application/xml")};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (span_starts(type, types[i]))
			return true;
	return span_ends(type, SPAN("+xml"));
}

static void put_fields(struct request *r, struct buf *head, const struct found *found)
{
	http_resp_etag(head, found->version.now.etag);
	http_resp_date(head, SPAN("Last-Modified"), found->version.now.mtime_sec);
	http_resp_field(head, SPAN("Accept-Ranges"), SPAN("bytes"));
	http_resp_field(head, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	if (!r->drive->policy->index && is_active(found->type))
		http_resp_field(head, SPAN("Content-Security-Policy"), SPAN(SANDBOX));
}

/* -- several ranges: a head before each part of the file, and an end -- */

struct parts {
	struct http_ranges ranges;
	unsigned n_sent;
	uint64_t size;
	struct span type; /* the media table's */
	char boundary[17];
};

static enum task_more parts_more(struct request *r)
{
	struct parts *parts = r->task;
	struct buf *out = &r->answer.out;
	struct span boundary = span_str(parts->boundary);

	if (parts->n_sent == parts->ranges.n) {
		http_range_put_end(out, boundary);
		return TASK_LAST;
	}
	struct http_range range = parts->ranges.at[parts->n_sent++];
	http_range_put_part(out, boundary, parts->type, range, parts->size);
	answer_piece(r, range.from, range.n);
	return TASK_MORE;
}

static void answer_parts(
	struct request *r, struct found *found, const struct http_ranges *ranges)
{
	static const struct task_ops ops = {.more = parts_more};
	char type[64];

	struct parts *parts = request_task(r, sizeof(*parts));
	if (!parts)
		return fd_close(&found->file.fd);
	*parts = (struct parts){
		.ranges = *ranges, .size = found->file.info.size, .type = found->type};
	file_unique(parts->boundary);

	struct buf *head = answer_begin(r, 206);
	(void)snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s",
		parts->boundary); /* fits by its size */
	put_fields(r, head, found);
	http_resp_field(head, SPAN("Content-Type"), span_str(type));
	r->answer.file = fd_take(&found->file.fd);
	answer_stream(r, &ops,
		http_range_multipart_length(&parts->ranges, span_str(parts->boundary),
			parts->type, parts->size));
}

/* -- one range, or all of it -- */

static void answer_whole(struct request *r, struct found *found)
{
	struct buf *head = answer_begin(r, 200);
	put_fields(r, head, found);
	http_resp_field(head, SPAN("Content-Type"), found->type);
	answer_file(r, fd_take(&found->file.fd), 0, found->file.info.size);
}

static void answer_range(struct request *r, struct found *found, struct http_range range)
{
	struct buf *head = answer_begin(r, 206);
	put_fields(r, head, found);
	http_resp_field(head, SPAN("Content-Type"), found->type);
	buf_put_str(head, "Content-Range: ");
	http_range_put(head, range, found->file.info.size);
	buf_put_str(head, "\r\n");
	answer_file(r, fd_take(&found->file.fd), range.from, range.n);
}

static void answer_outside(struct request *r, struct found *found)
{
	struct buf *head = answer_begin(r, 416);
	buf_put_str(head, "Content-Range: ");
	http_range_put_outside(head, found->file.info.size);
	buf_put_str(head, "\r\n");
	fd_close(&found->file.fd);
	answer_explain(r, "the file has no such part");
}

static void answer_found(struct request *r, struct found *found)
{
	struct http_ranges ranges;

	if (r->method->is_head || !http_head_has(&r->head, HTTP_H_RANGE)
		|| !http_cond_range(&r->head, &found->version.now))
		return answer_whole(r, found);
	switch (http_range_read(
		request_field(r, HTTP_H_RANGE), found->file.info.size, &ranges)) {
	case HTTP_RANGE_SOME: break;
	case HTTP_RANGE_OUTSIDE: return answer_outside(r, found);
	default: return answer_whole(r, found);
	}
	if (ranges.n == 1)
		answer_range(r, found, ranges.at[0]);
	else
		answer_parts(r, found, &ranges);
}

/* Answers with the open file, which is closed in any case. @name is the last of its path.
 */
static void get_file(struct request *r, struct fs_file *file, struct span name)
{
	struct found found = {.file = *file};
	*file = FS_FILE_NONE;

	found.type = http_media_of(r->drive->media, name);
	version_of(r->drive, &found.file.info, &found.version);
	int holds = http_cond_check(&r->head, &found.version.now);
	if (holds == HTTP_COND_PROCEED)
		return answer_found(r, &found);
	fd_close(&found.file.fd);
	if (holds == HTTP_COND_FAILED)
		return answer_result(r, FS_CHANGED);
	put_fields(r, answer_begin(r, 304), &found);
	answer_empty(r);
}

/* -- folders -- */

/* To the same folder by the name that ends with a slash, which relative links need. */
static void redirect(struct request *r)
{
	struct buf *head = answer_begin(r, 301);

	buf_put_str(head, "Location: /");
	escape_path(head, span_str(r->path));
	buf_put_byte(head, '/');
	if (r->query.p) {
		buf_put_byte(head, '?');
		buf_put_span(head, r->query);
	}
	buf_put_str(head, "\r\n");
	answer_explain(r, "a folder's address ends with a slash");
}

static bool get_index(struct request *r)
{
	static const char name[] = "index.html";
	struct fs_file file = FS_FILE_NONE;
	char path[FS_PATH_MAX];

	if (!r->drive->policy->index || !fs_path_join(path, r->path, name)
		|| fs_open(&r->drive->root, path, &file) != FS_OK)
		return false;
	get_file(r, &file, SPAN(name));
	return true;
}

void get_begin(struct request *r)
{
	struct fs_file file = FS_FILE_NONE;

	enum fs_result result = fs_open(&r->drive->root, r->path, &file);
	if (result == FS_IS_DIRECTORY) {
		if (!r->is_slashed)
			redirect(r);
		else if (!get_index(r))
			listing_begin(r);
		return;
	}
	if (result == FS_OK && r->is_slashed) {
		fd_close(&file.fd);
		result = FS_NOT_FOUND;
	}
	if (result != FS_OK)
		return answer_result(r, result);
	get_file(r, &file, span_str(r->path + fs_path_last(r->path)));
}
