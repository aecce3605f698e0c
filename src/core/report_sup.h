/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * report_sup - how the server stands, as one JSON object. Read from the boards and the
 * supervisor's own books: no worker is asked, so none needs to have time.
 */

struct buf;
struct server;

/* Appends the object and a newline. Its members are described in preforkctl(8). */
void report_write(const struct server *s, struct buf *out);
