/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * table - text in columns, each as wide as what stands in it.
 *
 *	table_begin(&t, columns, ARRAY_LEN(columns));
 *	table_cell(&t, "%s", name); ... row after row, in the columns' order
 *	table_put(&t, out);
 *
 * A table without memory for its cells puts nothing.
 */

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 12 };

struct table_column {
	const char *title;
	bool right; /* numbers stand at the right */
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t n_columns;
	size_t widths[TABLE_COLUMNS_MAX];
	struct buf cells; /* each with a NUL behind it */
	size_t n_cells;
};

/* At most TABLE_COLUMNS_MAX columns. */
void table_begin(struct table *t, const struct table_column *columns, size_t n_columns);
[[gnu::format(printf, 2, 3)]] void table_cell(struct table *t, const char *fmt, ...);

/* Appends the titles and all rows to @out, and frees what the table has. */
void table_put(struct table *t, struct buf *out);
