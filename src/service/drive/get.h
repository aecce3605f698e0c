/* SPDX-License-Identifier: MIT */
#pragma once

/* get - a file's bytes, or a page about a folder. GET and HEAD. */

struct request;

void get_begin(struct request *r);
