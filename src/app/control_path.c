/* SPDX-License-Identifier: MIT */

#include "app/control_path.h"

#include "base/reason.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
			"XDG_RUNTIME_DIR is not set, so there is no place for its socket");
	if (n < 0 || (size_t)n >= CONTROL_PATH_MAX)
		return reason_set(
			reason, "XDG_RUNTIME_DIR is too long for a socket's path");
	return 0;
}

bool control_path_beside(const char *pidfile, char out[CONTROL_PATH_MAX])
{
	size_t n = strlen(pidfile);

	if (n > 4 && strcmp(pidfile + n - 4, ".pid") == 0)
		n -= 4;
	int len = snprintf(out, CONTROL_PATH_MAX, "%.*s.sock", (int)n, pidfile);
	return len > 0 && (size_t)len < CONTROL_PATH_MAX;
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
	int n = snprintf(out, CONTROL_PATH_MAX, "%s/%s.sock", dir, name);
	/* Another server of that name lives: so this one has its number too. */
	AUTO_CLOSE int other = sock_connect_unix(out);
	if (other >= 0)
		n = snprintf(
			out, CONTROL_PATH_MAX, "%s/%s-%d.sock", dir, name, (int)getpid());
	if (n < 0 || (size_t)n >= CONTROL_PATH_MAX)
		return reason_set(reason, "the name is too long for a socket's path");
	return 0;
}
