/* SPDX-License-Identifier: MIT */

#include "service/drive/who.h"

#include "base/reason.h"
#include "core/worker.h"
#include "http/resp.h"
#include "log/log.h"
#include "os/addr.h"
#include "service/drive/answer.h"
#include "service/drive/auth/auth.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

#include <assert.h>

#define CHALLENGE "Basic realm=\"drive\", charset=\"UTF-8\""

/* A request whose password is looked at later. */
struct who {
	void (*go_on)(struct request *r);
};

static void enter(
	struct request *r, const struct user *user, void (*go_on)(struct request *r))
{
	size_t n = strlen(user->name);

	static_assert(sizeof(r->user) > USERS_NAME_MAX);
	memcpy(r->user, user->name, n + 1);
	r->may_write = !user->read_only && r->drive->root.can.writable;
	go_on(r);
}

static void turn_away(struct request *r, const char *sentence)
{
	struct buf *head = answer_begin(r, 401);
	http_resp_field(head, SPAN("WWW-Authenticate"), SPAN(CHALLENGE));
	answer_explain(r, sentence);
}

/* The expensive way, for a password that was not seen lately. */
static void verify(struct request *r, void (*go_on)(struct request *r))
{
	struct drive *drive = r->drive;
	uint64_t now_ns = worker_now_ns(drive->worker);
	const struct user *user = NULL;

	worker_blocking(drive->worker);
	int rc = auth_verify(
		drive->auth, request_field(r, HTTP_H_AUTHORIZATION), now_ns, &user);
	worker_unblocked(drive->worker);

	switch (rc) {
	case AUTH_OK: return enter(r, user, go_on);
	case AUTH_MALFORMED: return turn_away(r, "only Basic authorization is known here");
	case AUTH_DENIED: break;
	default: return answer_result(r, FS_NO_MEMORY);
	}
	throttle_failed(drive_throttle(drive), r->conn->peer, now_ns);
	turn_away(r, "the name or the password is wrong");
}

static void verify_later(struct request *r)
{
	const struct who *who = r->task;
	void (*go_on)(struct request * r) = who->go_on;

	request_drop_task(r);
	verify(r, go_on);
}

static void refresh(struct drive *drive)
{
	struct log *log = worker_log(drive->worker);
	struct reason reason;

	switch (auth_refresh(drive->auth, worker_now_ns(drive->worker), &reason)) {
	case AUTH_CHANGED:
		log_info(log, "users-changed", "the users file was read again");
		break;
	case AUTH_KEPT: log_warn(log, "users-kept", reason.text); break;
	default: break;
	}
}

void who_check(struct request *r, void (*go_on)(struct request *r))
{
	static const struct task_ops later = {.end = verify_later};
	struct drive *drive = r->drive;
	struct span value = request_field(r, HTTP_H_AUTHORIZATION);

	if (!drive->auth) {
		r->may_write = drive->root.can.writable;
		return go_on(r);
	}
	refresh(drive);
	if (!value.p)
		return turn_away(r, "a name and a password are needed");
	uint64_t now_ns = worker_now_ns(drive->worker);
	const struct user *user = auth_known(drive->auth, value, now_ns);
	if (user)
		return enter(r, user, go_on);

	uint64_t delay_ns = throttle_delay(drive_throttle(drive), r->conn->peer, now_ns);
	if (delay_ns == 0)
		return verify(r, go_on);
	if (delay_ns == THROTTLE_TOO_MANY) {
		http_resp_number(answer_begin(r, 429), SPAN("Retry-After"),
			THROTTLE_LINE_NS / NS_PER_SEC);
		return answer_explain(r, "too many wrong passwords came from your address");
	}
	struct who *who = request_task(r, sizeof(*who));
	if (!who)
		return;
	who->go_on = go_on;
	request_delay(r, &later, delay_ns);
}
