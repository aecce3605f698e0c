/* SPDX-License-Identifier: MIT */
#pragma once

/* mtime - the time a client wants a file to have, in the forms clients send it. Pure. */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Seconds since 1970 as decimal digits, or before with a minus; a fraction, which some send,
 * is dropped. False, too for what is centuries away, leaves *@ns alone. */
[[nodiscard]] bool mtime_of_seconds(struct span text, int64_t *ns);

/* An HTTP date, which is what Windows sends. False leaves *@ns alone. */
[[nodiscard]] bool mtime_of_date(struct span text, int64_t *ns);
