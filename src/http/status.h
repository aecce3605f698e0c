/* SPDX-License-Identifier: MIT */
#pragma once

/* status - the status codes a server of files answers with, and their phrases. */

#include "base/span.h"

/* "Not Found" for 404; "Status" for a number outside the table. */
struct span http_status_phrase(unsigned status);

/* Whether a response of @status never has a body, and no Content-Length: 1xx, 204, 304. */
static inline bool http_status_bodiless(unsigned status)
{
	return status < 200 || status == 204 || status == 304;
}
