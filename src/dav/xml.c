/* SPDX-License-Identifier: MIT */

#include "dav/xml.h"

#include "base/util.h"

#include <errno.h>
#include <expat.h>

/* Between the parts of expat's names. Expat refuses a namespace that holds it. */
#define SEPARATOR '\n'

void xml_init(struct xml *xml, const struct xml_ops *ops, void *arg, size_t max_bytes)
{
	xml->ops = ops;
	xml->arg = arg;
	xml->expat = NULL;
	xml->n_left = max_bytes;
	xml->result = XML_OK;
	xml->depth = 0;
	xml->scope.n_bindings = 0;
	xml->scope.text = BUF_INIT(XML_MAX_SCOPE_BYTES);
	xml->n_piece = 0;
}

void xml_fini(struct xml *xml)
{
	if (xml->expat)
		XML_ParserFree(xml->expat);
	xml->expat = NULL;
	buf_fini(&xml->scope.text);
}

/* Keeps the first result that is not XML_OK, and makes expat return at once. */
static void end_with(struct xml *xml, int result)
{
	if (xml->result != XML_OK || result == XML_OK)
		return;
	xml->result = result;
	(void)XML_StopParser(
		xml->expat, XML_FALSE); /* fails only if it is stopping already */
}

/* Expat writes "ns\nlocal\nprefix", "ns\nlocal" or "local". False if it is too long. */
static bool name_from(const char *expat_name, struct xml_name *name, struct span *prefix)
{
	struct span rest = span_str(expat_name), part[3] = {SPAN(""), SPAN(""), SPAN("")};
	size_t n_parts = 0;

	if (rest.n > XML_MAX_NAME_BYTES)
		return false;
	while (n_parts < ARRAY_LEN(part) && span_cut(&rest, SEPARATOR, &part[n_parts]))
		n_parts++;

	if (n_parts == 1)
		*name = (struct xml_name){SPAN(""), part[0]};
	else
		*name = (struct xml_name){part[0], part[1]};
	*prefix = part[2];
	return true;
}

static void on_open(void *arg, const char *expat_name, const char **expat_attrs)
{
	struct xml *xml = arg;
	struct xml_element el = {.attrs = xml->attrs, .scope = &xml->scope};
	bool fits = name_from(expat_name, &el.name, &el.prefix);

	for (const char **at = expat_attrs; fits && at[0]; at += 2) {
		struct xml_attr *attr = &xml->attrs[el.n_attrs];

		fits = el.n_attrs < XML_MAX_ATTRS
		       && name_from(at[0], &attr->name, &attr->prefix);
		if (fits) {
			attr->value = span_str(at[1]);
			el.n_attrs++;
		}
	}
	if (!fits || xml->depth == XML_MAX_DEPTH) {
		end_with(xml, XML_TOO_BIG);
		return;
	}
	el.depth = ++xml->depth;
	end_with(xml, xml->ops->open(xml->arg, &el));
}

static void on_text(void *arg, const char *bytes, int n)
{
	struct xml *xml = arg;

	/* A call may follow the one that stopped the parser. */
	if (xml->result == XML_OK)
		end_with(xml,
			xml->ops->text(xml->arg, span_of(bytes, (size_t)n), xml->depth));
}

static void on_close(void *arg, const char *expat_name)
{
	struct xml *xml = arg;
	struct xml_scope *scope = &xml->scope;
	struct xml_element el = {.depth = xml->depth, .scope = scope};

	/* An empty element closes even where its opening stopped the parser. */
	if (xml->result != XML_OK || !name_from(expat_name, &el.name, &el.prefix))
		return;
	end_with(xml, xml->ops->close(xml->arg, &el));

	while (scope->n_bindings
		&& scope->bindings[scope->n_bindings - 1].depth == xml->depth)
		scope->text.n = scope->bindings[--scope->n_bindings].at;
	xml->depth--;
}

/* Comes before the element's on_open. NULL for the default prefix, and for xmlns="". */
static void on_binding(void *arg, const char *prefix, const char *ns)
{
	struct xml *xml = arg;
	struct xml_scope *scope = &xml->scope;
	struct xml_binding b = {.at = scope->text.n,
		.n_prefix = span_str(prefix).n,
		.n_ns = span_str(ns).n,
		.depth = xml->depth + 1};

	buf_put(&scope->text, prefix, b.n_prefix);
	buf_put(&scope->text, ns, b.n_ns);
	if (scope->text.failed || scope->n_bindings == XML_MAX_BINDINGS) {
		end_with(xml, XML_TOO_BIG);
		return;
	}
	scope->bindings[scope->n_bindings++] = b;
}

static void on_doctype(
	void *arg, const char *name, const char *sysid, const char *pubid, int has_subset)
{
	(void)name, (void)sysid, (void)pubid, (void)has_subset;
	end_with(arg, XML_DOCTYPE);
}

static int make_parser(struct xml *xml)
{
	XML_Parser expat = XML_ParserCreateNS(NULL, SEPARATOR);

	if (!expat)
		return -ENOMEM;
	XML_SetReturnNSTriplet(expat, XML_TRUE);
	XML_SetUserData(expat, xml);
	XML_SetElementHandler(expat, on_open, on_close);
	XML_SetCharacterDataHandler(expat, on_text);
	XML_SetStartNamespaceDeclHandler(expat, on_binding);
	XML_SetStartDoctypeDeclHandler(expat, on_doctype);
	xml->expat = expat;
	return XML_OK;
}

static int parse_piece(struct xml *xml, bool last)
{
	enum XML_Status status = XML_Parse(xml->expat, xml->piece, (int)xml->n_piece, last);

	xml->n_piece = 0;
	if (status != XML_STATUS_OK && xml->result == XML_OK)
		xml->result = XML_GetErrorCode(xml->expat) == XML_ERROR_NO_MEMORY
				      ? -ENOMEM
				      : XML_MALFORMED;
	return xml->result;
}

int xml_feed(struct xml *xml, struct span bytes)
{
	if (xml->result == XML_OK && bytes.n > xml->n_left)
		xml->result = XML_TOO_BIG;
	if (xml->result == XML_OK && bytes.n && !xml->expat)
		xml->result = make_parser(xml);

	while (xml->result == XML_OK && bytes.n) {
		size_t n = MIN(bytes.n, XML_PIECE_BYTES - xml->n_piece);

		memcpy(xml->piece + xml->n_piece, bytes.p, n);
		xml->n_piece += n;
		xml->n_left -= n;
		bytes = span_from(bytes, n);
		if (xml->n_piece == XML_PIECE_BYTES)
			(void)parse_piece(xml, false); /* it is kept in xml->result */
	}
	return xml->result;
}

int xml_end(struct xml *xml)
{
	if (xml->result != XML_OK)
		return xml->result;
	if (!xml->expat)
		return xml->result = XML_EMPTY;
	return parse_piece(xml, true);
}

unsigned xml_status(int result)
{
	if (result < 0)
		return 500;

	switch ((enum xml_outcome)result) {
	case XML_OK: return 200;
	case XML_EMPTY: return 400;
	case XML_MALFORMED: return 400;
	case XML_DOCTYPE: return 400;
	case XML_TOO_BIG: return 413;
	case XML_UNEXPECTED: return 400;
	}
	return 500;
}
