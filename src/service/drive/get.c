/* SPDX-License-Identifier: MIT */

#include "service/drive/get.h"

#include "base/escape.h"
#include "core/worker.h"
#include "http/range.h"
#include "http/resp.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/about.h"
#include "service/drive/answer.h"
#include "service/drive/digests.h"
#include "service/drive/drive.h"
#include "service/drive/fs/cache.h"
#include "service/drive/listing.h"
#include "service/drive/methods.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"
#include "service/drive/version.h"

#include <stdio.h>

/* The file to answer with. */
struct found {
	struct fs_info info;
	/* Borrowed, until the callback returns; or NULL, and it is to be read from fd. */
	const struct fs_cached *cached;
	int fd;                 /* owned; else -1 */
	struct fs_digests kept; /* of its contents; none with checksums = none */
	const struct about *about;
};

/* @typed: its Content-Type, too. */
static void put_fields(
	struct request *r, struct buf *head, const struct found *found, bool typed)
{
	const struct about *about = found->about;

	buf_put(head, about->fields, typed ? about->n_fields : about->n_common);
	if (found->kept.n > 0) {
		struct http_digests digests;

		digests_unpack(&found->kept, &digests);
		digests_put(r, head, &digests);
	}
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

/* A file from memory is small enough to be answered at once. */
static void answer_parts_now(
	struct request *r, const struct found *found, const struct parts *parts)
{
	AUTO_BUF body = BUF_INIT(DRIVE_OUT_MAX);

	for (unsigned i = 0; i < parts->ranges.n; i++) {
		struct http_range range = parts->ranges.at[i];
		http_range_put_part(
			&body, span_str(parts->boundary), parts->type, range, parts->size);
		buf_put(&body, found->cached->bytes + range.from, range.n);
	}
	http_range_put_end(&body, span_str(parts->boundary));
	answer_memory(r, buf_span(&body));
}

static void answer_parts(
	struct request *r, struct found *found, const struct http_ranges *ranges)
{
	static const struct task_ops ops = {.more = parts_more};
	char type[64];

	struct parts *parts = request_task(r, sizeof(*parts));
	if (!parts)
		return;
	*parts = (struct parts){
		.ranges = *ranges, .size = found->info.size, .type = found->about->type};
	file_unique(parts->boundary);

	struct buf *head = answer_begin(r, 206);
	(void)snprintf(type, sizeof(type), "multipart/byteranges; boundary=%s",
		parts->boundary); /* fits by its size */
	put_fields(r, head, found, false);
	http_resp_field(head, SPAN("Content-Type"), span_str(type));
	if (found->cached)
		return answer_parts_now(r, found, parts);
	r->answer.file = fd_take(&found->fd);
	answer_stream(r, &ops,
		http_range_multipart_length(&parts->ranges, span_str(parts->boundary),
			parts->type, parts->size));
}

/* -- one range, or all of it -- */

static void answer_bytes(struct request *r, struct found *found, struct http_range range)
{
	if (found->cached)
		answer_memory(r, span_of(found->cached->bytes + range.from, range.n));
	else
		answer_file(r, fd_take(&found->fd), range.from, range.n);
}

static void answer_whole(struct request *r, struct found *found)
{
	struct buf *head = answer_begin(r, 200);
	put_fields(r, head, found, true);
	answer_bytes(r, found, (struct http_range){.n = found->info.size});
}

static void answer_range(struct request *r, struct found *found, struct http_range range)
{
	struct buf *head = answer_begin(r, 206);
	put_fields(r, head, found, true);
	buf_put_str(head, "Content-Range: ");
	http_range_put(head, range, found->info.size);
	buf_put_str(head, "\r\n");
	answer_bytes(r, found, range);
}

static void answer_outside(struct request *r, const struct found *found)
{
	struct buf *head = answer_begin(r, 416);
	buf_put_str(head, "Content-Range: ");
	http_range_put_outside(head, found->info.size);
	buf_put_str(head, "\r\n");
	answer_explain(r, "the file has no such part");
}

static void answer_found(struct request *r, struct found *found)
{
	struct http_ranges ranges;

	if (r->method->is_head || !http_head_has(&r->head, HTTP_H_RANGE)
		|| !version_range(r, &found->info))
		return answer_whole(r, found);
	switch (http_range_read(
		request_field(r, HTTP_H_RANGE), found->info.size, &ranges)) {
	case HTTP_RANGE_SOME: break;
	case HTTP_RANGE_OUTSIDE: return answer_outside(r, found);
	default: return answer_whole(r, found);
	}
	if (ranges.n == 1)
		answer_range(r, found, ranges.at[0]);
	else
		answer_parts(r, found, &ranges);
}

/* Answers with what was found under the name that @path ends with. */
static void get_file(struct request *r, struct found *found, const char *path)
{
	struct span name = span_str(path + fs_path_last(path));

	found->about = found->cached ? about_cached(r->drive, name, found->cached)
				     : about_file(r->drive, name, &found->info);
	switch (version_check(r, &found->info)) {
	case HTTP_COND_FAILED: return answer_result(r, FS_CHANGED);
	case HTTP_COND_NOT_MODIFIED:
		put_fields(r, answer_begin(r, 304), found, false);
		return answer_empty(r);
	default: answer_found(r, found);
	}
}

/* Finds the file @path: in memory, or on the disk and then perhaps in memory too. */
static enum fs_result find(struct drive *drive, const char *path, struct found *found)
{
	uint64_t now_ns = worker_now_ns(drive->worker);
	const struct fs_cached *cached = NULL;
	struct fs_file file = FS_FILE_NONE;

	if (drive->has_cache)
		cached = fs_cache_get(&drive->cache, &drive->root, path, now_ns);
	if (!cached) {
		enum fs_result result = fs_open(&drive->root, path, &file);
		if (result != FS_OK)
			return result;
		if (drive->has_cache)
			cached = fs_cache_add(
				&drive->cache, &drive->root, path, &file, now_ns);
	}
	bool knows_digests = drive->policy->checksums != POLICY_NONE;
	if (cached) {
		fd_close(&file.fd);
		found->info = cached->info;
		found->cached = cached;
		if (knows_digests)
			found->kept = cached->digests;
	} else {
		found->info = file.info;
		found->fd = file.fd;
		if (knows_digests)
			fs_digests_read(&drive->root, file.fd, &file.info, &found->kept);
	}
	return FS_OK;
}

/* -- folders -- */

void get_redirect(struct request *r)
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

/* False if the folder has no index, or is not to be shown by it. */
static bool get_index(struct request *r)
{
	struct found found = {.fd = -1};
	char path[FS_PATH_MAX];

	if (!r->drive->policy->index || !fs_path_join(path, r->path, "index.html")
		|| find(r->drive, path, &found) != FS_OK)
		return false;
	get_file(r, &found, path);
	fd_close(&found.fd);
	return true;
}

static void get_folder(struct request *r)
{
	if (!r->is_slashed)
		get_redirect(r);
	else if (!get_index(r))
		listing_begin(r);
}

void get_begin(struct request *r)
{
	struct found found = {.fd = -1};

	enum fs_result result = find(r->drive, r->path, &found);
	if (result == FS_IS_DIRECTORY)
		return get_folder(r);
	if (result == FS_OK && r->is_slashed)
		result = FS_NOT_FOUND;
	if (result == FS_OK)
		get_file(r, &found, r->path);
	else
		answer_result(r, result);
	fd_close(&found.fd);
}

void get_opened(struct request *r, struct fs_file *file, const char *name)
{
	struct found found = {.fd = file->fd, .info = file->info};

	file->fd = -1;
	get_file(r, &found, name);
	fd_close(&found.fd);
}
