/* SPDX-License-Identifier: MIT */

#include "os/pidfile.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Whether @path still leads to @fd: its last owner may have taken the name away meanwhile. */
static bool is_at(int fd, const char *path)
{
	struct stat ours, there;

	return fstat(fd, &ours) == 0 && stat(path, &there) == 0
	       && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static int refuse(int fd, const char *path, struct reason *reason)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);

	pid[n < 0 ? 0 : n] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	(void)reason_set(reason,
		"a server with the pidfile %s is running already: process %s", path,
		pid[0] ? pid : "unknown");
	return -EEXIST;
}

int pidfile_open(struct pidfile *p, const char *path, struct reason *reason)
{
	*p = PIDFILE_NONE;
	for (;;) {
		AUTO_CLOSE int fd = open(
			path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW, 0644);

		if (fd < 0)
			return reason_errno(reason, "cannot open the pidfile %s", path);
		int r = file_lock(fd, LOCK_EX | LOCK_NB);
		if (r == -EWOULDBLOCK)
			return refuse(fd, path, reason);
		if (r == 0 && !is_at(fd, path))
			continue;
		if (r == 0)
			r = pidfile_adopt(p, fd);
		if (r < 0) {
			errno = -r;
			return reason_errno(reason, "cannot lock the pidfile %s", path);
		}
		(void)fd_take(&fd);
		pidfile_write(p);
		return 0;
	}
}

int pidfile_adopt(struct pidfile *p, int fd)
{
	int r = file_where(fd, p->path, sizeof(p->path));

	if (r == 0)
		p->fd = fd;
	return r;
}

void pidfile_write(const struct pidfile *p)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* A full disk leaves it empty: the lock says enough. */
	if (p->fd >= 0 && ftruncate(p->fd, 0) == 0
		&& file_write_at(p->fd, text, (size_t)n, 0) < 0)
		errno = 0;
}

void pidfile_abandon(struct pidfile *p)
{
	fd_close(&p->fd);
}

void pidfile_remove(struct pidfile *p)
{
	/* The name before the lock: in between nobody may take it for theirs. */
	if (p->fd >= 0 && is_at(p->fd, p->path))
		(void)unlink(p->path);
	fd_close(&p->fd);
}
