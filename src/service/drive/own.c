/* SPDX-License-Identifier: MIT */

#include "service/drive/own.h"

#include "base/util.h"
#include "http/cond.h"
#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/options.h"
#include "service/drive/request.h"
#include "service/drive/trashcan.h"
#include "service/drive/trashfind.h"
#include "service/drive/ui/ui_asset.h"
#include "service/drive/who.h"

#define ASSETS FS_RESERVED "/assets/"
#define HEALTH FS_RESERVED "/health"

bool own_is(const struct request *r)
{
	struct span path = span_str(r->path);
	return span_eq(path, SPAN(FS_RESERVED)) || span_starts(path, SPAN(FS_RESERVED "/"));
}

static void health(struct request *r)
{
	struct buf *head = answer_begin(r, 200);
	http_resp_field(head, SPAN("Content-Type"), SPAN("text/plain"));
	http_resp_field(head, SPAN("Cache-Control"), SPAN("no-store"));
	answer_memory(r, SPAN("ok\n"));
}

static void asset(struct request *r, const struct ui_asset *asset)
{
	struct http_now now = {.exists = true};
	bool is_exact = span_starts(r->query, SPAN("v="))
			&& span_eq(span_from(r->query, 2), asset->version);

	if (!http_etag_read(asset->etag, &now.etag))
		now.etag = HTTP_ETAG_NONE;
	bool is_known = http_cond_check(&r->head, &now) == HTTP_COND_NOT_MODIFIED;
	struct buf *head = answer_begin(r, is_known ? 304 : 200);
	http_resp_field(head, SPAN("Cache-Control"),
		is_exact ? SPAN(UI_ASSET_CACHE_LONG) : SPAN(UI_ASSET_CACHE_CHECKED));
	http_resp_field(head, SPAN("ETag"), asset->etag);
	if (is_known)
		return answer_empty(r);
	http_resp_field(head, SPAN("Content-Type"), asset->type);
	http_resp_field(head, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	answer_memory(r, asset->bytes);
}

void own_begin(struct request *r)
{
	struct span path = span_str(r->path);

	if (trashfind_is(r))
		return who_check(r, trashcan_begin);
	if (r->head.method == HTTP_OPTIONS)
		return options_begin(r);
	if (r->head.method != HTTP_GET && r->head.method != HTTP_HEAD)
		return options_not_allowed(r);
	if (span_eq(path, SPAN(HEALTH)))
		return health(r);
	const struct ui_asset *found = span_starts(path, SPAN(ASSETS)) ? ui_asset_find(
					       span_from(path, sizeof(ASSETS) - 1))
								       : NULL;
	if (found)
		asset(r, found);
	else
		answer_result(r, FS_NOT_FOUND);
}
