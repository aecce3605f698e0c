/* SPDX-License-Identifier: MIT */

#include "app/ctl_find.h"

#include "app/control_path.h"
#include "base/buf.h"
#include "base/reason.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/sock.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 16 << 20 };

static int at(const char *path, struct reason *reason)
{
	int fd = sock_connect_unix(path);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		return reason_set(reason,
			"there is no server at %s; without -s the one that runs is asked, or those that run are named",
			path);
	if (fd == -ECONNREFUSED)
		return reason_set(reason, "the server at %s has died", path);
	if (fd == -EAGAIN)
		return reason_set(reason,
			"the server at %s hears nobody now: too many wait already; is it stopped?",
			path);
	if (fd == -EACCES || fd == -EPERM)
		return reason_set(reason,
			"the server at %s is another user's: only that user and root are heard",
			path);
	errno = -fd;
	return reason_errno(reason, "cannot reach a server at %s", path);
}

/* The only one that answers in @dir; the names of all go to @names. */
static int the_only_one(const char *dir, struct buf *names, unsigned *n_found)
{
	char path[CONTROL_ENTRY_MAX];
	AUTO_CLOSE int found = -1;
	const char *name;
	DIR *d = opendir(dir);

	*n_found = 0;
	while (d && (name = control_path_next(d, dir, path))) {
		AUTO_CLOSE int fd = sock_connect_unix(path);
		if (fd < 0)
			continue; /* a dead server's */
		buf_printf(
			names, "%s%.*s", names->n ? ", " : "", (int)strlen(name) - 5, name);
		if (++*n_found == 1)
			found = fd_take(&fd);
	}
	if (d)
		(void)closedir(d);
	return *n_found == 1 ? fd_take(&found) : -1;
}

static int find(const char *socket, struct reason *reason)
{
	AUTO_BUF names = BUF_INIT(8 * KIB);
	char dir[CONTROL_PATH_MAX], path[2 * CONTROL_PATH_MAX];
	unsigned n_found;

	if (socket && strchr(socket, '/'))
		return at(socket, reason);
	int r = control_dir(dir, reason);
	if (r < 0)
		return reason_set(reason,
			"no server can be looked for, as XDG_RUNTIME_DIR does not say where; its socket's path after -s does");
	if (socket) {
		(void)snprintf(path, sizeof(path), "%s/%s.sock", dir, socket);
		return at(path, reason);
	}
	int fd = the_only_one(dir, &names, &n_found);
	if (fd >= 0)
		return fd;
	if (!n_found)
		return reason_set(reason, "no server is running (none answers in %s)", dir);
	return reason_set(reason, "there are %u servers, say which with -s: %.300s",
		n_found, buf_cstr(&names));
}

static int send_all(int fd, const char *text, struct reason *reason)
{
	for (size_t n = strlen(text); n;) {
		ssize_t sent = write(fd, text, n);

		if (sent < 0 && errno != EINTR)
			return reason_errno(reason, "cannot ask the server");
		if (sent > 0) {
			text += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

static int receive_all(int fd, struct buf *text, struct reason *reason)
{
	for (;;) {
		char *room = buf_reserve(text, 64 * KIB);
		if (!room)
			return reason_set(reason, "the answer is too long");
		ssize_t n = read(fd, room, 64 * KIB);
		if (n == 0)
			return 0;
		if (n > 0)
			text->n += (size_t)n;
		else if (errno != EINTR)
			return reason_errno(reason, "cannot read the server's answer");
	}
}

int ctl_ask(const char *socket, const char *line, json_t **answer, struct reason *reason)
{
	AUTO_BUF text = BUF_INIT(ANSWER_MAX);
	AUTO_CLOSE int fd = find(socket, reason);

	if (fd < 0)
		return fd;
	int r = send_all(fd, line, reason);
	if (r == 0)
		r = send_all(fd, "\n", reason);
	if (r == 0)
		r = receive_all(fd, &text, reason);
	if (r < 0)
		return r;
	*answer = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	return *answer ? 0 : reason_set(reason, "the server ended without an answer");
}
