/* SPDX-License-Identifier: MIT */

#include "service/drive/drive.h"

#include "base/reason.h"
#include "core/worker.h"
#include "http/media.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/auth/auth.h"
#include "service/drive/auth/throttle.h"
#include "service/drive/body.h"
#include "service/drive/chores.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

const char *drive_date(struct drive *drive)
{
	int64_t sec = (int64_t)(worker_wall_ns(drive->worker) / NS_PER_SEC);
	if (sec != drive->date_sec) {
		date_http(sec, drive->date);
		drive->date_sec = sec;
	}
	return drive->date;
}

struct throttle *drive_throttle(const struct drive *drive)
{
	struct drive_shared *shared = worker_shared(drive->worker);
	return (struct throttle *)shared->throttle;
}

static struct span refusal(enum refusal why)
{
	static const struct span busy =
		SPAN("HTTP/1.1 503 Service Unavailable\r\n"
		     "Retry-After: 1\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: 60\r\n"
		     "Connection: close\r\n"
		     "\r\n"
		     "503 Service Unavailable: everybody is busy; try again soon.\n");
	/* Not a 429: that needs a Date, which constant bytes cannot have. */
	static const struct span greedy = SPAN(
		"HTTP/1.1 503 Service Unavailable\r\n"
		"Retry-After: 1\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n"
		"Content-Length: 81\r\n"
		"Connection: close\r\n"
		"\r\n"
		"503 Service Unavailable: too many connections from your address; try again soon.\n");
	static const struct span broken =
		SPAN("HTTP/1.1 502 Bad Gateway\r\n"
		     "Content-Type: text/plain; charset=utf-8\r\n"
		     "Content-Length: 63\r\n"
		     "Connection: close\r\n"
		     "\r\n"
		     "502 Bad Gateway: the process that worked on this request died.\n");

	switch (why) {
	case REFUSE_BUSY: return busy;
	case REFUSE_GREEDY: return greedy;
	case REFUSE_BROKEN: return broken;
	}
	return SPAN_NONE;
}

/* What a folder is called: the last name of its path. */
static struct span site_of(const char *root)
{
	struct span path = span_str(root);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	size_t from = path.n;
	while (from > 0 && path.p[from - 1] != '/')
		from--;
	struct span name = span_from(path, from);
	return name.n == 0 || span_eq(name, SPAN(".")) || span_eq(name, SPAN(".."))
		       ? SPAN("Files")
		       : name;
}

static void stop(struct worker *worker)
{
	struct drive *drive = worker_state(worker);
	if (!drive)
		return;
	access_fini(&drive->access);
	checksum_forget(&drive->checksums);
	auth_close(drive->auth);
	http_media_free(drive->media);
	if (drive->has_cache)
		fs_cache_fini(&drive->cache);
	fs_recall_fini(&drive->recall);
	lock_store_close(&drive->locks);
	fs_root_close(&drive->root);
	buf_fini(&drive->head);
	body_close_pipe(drive);
	free(drive->block);
	free(drive);
	worker_set_state(worker, NULL);
}

static int no_memory(struct reason *reason)
{
	errno = ENOMEM;
	return reason_errno(reason, "cannot start");
}

/* What the system knows of media types; without that, what http/media.h does. */
static int learn_media(struct drive *drive, struct reason *reason)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, "/usr/share/mime/globs2", O_RDONLY, 0);
	/* Nothing has been served yet, so the block is free. */
	ssize_t n = fd < 0 ? 0 : file_read_at(fd, drive->block, DRIVE_BLOCK_BYTES, 0);

	if (http_media_new(span_of(drive->block, n > 0 ? (size_t)n : 0), &drive->media)
		< 0) {
		errno = ENOMEM;
		return reason_errno(reason, "cannot start");
	}
	return 0;
}

static int open_cache(struct drive *drive, struct reason *reason)
{
	const struct fs_cache_limits limits = {
		.max_entries = MAX(drive->policy->cache_bytes / (4 * KIB), 64),
		.max_bytes = drive->policy->cache_bytes,
		.max_file_bytes = DRIVE_SMALL_BYTES,
		.min_age_ns = FS_CACHE_MIN_AGE_NS,
	};
	if (limits.max_bytes == 0)
		return 0;
	/* A quarter as much again: ten thousand entries, of the default. */
	if (fs_recall_init(&drive->recall, limits.max_bytes / 4, FS_CACHE_MIN_AGE_NS)
		!= FS_OK)
		return no_memory(reason);
	drive->has_cache = fs_cache_init(&drive->cache, &limits) == FS_OK;
	return drive->has_cache ? 0 : no_memory(reason);
}

static bool go_on(void *ctx)
{
	const struct drive *drive = ctx;

	worker_progress(drive->worker);
	return true;
}

/* Once a second is enough, for what may be a whole tree's worth. */
static void report_unkept(void *ctx, const char *path, enum fs_result why)
{
	struct drive *drive = ctx;
	uint64_t now_ns = worker_now_ns(drive->worker);

	if (drive->unkept_ns && now_ns - drive->unkept_ns < NS_PER_SEC) {
		drive->n_unkept++;
		return;
	}
	log_warn(worker_log(drive->worker), "not-kept",
		"something that is deleted or replaced cannot be kept in the trash",
		KV("path", path), KV("why", fs_result_name(why)),
		KV("others", drive->n_unkept));
	drive->unkept_ns = now_ns;
	drive->n_unkept = 0;
}

static int start(struct worker *worker, struct reason *reason)
{
	const struct policy *policy = worker_conf(worker);
	struct drive_shared *shared = worker_shared(worker);
	struct policy_trash trash;
	if (policy_trash(policy, &trash, reason) < 0)
		return -EINVAL;
	struct drive *drive = calloc(1, sizeof(*drive));
	const struct fs_options options = {
		.read_only = policy->read_only,
		.rename_only = policy->durability == POLICY_RENAME,
		.trash = trash.keep_ns > 0,
		.kept_bytes = &shared->kept_bytes,
		.watch = {.go_on = go_on, .failed = report_unkept, .ctx = drive},
	};
	char *block = malloc(DRIVE_BLOCK_BYTES);
	if (!drive || !block) {
		free(drive);
		free(block);
		return no_memory(reason);
	}

	*drive = (struct drive){
		.worker = worker,
		.policy = policy,
		.root = FS_ROOT_NONE,
		.locks = LOCK_STORE_NONE,
		.head = BUF_INIT(DRIVE_HEAD_MAX),
		.block = block,
		.pipe_in = -1,
		.pipe_out = -1,
		.site = site_of(policy->root),
		.trash = trash,
	};
	access_init(&drive->access, worker_access_fd(worker), policy->access_log_format);
	worker_set_state(worker, drive);
	checksum_learn(&drive->checksums);

	int rc = learn_media(drive, reason);
	if (rc == 0)
		rc = open_cache(drive, reason);
	if (rc == 0 && policy->users)
		rc = auth_open(policy->users, &drive->auth, reason);
	if (rc == 0)
		rc = fs_root_open(&drive->root, policy->root, &options, reason);
	if (rc == 0 && lock_store_open(&drive->locks, &drive->root) != FS_OK)
		rc = reason_errno(reason, "cannot keep locks in its directory .prefork");
	if (rc < 0) {
		stop(worker);
		return rc;
	}
	if (!atomic_exchange(&shared->is_begun, true))
		chores_begin(drive);
	worker_progress(worker); /* so that the trash has its turn, once we serve */
	return 0;
}

static void reopen(struct worker *worker)
{
	struct drive *drive = worker_state(worker);
	access_reopen(&drive->access, worker_access_fd(worker));
}

static void quiet(struct worker *worker)
{
	struct drive *drive = worker_state(worker);
	chores_quiet(drive);
	access_flush(&drive->access);
	uint64_t n_lost = access_take_lost(&drive->access);
	if (n_lost > 0)
		log_warn(worker_log(worker), "access-log-lost",
			"lines of the access log could not be written",
			KV("lines", n_lost));
}

static void finish(struct worker *worker)
{
	struct drive *drive = worker_state(worker);
	chores_end(drive);
	access_finish(&drive->access);
}

const struct service_ops drive_service = {
	.name = "drive",
	.summary = "a folder on the network, for browsers, WebDAV and rclone",
	.scheme = "http",
	.opts = policy_opts,
	.n_opts = POLICY_N_OPTS,
	.conf_bytes = sizeof(struct policy),
	.argument = "root",
	.connections = 32, /* docs/decisions/0003 */
	.conn_bytes = sizeof(struct request),
	.input_bytes = HTTP_HEAD_MAX,
	.shared_bytes = sizeof(struct drive_shared),
	.check = policy_check,
	.refusal = refusal,
	.start = start,
	.finish = finish,
	.stop = stop,
	.open = request_open,
	.readable = request_readable,
	.writable = request_writable,
	.timer = request_timer,
	.close = request_close,
	.reopen = reopen,
	.quiet = quiet,
};
