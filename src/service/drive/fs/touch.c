/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/touch.h"

#include "base/util.h"
#include "os/file.h"

#define COARSEST_NS (2 * (int64_t)NS_PER_SEC) /* FAT's */

int64_t fs_touch_time(int64_t mtime_ns)
{
	const int64_t second = (int64_t)NS_PER_SEC;

	return mtime_ns % second ? mtime_ns : mtime_ns + file_clock_ns() % second;
}

bool fs_touch_took(int64_t wanted_ns, int64_t got_ns)
{
	int64_t off_ns;

	return !__builtin_sub_overflow(wanted_ns, got_ns, &off_ns) && off_ns < COARSEST_NS
	       && off_ns > -COARSEST_NS;
}
