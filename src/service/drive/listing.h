/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * listing - a folder as a page.
 *
 * Up to LISTING_SORTED entries are gathered, sorted and then written as the
 * client takes them. A folder with more is written as it is read, unsorted, so
 * that no folder can cost more memory than that; the page says so.
 */

#define LISTING_SORTED 10000u /* entries: some 15 ms and, with usual names, 1 MiB */

struct request;

/* r->path is a folder. */
void listing_begin(struct request *r);
