/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * xml - a stranger's XML, read in pieces, within limits.
 *
 * Expat reads; this says what may be read. A document type declaration is
 * refused where it starts, so there are no entities but XML's own five and
 * nothing can expand. Names come apart into namespace and local name. Memory
 * is bounded by the limits below and the caller's max_bytes.
 *
 * Start from xml_init, feed, xml_end once, and xml_fini on every way out. The
 * first result that is not XML_OK is final: every later call repeats it.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

enum xml_outcome {
	XML_OK = 0,
	XML_EMPTY, /* xml_end: there was not one byte; what that means is the caller's */
	XML_MALFORMED,  /* not well-formed, or not in UTF-8, UTF-16, ISO-8859-1 or ASCII */
	XML_DOCTYPE,    /* a document type declaration, which we refuse */
	XML_TOO_BIG,    /* past max_bytes or one of the limits */
	XML_UNEXPECTED, /* well-formed, but not the document that was asked for */
};

#define XML_MAX_DEPTH       64u
#define XML_MAX_ATTRS       64u          /* of one element */
#define XML_MAX_NAME_BYTES  1024u        /* namespace, local name and prefix together */
#define XML_MAX_BINDINGS    64u          /* namespace declarations in scope */
#define XML_MAX_SCOPE_BYTES (16 * 1024u) /* their prefixes and namespaces */
#define XML_PIECE_BYTES     4096u

#define XML_NS_XML "http://www.w3.org/XML/1998/namespace" /* of xml:lang */

/* An empty ns: in no namespace. */
struct xml_name {
	struct span ns, local;
};

static inline bool xml_name_eq(struct xml_name a, struct xml_name b)
{
	return span_eq(a.local, b.local) && span_eq(a.ns, b.ns);
}

struct xml_attr {
	struct xml_name name;
	struct span prefix;
	struct span value;
};

struct xml_binding {
	size_t at; /* in xml_scope.text: the prefix, and behind it the namespace */
	size_t n_prefix, n_ns;
	unsigned depth; /* of the element that declares it */
};

/* The namespace declarations in force, outermost first. */
struct xml_scope {
	struct xml_binding bindings[XML_MAX_BINDINGS];
	size_t n_bindings;
	struct buf text;
};

struct xml_element {
	struct xml_name name;
	struct span prefix;           /* empty for none */
	unsigned depth;               /* the root's is 1 */
	const struct xml_attr *attrs; /* without the namespace declarations */
	size_t n_attrs;               /* 0 when it closes */
	const struct xml_scope *scope;
};

/*
 * What the reader is told. Spans live until the call returns. Each returns
 * XML_OK to go on; anything else ends the reading with that result.
 */
struct xml_ops {
	int (*open)(void *arg, const struct xml_element *el);
	int (*text)(void *arg, struct span text, unsigned depth); /* may come in pieces */
	int (*close)(void *arg, const struct xml_element *el);
};

struct xml {
	const struct xml_ops *ops;
	void *arg;
	struct XML_ParserStruct *expat; /* owned; NULL until the first byte */
	size_t n_left;                  /* of max_bytes */
	int result;
	unsigned depth;
	struct xml_scope scope;
	struct xml_attr attrs[XML_MAX_ATTRS];
	/* Gathered first: expat looks at an unfinished token again with every piece. */
	char piece[XML_PIECE_BYTES];
	size_t n_piece;
};

/* Allocates nothing. @ops is borrowed; @xml must not move until xml_fini. */
void xml_init(struct xml *xml, const struct xml_ops *ops, void *arg, size_t max_bytes);
void xml_fini(struct xml *xml);

/* An outcome, or -ENOMEM. What is wrong may be told as late as by xml_end. */
[[nodiscard]] int xml_feed(struct xml *xml, struct span bytes);

/* There is no more. XML_OK only for one whole well-formed document. */
[[nodiscard]] int xml_end(struct xml *xml);

/* The HTTP status that answers a request whose body came to this; 500 for a -errno. */
unsigned xml_status(int result);
