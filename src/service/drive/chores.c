/* SPDX-License-Identifier: MIT */

#include "service/drive/chores.h"

#include "base/util.h"
#include "core/worker.h"
#include "log/log.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/drive/drive.h"
#include "service/drive/fs/sweep.h"
#include "service/drive/fs/trim.h"
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

/* -- the trash -- */

#define TRIM_EVERY_NS (3600 * NS_PER_SEC)
#define TRIM_TURN_NS  (50 * NS_PER_MS) /* at a time, because others wait */
#define TRIM_END_NS \
	(2 * NS_PER_SEC) /* of a process that ends: one of fork's has no turns */
#define WAKE_LEAST_NS NS_PER_SEC
#define WAKE_MOST_NS  (365 * 24 * TRIM_EVERY_NS) /* of longer times: a year is soon enough */
#define EARLY_PART    16 /* so much of what may be kept came since: it is looked at again, */
#define EARLY_PAUSES \
	16 /* times as long after as it took: so much of the time it may cost */

/* It counts against a disk as large as it is now. */
static uint64_t most_bytes(const struct drive *drive)
{
	struct file_space space;

	if (drive->trash.max_bytes > 0)
		return drive->trash.max_bytes;
	if (file_space(drive->root.fd, &space) < 0 || space.total_bytes == 0)
		return UINT64_MAX; /* a disk without an end */
	return space.total_bytes / 100 * drive->trash.percent;
}

static void report(struct drive *drive, enum fs_result result)
{
	const struct fs_trimmed *trimmed = &drive->trimmed;

	if (trimmed->n_removed > 0)
		log_info(worker_log(drive->worker), "trash-trimmed",
			"removed the oldest from the trash",
			KV("removed", trimmed->n_removed),
			KV("bytes", trimmed->removed_bytes), KV("kept", trimmed->n_kept));
	if (trimmed->n_failed > 0 || result != FS_OK)
		log_warn(worker_log(drive->worker), "trash-stays",
			"something in the trash cannot be removed",
			KV("why", fs_result_name(result)), KV("failed", trimmed->n_failed));
}

/* Whether it is time, and this worker is the one to do it. Should it die, the next hour has
 * another. */
static bool is_due(struct drive_shared *shared, uint64_t most)
{
	uint64_t now_ns = clock_mono_ns();
	uint64_t early_ns = atomic_load(&shared->early_at_ns);

	if (now_ns < early_ns
		|| (atomic_load(&shared->kept_bytes) <= most / EARLY_PART
			&& now_ns < atomic_load(&shared->trim_at_ns)))
		return false;
	return atomic_compare_exchange_strong(
		&shared->early_at_ns, &early_ns, now_ns + TRIM_EVERY_NS);
}

/* Leaves it to whoever is next, after @pause_ns at the latest. */
static void end_trim(struct drive *drive, uint64_t pause_ns)
{
	struct drive_shared *shared = worker_shared(drive->worker);
	uint64_t now_ns = clock_mono_ns();

	fs_trim_free(drive->trim);
	drive->trim = NULL;
	atomic_store(&shared->trim_at_ns, now_ns + pause_ns);
	atomic_store(&shared->early_at_ns, now_ns + EARLY_PAUSES * drive->trim_took_ns);
}

static void begin_trim(struct drive *drive, uint64_t most)
{
	uint64_t keep_ns = drive->trash.keep_ns, wall_ns = clock_wall_ns();
	const struct fs_trim_limits limits = {
		.before_ns = keep_ns < wall_ns ? (int64_t)(wall_ns - keep_ns) : 0,
		.most_bytes = most};

	drive->trim = fs_trim_new(&drive->root, &limits);
	drive->trimmed = (struct fs_trimmed){0};
	drive->trim_took_ns = 0;
}

/* When what was found to be the oldest will be too old. */
static void note_expiry(const struct drive *drive)
{
	struct drive_shared *shared = worker_shared(drive->worker);
	uint64_t wall_ns = clock_wall_ns(), at_ns;
	int64_t oldest_ns = drive->trimmed.oldest_ns;
	bool is_never = oldest_ns == INT64_MAX
			|| __builtin_add_overflow(
				(uint64_t)oldest_ns, drive->trash.keep_ns, &at_ns);

	if (is_never)
		at_ns = 0;
	else
		at_ns = clock_mono_ns() + (at_ns > wall_ns ? at_ns - wall_ns : 0);
	atomic_store(&shared->expires_at_ns, at_ns);
}

static void trim(struct drive *drive, uint64_t turn_ns)
{
	uint64_t begun_ns = clock_mono_ns(), until_ns = begun_ns + turn_ns;
	const struct fs_watch watch = {.go_on = has_time, .ctx = &until_ns};

	enum fs_result result = drive->trim
					? fs_trim_go(drive->trim, &watch, &drive->trimmed)
					: FS_NO_MEMORY;
	drive->trim_took_ns += clock_mono_ns() - begun_ns;
	if (result == FS_CANCELLED)
		return;
	report(drive, result);
	if (result == FS_OK)
		note_expiry(drive);
	end_trim(drive, MIN(TRIM_EVERY_NS, drive->trash.keep_ns));
}

/* Whether there is a trim to go on with. */
static bool begins_or_goes_on(struct drive *drive)
{
	struct drive_shared *shared = worker_shared(drive->worker);

	if (drive->trim)
		return true;
	if (drive->root.trash < 0
		|| (atomic_load(&shared->kept_bytes) == 0
			&& clock_mono_ns() < atomic_load(&shared->trim_at_ns)))
		return false;
	uint64_t most = most_bytes(drive);
	if (!is_due(shared, most))
		return false;
	atomic_store(&shared->kept_bytes, 0);
	begin_trim(drive, most);
	return true;
}

/* The first who has nothing to do while there is something that will be too old sees to it.
 * Should he be killed, the next who has something to do takes his place. */
static void plan_wake(struct drive *drive)
{
	struct drive_shared *shared = worker_shared(drive->worker);
	uint64_t now_ns = clock_mono_ns();
	uint64_t planned_ns = atomic_load(&shared->wake_at_ns);
	uint64_t at_ns = atomic_load(&shared->expires_at_ns);

	if (planned_ns > now_ns)
		return;
	if (at_ns == 0 && atomic_load(&shared->kept_bytes) > 0)
		at_ns = now_ns + MIN(drive->trash.keep_ns, WAKE_MOST_NS);
	if (at_ns == 0)
		return;
	/* Not before it is due. */
	at_ns = MAX(at_ns, now_ns + WAKE_LEAST_NS);
	at_ns = MAX(at_ns, atomic_load(&shared->trim_at_ns));
	at_ns = MAX(at_ns, atomic_load(&shared->early_at_ns));
	if (!atomic_compare_exchange_strong(&shared->wake_at_ns, &planned_ns, at_ns))
		return;
	drive->wake_at_ns = at_ns;
	worker_wake(drive->worker, at_ns);
}

void chores_quiet(struct drive *drive)
{
	if (begins_or_goes_on(drive)) {
		worker_blocking(drive->worker);
		trim(drive, TRIM_TURN_NS);
		worker_unblocked(drive->worker); /* which asks for the next turn */
	}
	if (drive->root.trash >= 0 && !drive->trim)
		plan_wake(drive);
}

void chores_end(struct drive *drive)
{
	struct drive_shared *shared = worker_shared(drive->worker);

	if (begins_or_goes_on(drive))
		trim(drive, TRIM_END_NS);
	if (drive->trim)
		end_trim(drive, 0);
	/* What it was to see to is another's. */
	(void)atomic_compare_exchange_strong(&shared->wake_at_ns, &drive->wake_at_ns, 0);
}

static void say_what_is_missing(const struct drive *drive)
{
	const struct fs_abilities *can = &drive->root.can;
	struct log *log = worker_log(drive->worker);

	if (!can->writable && !drive->policy->read_only)
		log_warn(log, "folder-read-only",
			"the folder cannot be written to, so nobody can change anything");
	if (can->writable && drive->trash.keep_ns > 0 && drive->root.trash < 0)
		log_warn(log, "no-trash",
			"nothing that is deleted is kept: .prefork/trash is somebody else's");
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
