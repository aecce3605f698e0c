/* SPDX-License-Identifier: MIT */
#pragma once

/* refuse - a status and a sentence (without its full stop; static) in one statement. */

static inline unsigned http_refuse(const char **why, unsigned status, const char *sentence)
{
	*why = sentence;
	return status;
}
