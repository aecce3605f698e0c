/* SPDX-License-Identifier: MIT */

#include "http/target.h"

#include "http/chars.h"
#include "http/refuse.h"

static struct span after_scheme(struct span s)
{
	static const struct span schemes[] = {SPAN("http://"), SPAN("https://")};

	for (size_t i = 0; i < 2; i++) {
		size_t n = schemes[i].n;

		if (s.n >= n && span_ieq(span_of(s.p, n), schemes[i]))
			return span_from(s, n);
	}
	return SPAN_NONE;
}

static void split_query(struct span s, struct http_target *target)
{
	size_t at = span_find(s, '?');

	target->path = at ? span_of(s.p, at) : SPAN("/");
	target->query = at < s.n ? span_from(s, at + 1) : SPAN_NONE;
}

static unsigned read_absolute(struct span s, struct http_target *target, const char **why)
{
	struct span rest = after_scheme(s);
	size_t host_n = http_chars_run(rest, HTTP_CHAR_HOST);

	if (!rest.p)
		return http_refuse(why, 400, "not an absolute path or an http URI");
	if (!host_n || (host_n < rest.n && rest.p[host_n] != '/' && rest.p[host_n] != '?'))
		return http_refuse(why, 400, "not a URI with a host");

	*target = (struct http_target){.host = span_of(rest.p, host_n)};
	split_query(span_from(rest, host_n), target);
	return 0;
}

static unsigned read_either(struct span s, struct http_target *target, const char **why)
{
	if (!s.n || s.p[0] != '/')
		return read_absolute(s, target, why);

	*target = (struct http_target){0};
	split_query(s, target);
	return 0;
}

unsigned http_target_read(
	const struct http_head *head, struct http_target *target, const char **why)
{
	struct span s = http_head_target(head);

	if (!span_eq(s, SPAN("*")))
		return read_either(s, target, why);
	if (head->method != HTTP_OPTIONS)
		return http_refuse(why, 400, "only OPTIONS may be about the whole server");
	*target = (struct http_target){.path = SPAN("/"), .star = true};
	return 0;
}

static struct span without_usual_port(struct span host)
{
	if (span_ends(host, SPAN(":80")))
		return span_of(host.p, host.n - 3);
	return span_ends(host, SPAN(":443")) ? span_of(host.p, host.n - 4) : host;
}

/* An absolute URI in the request line outweighs the Host field (RFC 9112, 3.2.2). */
static struct span host_of(const struct http_head *head)
{
	struct span uri = after_scheme(http_head_target(head));

	return uri.p ? span_of(uri.p, http_chars_run(uri, HTTP_CHAR_HOST))
		     : http_head_get(head, HTTP_H_HOST);
}

unsigned http_target_of(const struct http_head *head, struct span url,
	struct http_target *target, const char **why)
{
	struct http_target found;

	if (url.n > HTTP_TARGET_MAX)
		return http_refuse(why, 414, "the Destination is too long");
	if (http_chars_target(url) != url.n)
		return http_refuse(why, 400, "the Destination holds a forbidden byte");

	unsigned status = read_either(url, &found, why);
	if (status)
		return status;
	if (found.host.p
		&& !span_ieq(
			without_usual_port(found.host), without_usual_port(host_of(head))))
		return http_refuse(why, 502, "the Destination is on another server");
	*target = found;
	return 0;
}

unsigned http_target_destination(
	const struct http_head *head, struct http_target *target, const char **why)
{
	struct span s = http_head_get(head, HTTP_H_DESTINATION);

	return s.n ? http_target_of(head, s, target, why)
		   : http_refuse(why, 400, "there is no Destination");
}
