/* SPDX-License-Identifier: MIT */

#include "os/sock.h"

#include "base/reason.h"
#include "base/util.h"
#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* TCP's states as tcp_info numbers them: netinet/tcp.h, whose tcp_info is too old to have
 * the counters. */
enum {
	STATE_TIME_WAIT = 6,
	STATE_CLOSE = 7,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
};

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int turn_on(int fd, int level, int option)
{
	return set(fd, level, option, 1);
}

/* Whether something answers at a unix path. */
static bool answers(const struct addr *addr)
{
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return true; /* we cannot tell, so we do not take it away */
	return connect(fd, &addr->sa, addr->len) == 0 || errno == EAGAIN
	       || errno == EPROTOTYPE;
}

/* Takes the socket of a dead server away. */
static int clear_path(const struct addr *addr, struct reason *reason)
{
	const char *path = addr->un.sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0
				       : reason_errno(reason, "cannot look at %s", path);
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return reason_errno(reason, "%s is not a socket, so it stays", path);
	}
	if (answers(addr)) {
		errno = EADDRINUSE;
		return reason_errno(reason, "a server is already listening at %s", path);
	}
	if (unlink(path) < 0)
		return reason_errno(reason, "cannot remove the old socket %s", path);
	return 0;
}

static int bind_unix(int fd, const struct addr *addr, mode_t mode)
{
	mode_t before = umask((mode_t)~mode & 0777);
	int r = bind(fd, &addr->sa, addr->len);

	umask(before);
	return r;
}

static int set_options(int fd, const struct addr *addr, bool reuseport)
{
	if (addr->sa.sa_family == AF_UNIX)
		return 0;
	if (turn_on(fd, SOL_SOCKET, SO_REUSEADDR) < 0)
		return -1;
	if (reuseport && turn_on(fd, SOL_SOCKET, SO_REUSEPORT) < 0)
		return -1;
	if (addr->sa.sa_family == AF_INET6 && turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY) < 0)
		return -1; /* so that [::]:80 and 0.0.0.0:80 stand side by side */
	return turn_on(fd, IPPROTO_TCP, TCP_NODELAY);
}

/* After bind(); says what to do about it, where that is known. */
static int cannot_bind(const struct addr *addr, const char *text, struct reason *reason)
{
	bool has_port = addr->sa.sa_family != AF_UNIX;
	const char *hint = "";

	if (errno == EADDRINUSE && has_port)
		hint = " (another program does; port 0 takes one that is free)";
	else if (errno == EADDRNOTAVAIL)
		hint = " (it is no address of this machine)";
	else if (errno == EACCES && has_port && addr_port(addr) < IPPORT_RESERVED)
		hint = " (ports below 1024 are root's)";
	return reason_errno(reason, "cannot listen at %s%s", text, hint);
}

int sock_listen(
	const struct addr *addr, const struct sock_listen_opts *opts, struct reason *reason)
{
	bool is_unix = addr->sa.sa_family == AF_UNIX;
	int type = opts->packets ? SOCK_SEQPACKET : SOCK_STREAM;
	char text[ADDR_TEXT_MAX];

	addr_text(addr, text);
	AUTO_CLOSE int fd =
		socket(addr->sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || set_options(fd, addr, opts->reuseport) < 0)
		return reason_errno(reason, "cannot make a socket for %s", text);

	if (is_unix) {
		int r = clear_path(addr, reason);
		if (r < 0)
			return r;
	}
	int bound = is_unix ? bind_unix(fd, addr, opts->unix_mode)
			    : bind(fd, &addr->sa, addr->len);
	if (bound < 0)
		return cannot_bind(addr, text, reason);
	if (listen(fd, opts->backlog) < 0) {
		int r = reason_errno(reason, "cannot listen at %s", text);

		if (is_unix)
			(void)unlink(addr->un.sun_path);
		return r;
	}
	return fd_take(&fd);
}

void sock_unlisten(int fd, const struct addr *addr)
{
	if (addr->sa.sa_family == AF_UNIX)
		(void)unlink(addr->un.sun_path); /* it may have been taken away already */
	fd_close(&fd);
}

void sock_refuse(int fd)
{
	(void)shutdown(fd, SHUT_RDWR); /* fails where it does not listen: then it is so */
}

static bool has_option(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

bool sock_adopt_listener(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0
		|| fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return false;
	(void)turn_on(fd, IPPROTO_TCP, TCP_NODELAY); /* fails where it is not TCP */
	return has_option(fd, SO_TYPE, SOCK_STREAM) && has_option(fd, SO_ACCEPTCONN, 1);
}

bool sock_is_reusable(int fd)
{
	return has_option(fd, SO_REUSEADDR, 1);
}

int sock_share(int fd)
{
	return turn_on(fd, SOL_SOCKET, SO_REUSEPORT) < 0 ? -errno : 0;
}

void sock_local(int fd, struct addr *out)
{
	*out = (struct addr){.len = sizeof(out->ss)};
	if (getsockname(fd, &out->sa, &out->len) < 0)
		*out = (struct addr){.sa.sa_family = AF_UNSPEC};
}

int sock_accept(int listener, struct addr *peer)
{
	peer->len = sizeof(peer->ss);
	int fd = accept4(listener, &peer->sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		return fd;

	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM: return SOCK_NO_ROOM;
	default:
		return SOCK_AGAIN; /* ECONNABORTED and the network errors of accept(2) too
				    */
	}
}

static bool tcp_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	*info = (struct tcp_info){0};
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) == 0
	       && len >= offsetof(struct tcp_info, tcpi_bytes_received) + 8;
}

void sock_tally(int fd, struct sock_tally *out)
{
	struct tcp_info info, again;
	int unread = 0, unsent = 0;

	*out = (struct sock_tally){0};
	if (!tcp_info(fd, &again))
		return;
	/* The counts come from three calls, and segments from the peer between them: so until they fit. */
	do {
		info = again;
		if (ioctl(fd, FIONREAD, &unread) < 0 || ioctl(fd, SIOCOUTQ, &unsent) < 0
			|| !tcp_info(fd, &again))
			return;
	} while (info.tcpi_bytes_received != again.tcpi_bytes_received
		 || info.tcpi_bytes_acked != again.tcpi_bytes_acked);

	/* A FIN counts as a byte received, and not as one unread. */
	uint64_t fin =
		info.tcpi_state == STATE_CLOSE_WAIT || info.tcpi_state == STATE_LAST_ACK
		|| info.tcpi_state == STATE_CLOSING || info.tcpi_state == STATE_TIME_WAIT;
	out->known = info.tcpi_state != STATE_CLOSE;
	out->n_read = info.tcpi_bytes_received - fin - (uint64_t)unread;
	/* Our own FIN would be counted too; but who sent it has no tally made. */
	out->n_sent = info.tcpi_bytes_acked + (uint64_t)unsent;
}

int sock_connect_unix(const char *path)
{
	struct addr addr = {.un.sun_family = AF_UNIX};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(addr.un.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.un.sun_path, path, strlen(path));
	if (connect(fd, &addr.sa, sizeof(addr.un)) < 0 || fcntl(fd, F_SETFL, 0) < 0)
		return -errno;
	return fd_take(&fd);
}

int sock_peer_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return -errno;
	*uid = who.uid;
	return 0;
}

bool sock_is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

bool sock_has_input(int fd)
{
	int unread = 0;

	return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

bool sock_say_last(int fd, const void *bytes, size_t n)
{
	return send(fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)n
	       && shutdown(fd, SHUT_WR) == 0;
}

static ssize_t discard_once(int fd)
{
	char waste[16 * KIB];

	/* On TCP, MSG_TRUNC drops the bytes without copying them anywhere (tcp(7)). */
	ssize_t got = recv(fd, NULL, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);

	return got < 0 && errno == EFAULT ? recv(fd, waste, sizeof(waste), MSG_DONTWAIT)
					  : got;
}

int64_t sock_discard(int fd, uint64_t most)
{
	uint64_t n = 0;

	while (n < most) {
		ssize_t got = discard_once(fd);

		if (got < 0 && errno == EAGAIN)
			break;
		if (got <= 0)
			return -1;
		n += (uint64_t)got;
	}
	return (int64_t)n;
}

int sock_make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

void sock_keep_asking(int fd, int idle_s)
{
	/* They fail where the socket is not TCP, and there they are not needed. */
	(void)turn_on(fd, SOL_SOCKET, SO_KEEPALIVE);
	(void)set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	(void)set(fd, IPPROTO_TCP, TCP_KEEPINTVL, idle_s / 3);
	(void)set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool sock_creds(int fd, struct sock_creds *out)
{
	struct ucred creds;
	socklen_t len = sizeof(creds);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &creds, &len) < 0
		|| creds.uid == (uid_t)-1)
		return false;
	*out = (struct sock_creds){creds.uid, creds.gid, creds.pid};
	return true;
}

void sock_shut(int fd)
{
	(void)shutdown(fd, SHUT_RDWR); /* it may have ended by itself */
}
