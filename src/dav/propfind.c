/* SPDX-License-Identifier: MIT */

#include "dav/propfind.h"

#include <errno.h>

/* What the names of PROPFIND_MAX_PROPS and their table may take. */
#define MAX_ARENA_BYTES (2 * PROPFIND_MAX_BODY_BYTES)

/* <propfind> is 1, what it asks is 2, a property's name is 3; what is deeper says nothing.
 */
enum { DEPTH_ROOT = 1, DEPTH_KIND, DEPTH_NAME };

static int add(struct propfind *want, struct xml_name name)
{
	enum prop_id id = prop_find(name);

	if (id != PROP_UNKNOWN) {
		if (want->known & PROP_BIT(id))
			return XML_OK;
		want->known |= PROP_BIT(id);
		name = prop_name(id);
	}
	for (size_t i = 0; id == PROP_UNKNOWN && i < want->n_props; i++) {
		if (xml_name_eq(want->props[i].name, name))
			return XML_OK;
	}
	if (want->n_props == PROPFIND_MAX_PROPS)
		return XML_TOO_BIG;
	if (!want->props)
		want->props = arena_alloc(
			&want->arena, PROPFIND_MAX_PROPS * sizeof(*want->props));
	if (id == PROP_UNKNOWN) {
		want->has_unknown = true;
		name.ns = arena_copy(&want->arena, name.ns);
		name.local = arena_copy(&want->arena, name.local);
	}
	if (!want->props || !name.ns.p || !name.local.p)
		return -ENOMEM;
	want->props[want->n_props++] = (struct prop_ref){id, name};
	return XML_OK;
}

static int set_kind(struct propfind *want, enum propfind_kind kind)
{
	if (want->has_kind)
		return XML_UNEXPECTED;
	want->has_kind = true;
	want->kind = kind;
	want->in_list = kind == PROPFIND_PROP;
	return XML_OK;
}

static int on_kind(struct propfind *want, struct xml_name name)
{
	want->in_list = false;
	if (prop_is_dav(name, SPAN("prop")))
		return set_kind(want, PROPFIND_PROP);
	if (prop_is_dav(name, SPAN("allprop")))
		return set_kind(want, PROPFIND_ALLPROP);
	if (prop_is_dav(name, SPAN("propname")))
		return set_kind(want, PROPFIND_PROPNAME);
	if (prop_is_dav(name, SPAN("include")))
		want->has_include = want->in_list = true;
	return XML_OK;
}

static int on_open(void *arg, const struct xml_element *el)
{
	static const struct xml_name root = {SPAN(PROP_NS_D), SPAN("propfind")};
	struct propfind *want = arg;

	if (el->depth == DEPTH_ROOT)
		return xml_name_eq(el->name, root) ? XML_OK : XML_UNEXPECTED;
	if (el->depth == DEPTH_KIND)
		return on_kind(want, el->name);
	if (el->depth == DEPTH_NAME && want->in_list)
		return add(want, el->name);
	return XML_OK;
}

static int on_text(void *arg, struct span text, unsigned depth)
{
	(void)arg, (void)text, (void)depth;
	return XML_OK;
}

static int on_close(void *arg, const struct xml_element *el)
{
	(void)arg, (void)el;
	return XML_OK;
}

void propfind_init(struct propfind *want)
{
	static const struct xml_ops ops = {on_open, on_text, on_close};

	want->kind = PROPFIND_ALLPROP;
	want->props = NULL;
	want->n_props = 0;
	want->known = 0;
	want->has_unknown = want->has_kind = want->has_include = want->in_list = false;
	want->arena = ARENA_INIT(MAX_ARENA_BYTES);
	xml_init(&want->xml, &ops, want, PROPFIND_MAX_BODY_BYTES);
}

void propfind_fini(struct propfind *want)
{
	arena_fini(&want->arena);
	xml_fini(&want->xml);
}

int propfind_feed(struct propfind *want, struct span bytes)
{
	return xml_feed(&want->xml, bytes);
}

int propfind_end(struct propfind *want)
{
	int result = xml_end(&want->xml);

	if (result != XML_OK && result != XML_EMPTY)
		return result;
	if (result == XML_OK && !want->has_kind)
		return XML_UNEXPECTED;
	if (want->has_include && want->kind != PROPFIND_ALLPROP)
		return XML_UNEXPECTED;
	if (want->kind == PROPFIND_ALLPROP)
		want->known |= prop_allprop();
	return XML_OK;
}
