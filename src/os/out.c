/* SPDX-License-Identifier: MIT */

#include "os/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int out_open_file(const char *path)
{
	int fd = open(path, OUT_FLAGS | O_CREAT, 0640);

	return fd < 0 ? -errno : fd;
}

/* Two that have opened a file each by itself know nothing of the other's position in it. */
static void append(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && out_is_file(fd))
		(void)fcntl(fd, F_SETFL, flags | O_APPEND); /* or it is as it was */
}

int out_open_fd(int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* always fits */
	int own = open(path, OUT_FLAGS);
	if (own < 0) /* a socket, or a terminal that is another user's */
		own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	append(fd);
	return own < 0 ? -errno : own;
}

bool out_wait(int fd, int most_ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	return poll(&pfd, 1, most_ms) == 1 && !(pfd.revents & (POLLERR | POLLNVAL));
}

ssize_t out_write(int fd, const void *bytes, size_t n)
{
	ssize_t put = send(fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put < 0 && errno == ENOTSOCK) {
		/* The poll is for a descriptor that could not be made non-blocking. Another
		 * writer may take the room after it: then this waits, which is rare enough.
		 */
		struct pollfd pfd = {.fd = fd, .events = POLLOUT};
		if (poll(&pfd, 1, 0) == 0)
			return -EAGAIN;
		put = TEMP_FAILURE_RETRY(write(fd, bytes, n));
	}
	return put < 0 ? -errno : put;
}

bool out_is_journal(int fd)
{
	const char *names = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return names && sscanf(names, "%llu:%llu", &device, &inode) == 2 && !fstat(fd, &st)
	       && st.st_dev == device && st.st_ino == inode;
}

bool out_is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}
