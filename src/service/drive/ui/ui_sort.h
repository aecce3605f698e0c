/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ui_sort - the order of a folder page: directories first, and then as asked.
 *
 * Names as people read them: case does not matter, and "file9" comes before
 * "file10". Whatever is equal otherwise goes by its exact name, so an order is
 * always the same.
 */

#include "service/drive/ui/ui_entry.h"

#include <stddef.h>

enum ui_sort_key { UI_SORT_NAME, UI_SORT_SIZE, UI_SORT_DATE };

struct ui_order {
	enum ui_sort_key key;
	bool descending;
};

/* Reads "sort=name|size|date&order=asc|desc" among other things; what is unknown or
 * missing is name, ascending. */
struct ui_order ui_sort_order(struct span query);

/* "name", "size" or "date". */
struct span ui_sort_key_name(enum ui_sort_key key);

/* As strcmp, in the order people read. */
int ui_sort_names(struct span a, struct span b);

/* As strcmp. */
int ui_sort_compare(
	const struct ui_entry *a, const struct ui_entry *b, struct ui_order order);

void ui_sort(struct ui_entry *entries, size_t n, struct ui_order order);
