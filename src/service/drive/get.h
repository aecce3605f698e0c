/* SPDX-License-Identifier: MIT */
#pragma once

/* get - a file's bytes, or a page about a folder. GET and HEAD. */

struct fs_file;
struct request;

void get_begin(struct request *r);

/* Answers with the open file, which it takes, as if it were called @name. */
void get_opened(struct request *r, struct fs_file *file, const char *name);

/* To the same folder by the name that ends with a slash, which relative links need. */
void get_redirect(struct request *r);
