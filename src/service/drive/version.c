/* SPDX-License-Identifier: MIT */

#include "service/drive/version.h"

#include "base/date.h"
#include "core/worker.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

void version_of(const struct drive *drive, const struct fs_info *info, struct version *out)
{
	out->now = (struct http_now){.exists = info};
	if (!info)
		return;
	out->now.has_mtime = true;
	out->now.mtime_sec = date_sec(info->mtime_ns);
	if (info->type == FS_DIRECTORY)
		return;
	int64_t now_ns = (int64_t)worker_wall_ns(drive->worker);
	out->now.etag.weak = !fs_etag(&drive->root, info, now_ns, out->tag);
	out->now.etag.opaque = span_str(out->tag);
}

struct span version_etag(
	const struct drive *drive, const struct fs_info *info, char out[VERSION_ETAG_MAX])
{
	struct version version;
	size_t n = 0;

	version_of(drive, info, &version);
	struct http_etag tag = version.now.etag;
	if (tag.weak) {
		out[n++] = 'W';
		out[n++] = '/';
	}
	out[n++] = '"';
	memcpy(out + n, tag.opaque.p, tag.opaque.n);
	n += tag.opaque.n;
	out[n++] = '"';
	return span_of(out, n);
}

int version_check(const struct request *r, const struct fs_info *now)
{
	struct version version;

	if (!http_cond_any(&r->head))
		return HTTP_COND_PROCEED;
	version_of(r->drive, now, &version);
	return http_cond_check(&r->head, &version.now);
}

bool version_range(const struct request *r, const struct fs_info *now)
{
	struct version version;

	version_of(r->drive, now, &version);
	return http_cond_range(&r->head, &version.now);
}

static bool holds(void *ctx, const struct fs_info *now)
{
	return version_check(ctx, now) == HTTP_COND_PROCEED;
}

struct fs_condition version_condition(struct request *r)
{
	static const enum http_field_id fields[] = {
		HTTP_H_IF_MATCH, HTTP_H_IF_NONE_MATCH, HTTP_H_IF_UNMODIFIED_SINCE};

	struct fs_condition condition = {.kind = FS_IF_ANY, .by = r->user};
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (http_head_has(&r->head, fields[i])) {
			condition.kind = FS_IF_HOLDS;
			condition.holds = holds;
			condition.ctx = r;
		}
	return condition;
}
