/* SPDX-License-Identifier: MIT */

#include "os/pipe.h"

#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int open_with(int flags, int *read_end, int *write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | flags) < 0)
		return -errno;
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

int pipe_open(int *read_end, int *write_end)
{
	return open_with(O_NONBLOCK, read_end, write_end);
}

int pipe_open_large(size_t n_bytes, int *read_end, int *write_end)
{
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int in = -1;

	int r = open_with(O_NONBLOCK, &out, &in);
	if (r < 0)
		return r;
	if (fcntl(in, F_SETPIPE_SZ, (int)n_bytes) < 0)
		return -errno;
	*read_end = fd_take(&out);
	*write_end = fd_take(&in);
	return 0;
}

int pipe_open_output(int *read_end, int *write_end)
{
	int r = open_with(0, read_end, write_end);

	if (r == 0)
		(void)fcntl(*read_end, F_SETFL, O_NONBLOCK); /* cannot fail on a pipe */
	return r;
}
