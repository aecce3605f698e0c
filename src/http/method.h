/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * method - the request methods this program has heard of.
 *
 * Having heard of one does not mean that a service performs it: 405 is for a
 * method in this table, 501 for HTTP_UNKNOWN, and both are the service's to say.
 */

#include "base/span.h"

enum http_method {
	HTTP_UNKNOWN, /* a token, but none of these; its text is in the head */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_PUT,
	HTTP_PROPFIND,
	HTTP_OPTIONS,
	HTTP_POST,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_MKCOL,
	HTTP_COPY,
	HTTP_MOVE,
	HTTP_PROPPATCH,
	HTTP_LOCK,
	HTTP_UNLOCK,
	HTTP_SEARCH,
	HTTP_REPORT,
	HTTP_ACL,
	HTTP_BIND,
	HTTP_UNBIND,
	HTTP_REBIND,
	HTTP_CHECKIN,
	HTTP_CHECKOUT,
	HTTP_MERGE,
	HTTP_MKACTIVITY,
	HTTP_CONNECT,
	HTTP_TRACE,
	HTTP_N_METHODS,
};

/* Case counts: "get" is HTTP_UNKNOWN. */
enum http_method http_method_of(struct span token);
