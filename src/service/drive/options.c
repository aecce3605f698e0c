/* SPDX-License-Identifier: MIT */

#include "service/drive/options.h"

#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/stat.h"
#include "service/drive/own.h"
#include "service/drive/request.h"
#include "service/drive/trashfind.h"

#define READING "OPTIONS, GET, HEAD, PROPFIND"
#define WRITING ", PROPPATCH, COPY, LOCK, UNLOCK"

static struct span allowed(const struct request *r)
{
	static const struct span reading = SPAN(READING);
	static const struct span root = SPAN(READING WRITING);
	static const struct span folder = SPAN(READING WRITING ", MOVE, DELETE");
	static const struct span file = SPAN(READING WRITING ", MOVE, DELETE, PUT");
	static const struct span nothing = SPAN("OPTIONS, PUT, MKCOL, LOCK");
	static const struct span trash =
		SPAN("OPTIONS, GET, HEAD, PROPFIND, POST, MOVE, DELETE");
	static const struct span own = SPAN("OPTIONS, GET, HEAD");
	struct fs_info info;

	if (trashfind_is(r))
		return trash;
	if (own_is(r))
		return own;
	if (!r->may_write)
		return reading;
	if (r->path[0] == '\0')
		return root;
	if (fs_stat(&r->drive->root, r->path, &info) != FS_OK)
		return nothing;
	return info.type == FS_DIRECTORY ? folder : file;
}

void options_begin(struct request *r)
{
	struct buf *head = answer_begin(r, 200);
	http_resp_field(head, SPAN("Allow"), allowed(r));
	/* 2 is locks, which a folder has that can be written to. */
	http_resp_field(head, SPAN("DAV"),
		r->drive->root.can.writable ? SPAN("1, 2, 3, extended-mkcol")
					    : SPAN("1, 3"));
	/* Windows looks for a server that speaks WebDAV of its own accord, not FrontPage.
	 */
	http_resp_field(head, SPAN("MS-Author-Via"), SPAN("DAV"));
	http_resp_field(head, SPAN("Accept-Ranges"), SPAN("bytes"));
	answer_empty(r);
}

void options_not_allowed(struct request *r)
{
	http_resp_field(answer_begin(r, 405), SPAN("Allow"), allowed(r));
	answer_explain(r, "this cannot be done here");
}
