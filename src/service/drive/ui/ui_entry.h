/* SPDX-License-Identifier: MIT */
#pragma once

/* ui_entry - what the folder page knows of one thing in the folder. */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct ui_entry {
	struct span name; /* as on disk: any bytes but '/' and NUL */
	bool is_dir;
	uint64_t size_bytes; /* of a file; a directory has none */
	int64_t mtime_sec;
};
