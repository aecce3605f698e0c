/* SPDX-License-Identifier: MIT */

#include "http/method.h"

/* The frequent ones stand first: the search is from the front. */
static const struct span names[HTTP_N_METHODS] = {
	[HTTP_UNKNOWN] = SPAN(""),
	[HTTP_GET] = SPAN("GET"),
	[HTTP_HEAD] = SPAN("HEAD"),
	[HTTP_PUT] = SPAN("PUT"),
	[HTTP_PROPFIND] = SPAN("PROPFIND"),
	[HTTP_OPTIONS] = SPAN("OPTIONS"),
	[HTTP_POST] = SPAN("POST"),
	[HTTP_PATCH] = SPAN("PATCH"),
	[HTTP_DELETE] = SPAN("DELETE"),
	[HTTP_MKCOL] = SPAN("MKCOL"),
	[HTTP_COPY] = SPAN("COPY"),
	[HTTP_MOVE] = SPAN("MOVE"),
	[HTTP_PROPPATCH] = SPAN("PROPPATCH"),
	[HTTP_LOCK] = SPAN("LOCK"),
	[HTTP_UNLOCK] = SPAN("UNLOCK"),
	[HTTP_SEARCH] = SPAN("SEARCH"),
	[HTTP_REPORT] = SPAN("REPORT"),
	[HTTP_ACL] = SPAN("ACL"),
	[HTTP_BIND] = SPAN("BIND"),
	[HTTP_UNBIND] = SPAN("UNBIND"),
	[HTTP_REBIND] = SPAN("REBIND"),
	[HTTP_CHECKIN] = SPAN("CHECKIN"),
	[HTTP_CHECKOUT] = SPAN("CHECKOUT"),
	[HTTP_MERGE] = SPAN("MERGE"),
	[HTTP_MKACTIVITY] = SPAN("MKACTIVITY"),
	[HTTP_CONNECT] = SPAN("CONNECT"),
	[HTTP_TRACE] = SPAN("TRACE"),
};

enum http_method http_method_of(struct span token)
{
	for (unsigned i = HTTP_UNKNOWN + 1; i < HTTP_N_METHODS; i++) {
		if (span_eq(token, names[i]))
			return (enum http_method)i;
	}
	return HTTP_UNKNOWN;
}
