/* SPDX-License-Identifier: MIT */
#pragma once

/* propset - PROPPATCH: properties set and removed, all of a request's or none. */

struct request;

void propset_begin(struct request *r);
