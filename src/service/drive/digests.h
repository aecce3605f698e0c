/* SPDX-License-Identifier: MIT */
#pragma once

/* digests - what is known of a file's contents: as it is kept, and as it is answered. */

#include "http/digest.h"
#include "service/drive/fs/digests.h"

struct buf;
struct request;

/* The kinds that are computed of every upload @r. */
unsigned digests_computed(const struct request *r);

void digests_pack(const struct http_digests *digests, struct fs_digests *out);

/* None, where it is not what digests_pack makes. */
void digests_unpack(const struct fs_digests *kept, struct http_digests *out);

/* Adds Repr-Digest to the answer of @r in @head: what the client wants of @digests. */
void digests_put(struct request *r, struct buf *head, const struct http_digests *digests);
