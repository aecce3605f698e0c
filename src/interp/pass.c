/* SPDX-License-Identifier: MIT */

#include "interp/pass.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char room[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
};

int pass_send(int sock, const void *buf, size_t n, const int *fds, size_t n_fds, int flags)
{
	union control control;
	struct iovec body = {.iov_base = (void *)buf, .iov_len = n};
	struct msghdr hdr = {.msg_iov = &body, .msg_iovlen = 1};

	if (n_fds > PASS_FDS_MAX)
		return -EINVAL;
	if (n_fds > 0) {
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));

		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n_fds * sizeof(int));
	}

	if (sendmsg(sock, &hdr, flags | MSG_NOSIGNAL) >= 0)
		return PASS_OK;
	if (errno == EAGAIN)
		return PASS_AGAIN;
	if (errno == EPIPE || errno == ECONNRESET)
		return PASS_CLOSED;
	return -errno;
}

static void take_fds(struct msghdr *hdr, struct pass_in *in)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr);

	in->n_fds = 0;
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return;
	in->n_fds = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(in->fds, CMSG_DATA(cmsg), in->n_fds * sizeof(int));
}

int pass_recv(int sock, struct pass_in *in, int flags)
{
	union control control;
	struct iovec body = {.iov_base = in->buf, .iov_len = in->cap};
	struct msghdr hdr = {.msg_iov = &body, .msg_iovlen = 1};

	if (in->max_fds > 0) {
		/* CMSG_LEN: the padding of CMSG_SPACE has room for one more than was asked
		 * for. */
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_LEN(in->max_fds * sizeof(int));
	}

	ssize_t got = recvmsg(sock, &hdr, flags | MSG_CMSG_CLOEXEC);
	if (got < 0) {
		if (errno == EAGAIN)
			return PASS_AGAIN;
		return errno == ECONNRESET ? PASS_CLOSED : -errno;
	}

	take_fds(&hdr, in);
	in->n_bytes = (size_t)got;
	bool whole = got > 0 && !(hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
	if (whole)
		return PASS_OK;
	for (size_t i = 0; i < in->n_fds; i++)
		(void)close(in->fds[i]);
	in->n_fds = 0;
	return got == 0 ? PASS_CLOSED : PASS_GARBLED;
}
