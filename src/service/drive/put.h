/* SPDX-License-Identifier: MIT */
#pragma once

/* put - a file's new contents, whole or not at all. */

struct request;

void put_begin(struct request *r);
