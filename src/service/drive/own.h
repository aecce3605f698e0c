/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * own - the URLs below /~/, which are the program's: what its pages are made of, and
 * whether it lives. They ask for no password, and tell nothing of the folder; but for the
 * trash (trashcan.h).
 */

#include <stdbool.h>

struct request;

/* Whether r->path lies there. */
bool own_is(const struct request *r);

void own_begin(struct request *r);
