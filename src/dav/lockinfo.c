/* SPDX-License-Identifier: MIT */

#include "dav/lockinfo.h"

#include "dav/prop.h"

/* <lockinfo>; <lockscope>, <locktype> or <owner>; <exclusive>, <shared> or <write>. */
enum { DEPTH_ROOT = 1, DEPTH_PART, DEPTH_CHOICE };

static int on_open(void *arg, const struct xml_element *el)
{
	struct lockinfo *info = arg;

	if (el->depth == DEPTH_ROOT)
		return prop_is_dav(el->name, SPAN("lockinfo")) ? XML_OK : XML_UNEXPECTED;

	if (el->depth == DEPTH_PART) {
		info->in_scope = prop_is_dav(el->name, SPAN("lockscope"));
		info->in_type = prop_is_dav(el->name, SPAN("locktype"));
		info->in_owner = prop_is_dav(el->name, SPAN("owner"));
		if (info->in_owner && info->owner.n)
			return XML_UNEXPECTED;
	}
	if (el->depth == DEPTH_CHOICE && info->in_scope) {
		info->has_exclusive |= prop_is_dav(el->name, SPAN("exclusive"));
		info->has_shared |= prop_is_dav(el->name, SPAN("shared"));
	}
	if (el->depth == DEPTH_CHOICE && info->in_type)
		info->has_write |= prop_is_dav(el->name, SPAN("write"));
	if (info->in_owner)
		fragment_open(&info->fragment, el);
	return info->owner.failed ? XML_TOO_BIG : XML_OK;
}

static int on_text(void *arg, struct span text, unsigned depth)
{
	struct lockinfo *info = arg;

	if (info->in_owner && depth >= DEPTH_PART)
		fragment_text(&info->fragment, text);
	return info->owner.failed ? XML_TOO_BIG : XML_OK;
}

static int on_close(void *arg, const struct xml_element *el)
{
	struct lockinfo *info = arg;

	if (info->in_owner && el->depth >= DEPTH_PART)
		fragment_close(&info->fragment, el);
	if (el->depth == DEPTH_PART)
		info->in_owner = false;
	return info->owner.failed ? XML_TOO_BIG : XML_OK;
}

void lockinfo_init(struct lockinfo *info)
{
	static const struct xml_ops ops = {on_open, on_text, on_close};

	info->is_shared = info->has_exclusive = info->has_shared = info->has_write = false;
	info->in_owner = info->in_scope = info->in_type = false;
	info->owner = BUF_INIT(LOCKINFO_MAX_OWNER_BYTES);
	info->fragment = FRAGMENT_INIT(&info->owner, SPAN_NONE);
	xml_init(&info->xml, &ops, info, LOCKINFO_MAX_BODY_BYTES);
}

void lockinfo_fini(struct lockinfo *info)
{
	buf_fini(&info->owner);
	xml_fini(&info->xml);
}

int lockinfo_feed(struct lockinfo *info, struct span bytes)
{
	return xml_feed(&info->xml, bytes);
}

int lockinfo_end(struct lockinfo *info)
{
	int result = xml_end(&info->xml);

	if (result != XML_OK)
		return result;
	if (info->has_exclusive == info->has_shared || !info->has_write)
		return XML_UNEXPECTED;
	info->is_shared = info->has_shared;
	return XML_OK;
}
