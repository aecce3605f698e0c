/* SPDX-License-Identifier: MIT */

#include "service/drive/ui/ui_sort.h"

#include <stdlib.h>

static const struct span key_names[] = {
	[UI_SORT_NAME] = SPAN("name"),
	[UI_SORT_SIZE] = SPAN("size"),
	[UI_SORT_DATE] = SPAN("date"),
};

struct span ui_sort_key_name(enum ui_sort_key key)
{
	return key_names[key];
}

struct ui_order ui_sort_order(struct span query)
{
	struct ui_order order = {UI_SORT_NAME, false};
	struct span piece;

	while (span_cut(&query, '&', &piece)) {
		struct span value = span_from(piece, span_find(piece, '=') + 1);

		if (span_starts(piece, SPAN("sort=")) && span_eq(value, SPAN("size")))
			order.key = UI_SORT_SIZE;
		else if (span_starts(piece, SPAN("sort=")) && span_eq(value, SPAN("date")))
			order.key = UI_SORT_DATE;
		else if (span_starts(piece, SPAN("order=")))
			order.descending = span_eq(value, SPAN("desc"));
	}
	return order;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned char folded(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* The digits @s starts with, without leading zeros; *@s moves past them. */
static struct span take_number(struct span *s)
{
	size_t n = 0;

	while (s->n && s->p[0] == '0')
		*s = span_from(*s, 1);
	while (n < s->n && is_digit(s->p[n]))
		n++;

	struct span number = span_of(s->p, n);
	*s = span_from(*s, n);
	return number;
}

static int compare_numbers(struct span a, struct span b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return a.n ? memcmp(a.p, b.p, a.n) : 0;
}

static int compare_bytes(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int result = n ? memcmp(a.p, b.p, n) : 0;

	return result ? result : (a.n > b.n) - (a.n < b.n);
}

int ui_sort_names(struct span a, struct span b)
{
	struct span left = a, right = b;

	while (left.n && right.n) {
		int result;

		if (is_digit(left.p[0]) && is_digit(right.p[0])) {
			struct span number = take_number(&left);

			result = compare_numbers(number, take_number(&right));
		} else {
			result = folded(left.p[0]) - folded(right.p[0]);
			left = span_from(left, 1);
			right = span_from(right, 1);
		}
		if (result)
			return result;
	}
	if (left.n || right.n)
		return left.n ? 1 : -1;
	return compare_bytes(a, b);
}

/* By what was asked for alone; 0 leaves it to the name. */
static int compare_key(
	const struct ui_entry *a, const struct ui_entry *b, enum ui_sort_key key)
{
	switch (key) {
	case UI_SORT_NAME: return 0;
	case UI_SORT_SIZE:
		return a->is_dir ? 0
				 : (a->size_bytes > b->size_bytes)
					   - (a->size_bytes < b->size_bytes);
	case UI_SORT_DATE:
		return (a->mtime_sec > b->mtime_sec) - (a->mtime_sec < b->mtime_sec);
	}
	return 0;
}

int ui_sort_compare(
	const struct ui_entry *a, const struct ui_entry *b, struct ui_order order)
{
	if (a->is_dir != b->is_dir)
		return a->is_dir ? -1 : 1;

	int result = compare_key(a, b, order.key);
	if (!result)
		result = ui_sort_names(a->name, b->name);
	return order.descending ? -result : result;
}

static int compare_for_qsort(const void *a, const void *b, void *order)
{
	return ui_sort_compare(a, b, *(const struct ui_order *)order);
}

void ui_sort(struct ui_entry *entries, size_t n, struct ui_order order)
{
	if (n)
		qsort_r(entries, n, sizeof(*entries), compare_for_qsort, &order);
}
