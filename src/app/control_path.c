/* SPDX-License-Identifier: MIT */

#include "app/control_path.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/sock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FRESH_S = 60 };

int control_dir(char out[CONTROL_PATH_MAX], struct reason *reason)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (geteuid() == 0)
		n = snprintf(out, CONTROL_PATH_MAX, "/run/preforkd");
	else if (runtime && runtime[0] == '/')
		n = snprintf(out, CONTROL_PATH_MAX, "%s/preforkd", runtime);
	else
		return reason_set(reason,
			"XDG_RUNTIME_DIR is not set, so a server's socket has no place of its own");
	if (n < 0 || (size_t)n >= CONTROL_PATH_MAX)
		return reason_set(
			reason, "XDG_RUNTIME_DIR is too long for a socket's path");
	return 0;
}

const char *control_path_next(DIR *d, const char *dir, char path[CONTROL_ENTRY_MAX])
{
	struct dirent *entry;

	while ((entry = readdir(d))) {
		size_t n = strlen(entry->d_name);

		if (n <= 5 || strcmp(entry->d_name + n - 5, ".sock") != 0)
			continue;
		(void)snprintf(path, CONTROL_ENTRY_MAX, "%s/%s", dir, entry->d_name);
		return entry->d_name;
	}
	return NULL;
}

bool control_path_beside(const char *pidfile, char out[CONTROL_PATH_MAX])
{
	size_t n = strlen(pidfile);

	if (n > 4 && strcmp(pidfile + n - 4, ".pid") == 0)
		n -= 4;
	int len = snprintf(out, CONTROL_PATH_MAX, "%.*s.sock", (int)n, pidfile);
	return len > 0 && (size_t)len < CONTROL_PATH_MAX;
}

/* Takes a name away that a dead server has left. One that was made a moment ago may be of a
 * server that does not listen yet. */
static void remove_dead(const char *path)
{
	struct stat st;
	AUTO_CLOSE int fd = sock_connect_unix(path);

	if ((fd == -ECONNREFUSED || fd == -ENOENT) && lstat(path, &st) == 0
		&& time(NULL) - st.st_mtime > FRESH_S)
		(void)unlink(path); /* or it is in the way of nobody */
}

static void sweep(const char *dir)
{
	char path[CONTROL_ENTRY_MAX];
	DIR *d = opendir(dir);

	while (d && control_path_next(d, dir, path))
		remove_dead(path);
	if (d)
		(void)closedir(d);
}

bool control_path_kept(const char *name, const char *control, char out[CONTROL_PATH_MAX])
{
	char dir[CONTROL_PATH_MAX];
	struct stat link, socket;
	struct reason reason;

	if (control_dir(dir, &reason) < 0)
		return false;
	int n = snprintf(out, CONTROL_PATH_MAX, "%s/%s.sock", dir, name);
	return n > 0 && (size_t)n < CONTROL_PATH_MAX && stat(out, &link) == 0
	       && stat(control, &socket) == 0 && link.st_dev == socket.st_dev
	       && link.st_ino == socket.st_ino;
}

int control_path_new(const char *name, char out[CONTROL_PATH_MAX], struct reason *reason)
{
	char dir[CONTROL_PATH_MAX];
	int r = control_dir(dir, reason);

	if (r < 0)
		return r;
	r = file_make_dir(AT_FDCWD, dir, 0700);
	if (r < 0 && r != -EEXIST) {
		errno = -r;
		return reason_errno(reason, "cannot make %s", dir);
	}
	sweep(dir);
	int n = snprintf(out, CONTROL_PATH_MAX, "%s/%s.sock", dir, name);
	/* Another server of that name lives: so this one has its number too. */
	AUTO_CLOSE int other = sock_connect_unix(out);
	if (other >= 0 || other == -EAGAIN)
		n = snprintf(
			out, CONTROL_PATH_MAX, "%s/%s-%d.sock", dir, name, (int)getpid());
	if (n < 0 || (size_t)n >= CONTROL_PATH_MAX)
		return reason_set(reason, "the name is too long for a socket's path");
	return 0;
}
