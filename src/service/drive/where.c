/* SPDX-License-Identifier: MIT */

#include "service/drive/where.h"

#include "base/escape.h"
#include "http/path.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

#include <assert.h>

bool where_decode(
	struct request *r, struct span url, char out[FS_PATH_MAX], bool *is_slashed)
{
	struct http_path path;
	const char *why;

	static_assert(DRIVE_BLOCK_BYTES >= HTTP_HEAD_MAX, "a URL fits the block");
	unsigned status = http_path_decode(url, r->drive->block, &path, &why);
	if (status != 0) {
		answer_sentence(r, status, why);
		return false;
	}
	if (path.rel.n >= FS_PATH_MAX) {
		answer_result(r, FS_TOO_LONG);
		return false;
	}
	memcpy(out, path.rel.p, path.rel.n);
	out[path.rel.n] = '\0';
	*is_slashed = path.slash;
	return true;
}

void where_url(struct buf *out, const char *path)
{
	buf_put_byte(out, '/');
	escape_path(out, span_str(path));
}

struct multistatus_href where_href(struct buf *folder, const char *path, bool is_dir)
{
	size_t last = fs_path_last(path);

	buf_clear(folder);
	buf_put_byte(folder, '/');
	escape_path(folder, span_of(path, last));
	return (struct multistatus_href){.folder = buf_span(folder),
		.name = span_str(path + last),
		.is_dir = is_dir};
}
