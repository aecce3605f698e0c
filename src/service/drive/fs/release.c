/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/release.h"

#include "base/date.h"
#include "base/util.h"
#include "os/clock.h"
#include "os/closer.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>

enum {
	HOLD_AGAIN = 16,   /* small files, before it is tried again without */
	ROOM_PART = 8,     /* of the disk, less than which is no room */
	SLOW_NS = 300'000, /* what holding a file costs, thirty times */
};

#define LARGE MIB /* takes longer to free than to hold, wherever it is */

struct fs_releases {
	struct closer closer;
	unsigned n_to_hold; /* of the next small files */
};

struct fs_releases *fs_releases_new(void)
{
	struct fs_releases *releases = malloc(sizeof(*releases));

	if (releases)
		*releases = (struct fs_releases){.closer = CLOSER_NONE};
	return releases;
}

void fs_releases_free(struct fs_releases *releases)
{
	if (releases)
		closer_fini(&releases->closer);
	free(releases);
}

/* One file's last name, while it goes. */
struct parting {
	struct fs_releases *releases; /* NULL: nothing depends on it */
	int held;                     /* or -1 */
	uint64_t began_ns;
};

static struct parting begin(
	const struct fs_root *root, int dir, const char *name, const struct fs_info *old)
{
	struct parting parting = {.held = -1};

	if (!old || old->type != FS_FILE || old->n_links != 1)
		return parting;
	parting.releases = root->releases;
	if (old->size >= LARGE || parting.releases->n_to_hold > 0)
		parting.held = file_open(dir, name, O_PATH | O_NOFOLLOW, 0);
	if (old->size < LARGE && parting.releases->n_to_hold > 0)
		parting.releases->n_to_hold--;
	parting.began_ns = clock_mono_ns();
	return parting;
}

/* @err is of the call that took the name. */
static int end(struct parting *parting, int err, int *held)
{
	if (err < 0)
		fd_close(&parting->held);
	else if (parting->releases && parting->held < 0
		 && clock_mono_ns() - parting->began_ns > SLOW_NS)
		parting->releases->n_to_hold = HOLD_AGAIN;
	*held = parting->held;
	return err;
}

int fs_release_unlink(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *old, int *held)
{
	struct parting parting = begin(root, dir, name, old);

	return end(&parting, file_unlink(dir, name), held);
}

int fs_release_rename(const struct fs_root *root, int from_dir, const char *from,
	int to_dir, const char *to, const struct fs_info *old, int *held)
{
	struct parting parting = begin(root, to_dir, to, old);

	return end(&parting, file_rename(from_dir, from, to_dir, to, 0), held);
}

void fs_release_close(const struct fs_root *root, int *fd)
{
	struct file_space space;

	/* A disk that has no limit says 0. */
	if (*fd >= 0 && file_space(*fd, &space) == 0
		&& space.available_bytes >= space.total_bytes / ROOM_PART)
		closer_give(&root->releases->closer, fd_take(fd));
	fd_close(fd);
}

void fs_release_given_up(const struct fs_root *root, int *fd)
{
	struct statx st;

	if (*fd >= 0 && file_stat(*fd, "", &st) == 0 && st.stx_size >= LARGE)
		fs_release_close(root, fd);
	fd_close(fd);
}

bool fs_release_wait(const struct fs_root *root)
{
	return root->releases && closer_wait(&root->releases->closer);
}
