/* SPDX-License-Identifier: MIT */

#include "dav/propbag.h"

#include "base/num.h"

static bool take_length(struct span *line, size_t *out)
{
	struct span word;
	uint64_t n;

	if (!span_cut(line, ' ', &word) || !num_u64(word, &n) || n > UINT32_MAX)
		return false;
	*out = (size_t)n;
	return true;
}

static struct span take_run(struct span *rest, size_t n)
{
	struct span run = span_of(rest->p, n);

	*rest = span_from(*rest, n);
	return run;
}

bool propbag_next(struct span *rest, struct propbag_item *out)
{
	size_t n_line = span_find(*rest, '\n'), n_ns, n_local, n_xml;
	struct span line = span_of(rest->p, n_line);

	if (n_line == rest->n || !take_length(&line, &n_ns) || !take_length(&line, &n_local)
		|| !take_length(&line, &n_xml) || line.p)
		return false;
	struct span runs = span_from(*rest, n_line + 1);
	if (runs.n < n_ns + n_local + n_xml)
		return false;
	out->name.ns = take_run(&runs, n_ns);
	out->name.local = take_run(&runs, n_local);
	out->xml = take_run(&runs, n_xml);
	*rest = runs;
	return true;
}

struct span propbag_find(struct span bag, struct xml_name name)
{
	struct propbag_item item;

	while (propbag_next(&bag, &item))
		if (xml_name_eq(item.name, name))
			return item.xml;
	return SPAN_NONE;
}

void propbag_put(struct buf *out, const struct propbag_item *item)
{
	buf_printf(out, "%zu %zu %zu\n", item->name.ns.n, item->name.local.n, item->xml.n);
	buf_put_span(out, item->name.ns);
	buf_put_span(out, item->name.local);
	buf_put_span(out, item->xml);
}

bool propbag_set(struct buf *out, struct span bag, struct xml_name name, struct span xml)
{
	const struct propbag_item added = {name, xml};
	struct propbag_item item;
	unsigned n = 0;

	while (propbag_next(&bag, &item)) {
		if (xml_name_eq(item.name, name))
			continue;
		propbag_put(out, &item);
		n++;
	}
	if (!xml.p)
		return true;
	propbag_put(out, &added);
	return n < PROPBAG_MAX_PROPS;
}
