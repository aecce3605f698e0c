/* SPDX-License-Identifier: MIT */
#pragma once

/* trashlist - PROPFIND in the trash, with Depth 0 and 1. */

struct request;

void trashlist_begin(struct request *r);
