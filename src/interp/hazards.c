/* SPDX-License-Identifier: MIT */

#include "interp/hazards.h"

#include "interp/managed.h"
#include "os/fd.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void warn(const char *script, const char *what, const char *name)
{
	(void)fprintf(stderr,
		"prefork-interp: %s: %s when initialisation was complete: %s\n", script,
		what, name);
}

/* The first line of a file in /proc, without its end; false if there is none. */
static bool read_line(const char *path, char *line, size_t cap)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, path, O_RDONLY, 0);
	ssize_t n = fd < 0 ? -1 : file_read_at(fd, line, cap - 1, 0);

	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

static void warn_of_threads(const char *script)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[64], name[64];

	for (struct dirent *at; tasks && (at = readdir(tasks));) {
		long id = strtol(at->d_name, NULL, 10);
		if (id <= 0 || id == getpid())
			continue;
		(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", id);
		if (read_line(path, name, sizeof(name)))
			warn(script, "a thread was running, which no call will have", name);
	}
	if (tasks)
		(void)closedir(tasks);
}

static bool is_given(const struct managed *managed, int fd)
{
	return fd == managed->listener || fd == managed->call || fd == managed->watcher_in
	       || fd == managed->watcher_err || fd == managed->own_listener
	       || fd < managed->first_fd;
}

/* The kernel's list of them says so. */
bool hazards_is_locked(int fd)
{
	char path[64], info[1024];

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	AUTO_CLOSE int file = file_open(AT_FDCWD, path, O_RDONLY, 0);
	ssize_t n = file < 0 ? -1 : file_read_at(file, info, sizeof(info) - 1, 0);
	if (n <= 0)
		return false;
	info[n] = '\0';
	return strstr(info, "\nlock:");
}

static void warn_of_descriptors(const char *script, const struct managed *managed)
{
	DIR *fds = opendir("/proc/self/fd");
	char target[PATH_MAX], name[PATH_MAX + 32];

	for (struct dirent *at; fds && (at = readdir(fds));) {
		int fd = (int)strtol(at->d_name, NULL, 10);
		if (at->d_name[0] == '.' || fd <= STDERR_FILENO || fd == dirfd(fds)
			|| is_given(managed, fd)
			|| file_read_link(dirfd(fds), at->d_name, target, sizeof(target))
				   < 0)
			continue;
		(void)snprintf(name, sizeof(name), "descriptor %d (%s)", fd, target);
		if (strncmp(target, "socket:", 7) == 0)
			warn(script, "a connection was open, which all calls will share",
				name);
		else if (hazards_is_locked(fd))
			warn(script, "a lock was held, which the server will keep", name);
	}
	if (fds)
		(void)closedir(fds);
}

void hazards_warn(const char *script, const struct managed *managed)
{
	warn_of_threads(script);
	warn_of_descriptors(script, managed);
}
