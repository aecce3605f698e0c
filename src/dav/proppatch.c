/* SPDX-License-Identifier: MIT */

#include "dav/proppatch.h"

#include "base/util.h"

#include <errno.h>

/*
 * A fragment repeats the namespaces in scope for each property, so it may be larger
 * than its part of the body; what all of them may take is limited apart.
 */
#define MAX_ARENA_BYTES (4 * PROPPATCH_MAX_BODY_BYTES)

/* <propertyupdate>, <set> or <remove>, <prop>, and the property; the rest is its value. */
enum { DEPTH_ROOT = 1, DEPTH_OP, DEPTH_PROP, DEPTH_NAME };

static int start_property(struct proppatch *patch, const struct xml_element *el)
{
	enum prop_id id = prop_find(el->name);
	struct proppatch_op *op;

	if (patch->n_ops == PROPPATCH_MAX_OPS)
		return XML_TOO_BIG;
	if (!patch->ops)
		patch->ops =
			arena_alloc(&patch->arena, PROPPATCH_MAX_OPS * sizeof(*patch->ops));
	if (!patch->ops)
		return -ENOMEM;

	op = &patch->ops[patch->n_ops++];
	op->is_remove = patch->is_remove;
	op->prop.id = id;
	op->prop.name.ns = arena_copy(&patch->arena, el->name.ns);
	op->prop.name.local = arena_copy(&patch->arena, el->name.local);
	if (!op->prop.name.ns.p || !op->prop.name.local.p)
		return XML_TOO_BIG;
	if (op->is_remove)
		return XML_OK;

	op->lang = patch->langs[DEPTH_NAME - 1];
	buf_clear(&patch->value);
	buf_clear(&patch->text);
	patch->fragment = FRAGMENT_INIT(&patch->value, op->lang);
	op->text = SPAN(""); /* until an element is found in it */
	return XML_OK;
}

static bool in_value(const struct proppatch *patch)
{
	return patch->in_prop && !patch->is_remove;
}

/* xml:lang holds for what is inside, until something inside says otherwise. */
static int inherit_lang(struct proppatch *patch, const struct xml_element *el)
{
	struct span lang = fragment_lang(el);
	struct span *at = &patch->langs[el->depth - 1];

	if (lang.p) {
		*at = arena_copy(&patch->arena, lang);
		return at->p ? XML_OK : XML_TOO_BIG;
	}
	*at = el->depth > 1 ? at[-1] : SPAN_NONE;
	return XML_OK;
}

/* An element inside a property's value. */
static void note_inner(struct proppatch *patch, const struct xml_element *el)
{
	struct proppatch_op *op = &patch->ops[patch->n_ops - 1];

	op->text = SPAN_NONE;
	if (op->prop.id == PROP_RESOURCETYPE && el->depth == DEPTH_NAME + 1
		&& !prop_is_dav(el->name, SPAN("collection")))
		patch->is_other_type = true;
}

static int on_open(void *arg, const struct xml_element *el)
{
	struct proppatch *patch = arg;
	int result = XML_OK;

	if (el->depth <= ARRAY_LEN(patch->langs))
		result = inherit_lang(patch, el);
	if (result != XML_OK)
		return result;

	switch (el->depth) {
	case DEPTH_ROOT:
		return prop_is_dav(el->name,
			       patch->is_mkcol ? SPAN("mkcol") : SPAN("propertyupdate"))
			       ? XML_OK
			       : XML_UNEXPECTED;
	case DEPTH_OP:
		patch->is_remove =
			!patch->is_mkcol && prop_is_dav(el->name, SPAN("remove"));
		patch->in_op = patch->is_remove || prop_is_dav(el->name, SPAN("set"));
		return XML_OK;
	case DEPTH_PROP:
		patch->in_prop = patch->in_op && prop_is_dav(el->name, SPAN("prop"));
		return XML_OK;
	case DEPTH_NAME:
		result = patch->in_prop ? start_property(patch, el) : XML_OK;
		break;
	default:
		if (in_value(patch))
			note_inner(patch, el);
	}
	if (result == XML_OK && in_value(patch))
		fragment_open(&patch->fragment, el);
	return result;
}

static int on_text(void *arg, struct span text, unsigned depth)
{
	struct proppatch *patch = arg;

	if (depth < DEPTH_NAME || !in_value(patch))
		return XML_OK;
	fragment_text(&patch->fragment, text);
	if (depth == DEPTH_NAME)
		buf_put_span(&patch->text, text);
	return XML_OK;
}

static int on_close(void *arg, const struct xml_element *el)
{
	struct proppatch *patch = arg;

	if (el->depth == DEPTH_PROP)
		patch->in_prop = false;
	if (el->depth < DEPTH_NAME || !in_value(patch))
		return XML_OK;

	fragment_close(&patch->fragment, el);
	if (el->depth > DEPTH_NAME)
		return XML_OK;

	struct proppatch_op *op = &patch->ops[patch->n_ops - 1];
	op->xml = arena_copy(&patch->arena, buf_span(&patch->value));
	if (op->text.p)
		op->text = arena_copy(&patch->arena, buf_span(&patch->text));
	return patch->value.failed || patch->text.failed || !op->xml.p ? XML_TOO_BIG
								       : XML_OK;
}

void proppatch_init(struct proppatch *patch)
{
	static const struct xml_ops ops = {on_open, on_text, on_close};

	patch->ops = NULL;
	patch->n_ops = 0;
	patch->arena = ARENA_INIT(MAX_ARENA_BYTES);
	patch->value = patch->text = BUF_INIT(PROPPATCH_MAX_BODY_BYTES);
	patch->in_op = patch->is_remove = patch->in_prop = false;
	patch->is_mkcol = patch->is_other_type = false;
	xml_init(&patch->xml, &ops, patch, PROPPATCH_MAX_BODY_BYTES);
}

void proppatch_init_mkcol(struct proppatch *patch)
{
	proppatch_init(patch);
	patch->is_mkcol = true;
}

void proppatch_fini(struct proppatch *patch)
{
	arena_fini(&patch->arena);
	buf_fini(&patch->value);
	buf_fini(&patch->text);
	xml_fini(&patch->xml);
}

int proppatch_feed(struct proppatch *patch, struct span bytes)
{
	return xml_feed(&patch->xml, bytes);
}

int proppatch_end(struct proppatch *patch)
{
	int result = xml_end(&patch->xml);

	return result == XML_OK && !patch->n_ops ? XML_UNEXPECTED : result;
}
