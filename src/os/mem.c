/* SPDX-License-Identifier: MIT */

#include "os/mem.h"

#include "os/fd.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static void *map(int fd, int how, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_NORESERVE | how, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	mem_inherit(p, bytes, 0);
	return p;
}

void *mem_share(size_t bytes)
{
	return map(-1, MAP_ANONYMOUS, bytes);
}

void *mem_share_by_fd(size_t bytes, int *fd)
{
	AUTO_CLOSE int own = memfd_create("preforkd", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (own < 0 || ftruncate(own, (off_t)bytes) < 0
		|| fcntl(own, F_ADD_SEALS, SEALS) < 0)
		return NULL;
	void *p = map(own, 0, bytes);
	if (p)
		*fd = fd_take(&own);
	return p;
}

void *mem_attach(int fd, size_t bytes)
{
	struct stat st;

	/* Only what the kernel keeps in memory can be sealed. */
	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) < 0
		|| (size_t)st.st_size != bytes)
		return NULL;
	return map(fd, 0, bytes);
}

void mem_unshare(void *p, size_t bytes)
{
	if (p)
		(void)munmap(p, bytes);
}

void mem_inherit(void *p, size_t bytes, int inherit)
{
	/* Fails only for memory that is not mapped, and then a child has nothing to fear
	 * from it. */
	(void)madvise(p, bytes, inherit ? MADV_DOFORK : MADV_DONTFORK);
}

void mem_release(void *p, size_t bytes)
{
	(void)madvise(p, bytes, MADV_REMOVE); /* a hint: the pages stay if it is refused */
}
