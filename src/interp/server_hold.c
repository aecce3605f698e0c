/* SPDX-License-Identifier: MIT */

/*
 * Who wants the server: whoever has "h<identity>", a FIFO beside its sockets, open for
 * writing (place_hold). Where there is that file the server goes when the last of them
 * has gone, in whatever way, and never for being idle. The next generation finds it by its
 * name; where it is not there, time alone tells.
 */

#include "interp/server_priv.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void on_hold(struct loop_io *io, uint32_t events)
{
	struct server *server = container_of(io, struct server, hold);
	char bytes[16]; /* nobody has anything to say */

	(void)events;
	if (read(io->fd, bytes, sizeof(bytes)) == 0)
		server_retire(server);
}

void server_hold_start(struct server *server)
{
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct stat st;

	server_sibling(server->setup, 'h', path);
	int fd = file_open(
		AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return;
	server->hold = (struct loop_io){.on = on_hold, .fd = fd};
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode)
		|| loop_add(server->loop, &server->hold, EPOLLIN) < 0) {
		fd_close(&server->hold.fd);
		return;
	}
	server->held = true;
	/* They may have gone while set-up ran: of that no event tells. */
	on_hold(&server->hold, EPOLLHUP);
}
