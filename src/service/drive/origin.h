/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * origin - which web pages may use a visitor's access to the drive. Pure.
 *
 * A browser sends a visitor's password, and reaches servers on the visitor's own
 * machine, for any page that asks. Two checks stand against that:
 *
 * - a method that changes something is refused when the browser says that a page
 *   of another origin asked for it (Sec-Fetch-Site, or Origin against Host).
 *   Programs that are not browsers send neither field and are not affected;
 * - a drive without users, which trusts whoever can reach it, answers only to
 *   names that no stranger's DNS can point at it: addresses, localhost, and the
 *   names the operator listed.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/**
 * origin_is_foreign - whether a page of another origin sent this request.
 *
 * @site and @origin are the fields' values (SPAN_NONE where absent); @host is
 * the authority the request was sent to.
 */
bool origin_is_foreign(struct span site, struct span origin, struct span host);

/* Whether @host (a Host field's value) is an address, localhost, or one of @names. */
bool origin_is_ours(struct span host, char *const *names, size_t n_names);
