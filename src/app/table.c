/* SPDX-License-Identifier: MIT */

#include "app/table.h"

#include "base/util.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GAP 2 /* spaces between two columns */

enum { CELL_MAX = 4096, CELLS_MAX = 16 << 20 };

void table_begin(struct table *t, const struct table_column *columns, size_t n_columns)
{
	assert(n_columns <= TABLE_COLUMNS_MAX);
	*t = (struct table){
		.columns = columns, .n_columns = n_columns, .cells = BUF_INIT(CELLS_MAX)};
	for (size_t i = 0; i < n_columns; i++)
		t->widths[i] = strlen(columns[i].title);
}

void table_cell(struct table *t, const char *fmt, ...)
{
	size_t *width = &t->widths[t->n_cells++ % t->n_columns];
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut where it must be */
	va_end(ap);
	*width = MAX(*width, strlen(text));
	buf_put(&t->cells, text, strlen(text) + 1);
}

/* The last column ends with its text. */
static void put_cell(
	const struct table *t, size_t column, const char *text, struct buf *out)
{
	bool last = column + 1 == t->n_columns;
	int width = (int)t->widths[column];

	if (t->columns[column].right)
		buf_printf(out, "%*s", width, text);
	else
		buf_printf(out, "%-*s", last ? 0 : width, text);
	buf_printf(out, "%*s", last ? 0 : GAP, "");
	if (last)
		buf_put_byte(out, '\n');
}

void table_put(struct table *t, struct buf *out)
{
	const char *cell = t->cells.p;

	for (size_t i = 0; i < t->n_columns && !t->cells.failed; i++)
		put_cell(t, i, t->columns[i].title, out);
	for (size_t i = 0; i < t->n_cells && !t->cells.failed; i++) {
		put_cell(t, i % t->n_columns, cell, out);
		cell += strlen(cell) + 1;
	}
	buf_fini(&t->cells);
}
