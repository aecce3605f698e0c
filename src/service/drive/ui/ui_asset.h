/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ui_asset - the files of web/, which the build puts into the program (tools/embed).
 *
 * Their URLs carry their hash, so a browser may keep them for a year; one asked
 * for with another hash, or none, is to be checked by its etag each time.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stddef.h>

#define UI_ASSET_PATH "/~/assets/"

/* For a request whose query is "v=" and the asset's version; else UI_ASSET_CACHE_CHECKED.
 */
#define UI_ASSET_CACHE_LONG    "public, max-age=31536000, immutable"
#define UI_ASSET_CACHE_CHECKED "public, no-cache"

struct ui_asset {
	struct span name;    /* "drive.css" */
	struct span type;    /* for Content-Type */
	struct span version; /* the start of its SHA-256, in hexadecimal */
	struct span etag;    /* the same in quotes */
	struct span bytes;
};

/* NULL if there is none of that name. */
const struct ui_asset *ui_asset_find(struct span name);

/* The URL that may be kept, for markup. @name must be one of web/. */
void ui_asset_put_url(struct buf *out, struct span name);
