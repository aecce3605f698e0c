/* SPDX-License-Identifier: MIT */

#include "os/chan.h"

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union one_fd {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(int))];
};

static int open_pair(int type, struct chan_pair *out)
{
	int ends[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	*out = (struct chan_pair){.sup = ends[0], .wrk = ends[1]};
	return 0;
}

int chan_pair_open(struct chan_pair *out)
{
	return open_pair(SOCK_SEQPACKET | SOCK_NONBLOCK, out);
}

int chan_pair_open_stream(struct chan_pair *out)
{
	return open_pair(SOCK_STREAM, out);
}

bool chan_is_one(int fd)
{
	int domain, type;
	socklen_t n_domain = sizeof(domain), n_type = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &n_domain) == 0
	       && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n_type) == 0
	       && domain == AF_UNIX && type == SOCK_SEQPACKET
	       && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0
	       && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

int chan_send(int chan, const void *msg, size_t len, int fd)
{
	union one_fd control = {0};
	struct iovec body = {.iov_base = (void *)msg, .iov_len = len};
	struct msghdr hdr = {.msg_iov = &body, .msg_iovlen = 1};

	if (fd >= 0) {
		hdr.msg_control = &control;
		hdr.msg_controllen = sizeof(control);

		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}

	if (sendmsg(chan, &hdr, MSG_NOSIGNAL) >= 0)
		return CHAN_OK;
	if (errno == EAGAIN)
		return CHAN_AGAIN;
	if (errno == EPIPE || errno == ECONNRESET)
		return CHAN_CLOSED;
	return -errno;
}

/* The descriptor in the control data, or -1. */
static int carried_fd(struct msghdr *hdr)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);
	int fd = -1;

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

int chan_recv(int chan, void *buf, size_t *len, int *fd)
{
	union one_fd control;
	struct iovec body = {.iov_base = buf, .iov_len = CHAN_MSG_MAX};
	struct msghdr hdr = {.msg_iov = &body, .msg_iovlen = 1};

	if (fd) {
		/*
		 * CMSG_LEN and not CMSG_SPACE: the padding would have room for a
		 * second descriptor, and a peer that sends two would leak us one.
		 */
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_LEN(sizeof(int));
	}

	ssize_t got = recvmsg(chan, &hdr, MSG_CMSG_CLOEXEC);
	/* Told once, and before what it had sent: it ended with messages of ours unread. */
	if (got < 0 && errno == ECONNRESET)
		got = recvmsg(chan, &hdr, MSG_CMSG_CLOEXEC);
	if (got < 0)
		return errno == EAGAIN ? CHAN_AGAIN : -errno;

	AUTO_CLOSE int carried = fd ? carried_fd(&hdr) : -1;

	if (hdr.msg_flags & MSG_TRUNC || (hdr.msg_flags & MSG_CTRUNC && !fd))
		return CHAN_GARBLED;
	/* Without a free descriptor the kernel drops what was sent; and more than one never
	 * has room. */
	if (hdr.msg_flags & MSG_CTRUNC) {
		*len = (size_t)got;
		return CHAN_LOST_FD;
	}
	if (got == 0)
		return CHAN_CLOSED;

	*len = (size_t)got;
	if (fd)
		*fd = fd_take(&carried);
	return CHAN_OK;
}
