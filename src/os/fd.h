/* SPDX-License-Identifier: MIT */
#pragma once

/* fd - who owns a descriptor, made visible. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Closes *@fd unless it is -1 and makes it -1; errno stays as it was. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		(void)close(*fd); /* on Linux it is closed whatever this returns */
		errno = saved;
		*fd = -1;
	}
}

/* A local that owns its descriptor: closed on every way out of the block. To own it may be
 * all it is for, which clang 14 takes for unused. */
#define AUTO_CLOSE [[gnu::cleanup(fd_close), maybe_unused]]

/* Moves a descriptor out of the variable that owned it, and leaves -1 there. */
[[nodiscard]] static inline int fd_take(int *fd)
{
	int moved = *fd;
	*fd = -1;
	return moved;
}

/* One more descriptor (CLOEXEC, yours) of what @fd is; or -errno. */
[[nodiscard]] static inline int fd_dup(int fd)
{
	int more = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return more < 0 ? -errno : more;
}
