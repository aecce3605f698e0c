/* SPDX-License-Identifier: MIT */

#include "service/drive/journal.h"

#include "log/access.h"
#include "os/addr.h"
#include "os/clock.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

/* What nginx writes where there was no answer, and log readers know. */
#define STATUS_CLIENT_GONE 499u

static void add(const struct request *r, unsigned status, bool is_whole)
{
	struct access *access = &r->drive->access;
	char peer[ADDR_TEXT_MAX];

	if (access->fd < 0)
		return;
	addr_host(r->conn->peer, peer);
	/* Not the loop's time: a password, a large folder or a disk may have taken long since
	 * the loop looked at its clock. */
	uint64_t took_ns = r->started_ns ? clock_mono_ns() - r->started_ns : 0;
	const struct access_record record = {
		.peer = peer,
		.user = r->user[0] ? span_str(r->user) : SPAN_NONE,
		.method = http_head_method(&r->head),
		.target = http_head_target(&r->head),
		.version = r->head.minor_version ? SPAN("HTTP/1.1") : SPAN("HTTP/1.0"),
		.referer = request_field(r, HTTP_H_REFERER),
		.user_agent = request_field(r, HTTP_H_USER_AGENT),
		.conn_id = r->conn->id,
		.wall_ns = clock_wall_ns() - took_ns,
		.duration_ns = took_ns,
		.bytes = r->answer.body_bytes,
		.status = status,
		.is_whole = is_whole,
	};
	access_add(access, &record);
}

void journal_answered(const struct request *r)
{
	add(r, r->answer.status, true);
}

void journal_broken_off(const struct request *r)
{
	add(r, r->answer.status ? r->answer.status : STATUS_CLIENT_GONE, false);
}
