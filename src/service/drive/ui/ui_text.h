/* SPDX-License-Identifier: MIT */
#pragma once

/* ui_text - small things written for a person's eye. */

#include "base/buf.h"

#include <stdint.h>

/* "17 B", "9.8 kB", "12 MB": powers of 1000, two digits at least, cut nowhere but rounded.
 */
void ui_text_size(struct buf *out, uint64_t n_bytes);

/* "1,234,567" */
void ui_text_number(struct buf *out, uint64_t n);

/* "1,234,567 bytes", "1 byte". */
void ui_text_bytes(struct buf *out, uint64_t n_bytes);

/* "2026-11-21 01:51", in UTC. */
void ui_text_date(struct buf *out, int64_t unix_sec);

/* What a file is by its name's ending, as the class of its icon: "image", "video", "audio",
 * "archive", "text", "code" or "file". */
struct span ui_text_kind(struct span name);
