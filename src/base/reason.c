/* SPDX-License-Identifier: MIT */

#include "base/reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Returns how much of the text is used: less than REASON_MAX, cut or not. */
[[gnu::format(printf, 2, 0)]] static size_t write_text(
	struct reason *reason, const char *fmt, va_list ap)
{
	int n = vsnprintf(reason->text, sizeof(reason->text), fmt, ap);

	if (n < 0)
		n = 0;
	return (size_t)n < sizeof(reason->text) ? (size_t)n : sizeof(reason->text) - 1;
}

int reason_set(struct reason *reason, const char *fmt, ...)
{
	if (reason) {
		va_list ap;
		va_start(ap, fmt);
		write_text(reason, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

int reason_errno(struct reason *reason, const char *fmt, ...)
{
	int err = errno;

	if (reason) {
		va_list ap;
		va_start(ap, fmt);
		size_t n = write_text(reason, fmt, ap);
		va_end(ap);
		(void)snprintf(
			reason->text + n, sizeof(reason->text) - n, ": %s", strerror(err));
	}
	return -err;
}
