/* SPDX-License-Identifier: MIT */
#pragma once

/* trashpage - the page of what was deleted and replaced, newest first. */

struct request;

void trashpage_begin(struct request *r);
