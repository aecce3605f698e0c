/* SPDX-License-Identifier: MIT */
#pragma once

/* touch - the time of a file's contents, as a client wants it. */

#include <stdbool.h>
#include <stdint.h>

#define FS_MTIME_NOW INT64_MIN

/*
 * A whole second gets a fraction from the clock: clients that set times set whole seconds,
 * and two versions of one size must not share an ETag.
 */
[[nodiscard]] int64_t fs_touch_time(int64_t mtime_ns);

/* Whether a file whose time is now @got_ns took @wanted_ns: to the coarsest clock's tick, and
 * not cut to the years that its file system knows. */
[[nodiscard]] bool fs_touch_took(int64_t wanted_ns, int64_t got_ns);
