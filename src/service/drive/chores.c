/* SPDX-License-Identifier: MIT */

#include "service/drive/chores.h"

#include "core/worker.h"
#include "log/log.h"
#include "os/clock.h"
#include "service/drive/drive.h"
#include "service/drive/fs/sweep.h"
#include "service/drive/policy.h"

/* The first worker is not ready before it is done; what is left then waits for the next
 * start. */
#define SWEEP_NS (5 * NS_PER_SEC)

static bool has_time(void *ctx)
{
	const uint64_t *until_ns = ctx;
	return clock_mono_ns() < *until_ns;
}

static void sweep(struct drive *drive)
{
	uint64_t until_ns = clock_mono_ns() + SWEEP_NS;
	const struct fs_watch watch = {.go_on = has_time, .ctx = &until_ns};
	struct fs_swept swept = {0};

	enum fs_result result = fs_sweep(&drive->root, &watch, &swept);
	if (swept.n_removed > 0)
		log_info(worker_log(drive->worker), "swept",
			"removed what an earlier server left half done",
			KV("removed", swept.n_removed), KV("held", swept.n_held));
	if (swept.n_failed > 0 || result != FS_OK)
		log_warn(worker_log(drive->worker), "sweep-incomplete",
			"something that an earlier server left half done is still there",
			KV("why", fs_result_name(result)), KV("failed", swept.n_failed));
}

static void say_what_is_missing(const struct drive *drive)
{
	const struct fs_abilities *can = &drive->root.can;
	struct log *log = worker_log(drive->worker);

	if (!can->writable && !drive->policy->read_only)
		log_warn(log, "folder-read-only",
			"the folder cannot be written to, so nobody can change anything");
	if (can->shadowed)
		log_warn(log, "folder-shadowed",
			"the entry ~ of the folder is not shown: that name is the program's");
	if (can->coarse_clock)
		log_info(log, "folder-coarse-clock",
			"file times hold no fractions of a second; versions are told apart by more");
	if (can->writable && !can->attributes)
		log_info(log, "folder-without-attributes",
			"the disk keeps no extended attributes");
}

void chores_begin(struct drive *drive)
{
	say_what_is_missing(drive);
	if (drive->root.can.writable)
		sweep(drive);
}
