/* SPDX-License-Identifier: MIT */

#include "service/drive/origin.h"

#include "base/util.h"

/* The host without its port: "[::1]:80" gives "[::1]". */
static struct span host_of(struct span authority)
{
	size_t from =
		authority.n > 0 && authority.p[0] == '[' ? span_find(authority, ']') : 0;
	struct span tail = span_from(authority, from);
	return span_of(authority.p, from + span_find(tail, ':'));
}

static bool same_authority(struct span a, struct span b, struct span default_port)
{
	struct span host_a = host_of(a), host_b = host_of(b);
	struct span port_a = span_from(a, host_a.n + 1),
		    port_b = span_from(b, host_b.n + 1);
	return span_ieq(host_a, host_b)
	       && span_eq(
		       port_a.n ? port_a : default_port, port_b.n ? port_b : default_port);
}

bool origin_is_foreign(struct span site, struct span origin, struct span host)
{
	static const struct {
		struct span scheme, port;
	} schemes[] = {{SPAN("http://"), SPAN("80")}, {SPAN("https://"), SPAN("443")}};

	if (site.p)
		return !span_eq(site, SPAN("same-origin")) && !span_eq(site, SPAN("none"));
	if (!origin.p)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (span_starts(origin, schemes[i].scheme))
			return !same_authority(span_from(origin, schemes[i].scheme.n), host,
				schemes[i].port);
	return true; /* "null", and whatever else a sandbox or an extension says */
}

/* Digits and dots are an address to every browser, never a name that is looked up. */
static bool is_address(struct span host)
{
	if (host.n == 0 || host.p[0] == '[')
		return true;
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return false;
	return true;
}

bool origin_is_ours(struct span host, char *const *names, size_t n_names)
{
	struct span name = host_of(host);
	if (is_address(name) || span_ieq(name, SPAN("localhost")))
		return true;
	for (size_t i = 0; i < n_names; i++)
		if (span_ieq(name, span_str(names[i])))
			return true;
	return false;
}
