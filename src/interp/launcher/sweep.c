/* SPDX-License-Identifier: MIT */

#include "interp/launcher/sweep.h"

#include "interp/launcher/place.h"
#include "os/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* More than a week: a weekly job that never says it is ready is to be told so once. */
#define KEEP_S     (8 * 24 * 3600)
#define SWEEP_MOST 32 /* identities: a call waits for it */

static const char remains[] = "wnl"; /* the lock last: it is held meanwhile */

/* Whether nobody serves @at or holds it, and neither note is younger than @before. */
static bool is_dead(const struct place *at, time_t before)
{
	struct sockaddr_un path;
	struct stat st;

	for (const char *kind = "sphwn"; *kind; kind++) {
		place_address(at, *kind, &path);
		if (lstat(path.sun_path, &st) < 0) {
			if (errno != ENOENT)
				return false;
		} else if (!strchr(remains, *kind) || st.st_mtime >= before) {
			return false;
		}
	}
	return true;
}

/* Removes what remains of @at, if it is dead. Whoever opened the lock meanwhile finds, once he
 * has it, that its name is gone or another's, and tries anew (place_lock). */
static bool bury(const struct place *at, time_t before)
{
	struct sockaddr_un path;

	if (!is_dead(at, before))
		return false;
	AUTO_CLOSE int lock = place_lock(at, 0);
	if (lock < 0 || !is_dead(at, before))
		return false;
	for (const char *kind = remains; *kind; kind++) {
		place_address(at, *kind, &path);
		(void)unlink(path.sun_path);
	}
	return true;
}

void sweep_dead(const struct place *place)
{
	const time_t before = time(NULL) - KEEP_S;
	struct place at = *place;
	struct stat st;
	int n_buried = 0;

	if (place->compat)
		return; /* the known implementation's locks have rules of their own */
	DIR *dir = opendir(place->dir);
	for (struct dirent *entry;
		dir && n_buried < SWEEP_MOST && (entry = readdir(dir));) {
		const char *name = entry->d_name;
		if (strchr(remains, name[0]) && place_recall(&at, name + 1)
			&& fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == 0
			&& S_ISREG(st.st_mode) && st.st_mtime < before)
			n_buried += bury(&at, before);
	}
	if (dir)
		(void)closedir(dir);
}
