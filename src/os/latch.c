/* SPDX-License-Identifier: MIT */

#include "os/latch.h"

#include "os/fd.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

struct latch latch_at(int dir, const char *name)
{
	return (struct latch){.dir = dir, .name = name, .fd = -1};
}

void latch_fini(struct latch *latch)
{
	fd_close(&latch->fd);
}

/* Sees to it that the descriptor is this process's own. */
static int open_own(struct latch *latch)
{
	pid_t self = getpid();

	if (latch->fd >= 0 && latch->opener == self)
		return 0;
	fd_close(&latch->fd); /* a parent's, who still has it: nothing is unlocked */
	int fd = file_open(latch->dir, latch->name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fd;
	latch->fd = fd;
	latch->opener = self;
	return 0;
}

int latch_lock(struct latch *latch, int how)
{
	int err = open_own(latch);

	return err < 0 ? err : file_lock(latch->fd, how);
}

void latch_unlock(struct latch *latch)
{
	(void)!file_lock(latch->fd, LOCK_UN); /* of what is locked it cannot fail */
}

/* The open file's own (OFD), not the process's: those go when anybody closes the file. */
static int set_byte(const struct latch *latch, uint64_t byte, int command, short type)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};

	return TEMP_FAILURE_RETRY(fcntl(latch->fd, command, &lock)) < 0 ? -errno : 0;
}

int latch_lock_byte(struct latch *latch, uint64_t byte, bool alone)
{
	int err = open_own(latch);

	return err < 0 ? err
		       : set_byte(latch, byte, F_OFD_SETLKW, alone ? F_WRLCK : F_RDLCK);
}

void latch_unlock_byte(struct latch *latch, uint64_t byte)
{
	(void)set_byte(latch, byte, F_OFD_SETLK, F_UNLCK);
}
