/* SPDX-License-Identifier: MIT */

#include "service/drive/journal.h"

#include "core/worker.h"
#include "log/access.h"
#include "os/addr.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

void journal_answered(const struct request *r)
{
	struct access *access = &r->drive->access;
	const struct worker *worker = r->conn->worker;
	char peer[ADDR_TEXT_MAX];

	if (access->fd < 0)
		return;
	addr_host(r->conn->peer, peer);
	const struct access_record record = {
		.peer = peer,
		.user = r->user[0] ? span_str(r->user) : SPAN_NONE,
		.method = http_head_method(&r->head),
		.target = http_head_target(&r->head),
		.version = r->head.minor_version ? SPAN("HTTP/1.1") : SPAN("HTTP/1.0"),
		.referer = request_field(r, HTTP_H_REFERER),
		.user_agent = request_field(r, HTTP_H_USER_AGENT),
		.wall_ns = worker_wall_ns(worker),
		.duration_ns = r->started_ns ? worker_now_ns(worker) - r->started_ns : 0,
		.bytes = r->answer.body_bytes,
		.status = r->answer.status,
	};
	access_add(access, &record);
}
