/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * propget - PROPFIND: what is known of a file, of a folder, of all that is in it.
 *
 * The answer is written as the client takes it, some entries at a time, so its
 * length costs no memory. An entry that vanishes meanwhile is left out.
 */

struct request;

void propget_begin(struct request *r);
