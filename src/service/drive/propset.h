/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * propset - PROPPATCH: a file's time, in the ways clients ask for it.
 *
 * All of a request is done or nothing. What Windows sets besides the time is
 * accepted and forgotten, because it gives up an upload otherwise.
 */

struct request;

void propset_begin(struct request *r);
