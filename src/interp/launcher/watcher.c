/* SPDX-License-Identifier: MIT */

#include "interp/launcher/watcher.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Without inotify, and as a second look with it. */
#define LOOK_AGAIN_MS 10'000

static bool is_there(const struct place *place, const struct place_socket *own)
{
	struct sockaddr_un path;
	struct stat st;

	place_address(place, 's', &path);
	return lstat(path.sun_path, &st) == 0 && st.st_dev == own->dev
	       && st.st_ino == own->ino;
}

static void watch(const struct place *place, const struct place_socket *own)
{
	char events[4096];
	int notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (notify >= 0)
		(void)inotify_add_watch(notify, place->dir,
			IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF
				| IN_ONLYDIR);
	while (is_there(place, own)) {
		struct pollfd polled[] = {
			{.fd = STDIN_FILENO}, /* its end is reported without being asked for
					       */
			{.fd = notify, .events = POLLIN},
		};
		(void)poll(polled, ARRAY_LEN(polled), LOOK_AGAIN_MS);
		if (polled[0].revents)
			return;
		if (polled[1].revents)
			(void)!read(notify, events,
				sizeof(events)); /* that, not what, matters */
	}
}

int watcher_start(
	const struct place *place, const struct place_socket *own, int in, int err)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid < 0 ? -errno : 0;
	(void)setsid();
	(void)chdir("/");
	in = fcntl(
		in, F_DUPFD, STDERR_FILENO + 1); /* neither may be where the other goes */
	err = fcntl(err, F_DUPFD, STDERR_FILENO + 1);
	(void)dup2(in, STDIN_FILENO);
	(void)dup2(err, STDERR_FILENO);
	(void)close(STDOUT_FILENO);
	(void)syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	watch(place, own);
	_exit(0);
}
