/* SPDX-License-Identifier: MIT */

#include "dav/fragment.h"

#include "base/escape.h"

static const struct xml_name lang_name = {SPAN(XML_NS_XML), SPAN("lang")};

struct span fragment_lang(const struct xml_element *el)
{
	for (size_t i = 0; i < el->n_attrs; i++) {
		if (xml_name_eq(el->attrs[i].name, lang_name))
			return el->attrs[i].value;
	}
	return SPAN_NONE;
}

static void put_name(struct buf *out, struct span prefix, struct span local)
{
	if (prefix.n) {
		buf_put_span(out, prefix);
		buf_put_byte(out, ':');
	}
	buf_put_span(out, local);
}

static void put_attr(
	struct buf *out, struct span prefix, struct span local, struct span value)
{
	buf_put_byte(out, ' ');
	put_name(out, prefix, local);
	buf_put_span(out, SPAN("=\""));
	escape_markup(out, value);
	buf_put_byte(out, '"');
}

static struct span prefix_of(const struct xml_scope *scope, size_t i)
{
	const struct xml_binding *b = &scope->bindings[i];

	return span_of(scope->text.p + b->at, b->n_prefix);
}

static bool is_hidden(const struct xml_scope *scope, size_t i)
{
	for (size_t inner = i + 1; inner < scope->n_bindings; inner++) {
		if (span_eq(prefix_of(scope, inner), prefix_of(scope, i)))
			return true;
	}
	return false;
}

static void put_binding(struct buf *out, const struct xml_scope *scope, size_t i)
{
	const struct xml_binding *b = &scope->bindings[i];
	struct span prefix = prefix_of(scope, i);
	struct span ns = span_of(scope->text.p + b->at + b->n_prefix, b->n_ns);

	if (prefix.n)
		put_attr(out, SPAN("xmlns"), prefix, ns);
	else
		put_attr(out, SPAN(""), SPAN("xmlns"), ns);
}

static void end_tag_that_is_open(struct fragment *fragment)
{
	if (fragment->tag_is_open)
		buf_put_byte(fragment->out, '>');
	fragment->tag_is_open = false;
}

void fragment_open(struct fragment *fragment, const struct xml_element *el)
{
	struct buf *out = fragment->out;
	bool first = !fragment->root;

	if (first)
		fragment->root = el->depth;
	end_tag_that_is_open(fragment);
	buf_put_byte(out, '<');
	put_name(out, el->prefix, el->name.local);

	for (size_t i = 0; i < el->scope->n_bindings; i++) {
		bool own = el->scope->bindings[i].depth == el->depth;

		if (own || (first && !is_hidden(el->scope, i)))
			put_binding(out, el->scope, i);
	}
	for (size_t i = 0; i < el->n_attrs; i++)
		put_attr(out, el->attrs[i].prefix, el->attrs[i].name.local,
			el->attrs[i].value);
	if (first && fragment->lang.p && !fragment_lang(el).p)
		put_attr(out, SPAN("xml"), SPAN("lang"), fragment->lang);
	fragment->tag_is_open = true;
}

void fragment_text(struct fragment *fragment, struct span text)
{
	end_tag_that_is_open(fragment);
	escape_markup(fragment->out, text);
}

void fragment_close(struct fragment *fragment, const struct xml_element *el)
{
	struct buf *out = fragment->out;

	if (fragment->tag_is_open) {
		buf_put_span(out, SPAN("/>"));
		fragment->tag_is_open = false;
		return;
	}
	buf_put_span(out, SPAN("</"));
	put_name(out, el->prefix, el->name.local);
	buf_put_byte(out, '>');
}
