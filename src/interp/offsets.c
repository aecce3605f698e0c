/* SPDX-License-Identifier: MIT */

#include "interp/offsets.h"

#include "interp/hazards.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/inherit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether @fd is one to note, and *@out what there is to note of it. */
static bool look_at(int fd, struct offsets_file *out)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_WRONLY
		|| fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || hazards_is_locked(fd))
		return false;
	*out = (struct offsets_file){
		.fd = fd,
		.flags = flags,
		.on_exec = !(fcntl(fd, F_GETFD) & FD_CLOEXEC),
		.at = lseek(fd, 0, SEEK_CUR),
	};
	return out->at >= 0;
}

void offsets_note(struct offsets *out, int first)
{
	DIR *fds = opendir("/proc/self/fd");

	out->n = 0;
	for (struct dirent *at; fds && out->n < OFFSETS_MAX && (at = readdir(fds));) {
		int fd = (int)strtol(at->d_name, NULL, 10);
		if (at->d_name[0] != '.' && fd >= first && look_at(fd, &out->files[out->n]))
			out->n++;
	}
	if (fds)
		(void)closedir(fds);
}

static void part(const struct offsets_file *file)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	AUTO_CLOSE int own = file_open(AT_FDCWD, path, file->flags, 0);
	if (own < 0 || lseek(own, file->at, SEEK_SET) < 0 || inherit_as(own, file->fd) < 0)
		return;
	if (!file->on_exec)
		(void)fcntl(file->fd, F_SETFD, FD_CLOEXEC);
}

void offsets_part(const struct offsets *offsets)
{
	for (size_t i = 0; i < offsets->n; i++)
		part(&offsets->files[i]);
}
