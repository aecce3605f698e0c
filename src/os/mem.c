/* SPDX-License-Identifier: MIT */

#include "os/mem.h"

#include <sys/mman.h>

void *mem_share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
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
