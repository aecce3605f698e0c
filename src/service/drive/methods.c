/* SPDX-License-Identifier: MIT */

#include "service/drive/methods.h"

#include "base/util.h"
#include "http/target.h"
#include "service/drive/answer.h"
#include "service/drive/body.h"
#include "service/drive/drive.h"
#include "service/drive/get.h"
#include "service/drive/locking.h"
#include "service/drive/mkcol.h"
#include "service/drive/options.h"
#include "service/drive/origin.h"
#include "service/drive/own.h"
#include "service/drive/permit.h"
#include "service/drive/policy.h"
#include "service/drive/propget.h"
#include "service/drive/propset.h"
#include "service/drive/put.h"
#include "service/drive/request.h"
#include "service/drive/tree.h"
#include "service/drive/where.h"
#include "service/drive/who.h"

#include <assert.h>

static const struct method methods[HTTP_N_METHODS] = {
	[HTTP_GET] = {.begin = get_begin},
	[HTTP_HEAD] = {.begin = get_begin, .is_head = true},
	[HTTP_OPTIONS] = {.begin = options_begin},
	[HTTP_POST] = {.writes = true}, /* the trash's page alone */
	[HTTP_PUT] = {.begin = put_begin, .writes = true},
	[HTTP_PROPFIND] = {.begin = propget_begin},
	[HTTP_DELETE] = {.begin = tree_delete, .writes = true},
	[HTTP_MKCOL] = {.begin = mkcol_begin, .writes = true},
	[HTTP_COPY] = {.begin = tree_copy, .writes = true},
	[HTTP_MOVE] = {.begin = tree_move, .writes = true},
	[HTTP_LOCK] = {.begin = locking_lock, .writes = true},
	[HTTP_UNLOCK] = {.begin = locking_unlock, .writes = true},
	[HTTP_PROPPATCH] = {.begin = propset_begin, .writes = true},
};

/* Without users we believe whoever reaches us, but only by names that nobody else controls:
 * see origin.h. */
static bool check_host(struct request *r, struct span host)
{
	const struct policy *policy = r->drive->policy;

	if (policy->users || origin_is_ours(host, policy->hosts.items, policy->hosts.n))
		return true;
	answer_sentence(r, 421,
		"this drive does not answer to that name; its owner can allow it with --host");
	return false;
}

static bool check_origin(struct request *r, struct span host)
{
	if (!r->method->writes
		|| !origin_is_foreign(request_field(r, HTTP_H_SEC_FETCH_SITE),
			request_field(r, HTTP_H_ORIGIN), host))
		return true;
	answer_sentence(r, 403, "a page of another site may not change anything here");
	return false;
}

/* Who asks is known, and may know what there is. */
static void perform(struct request *r)
{
	if (r->head.method == HTTP_UNKNOWN)
		answer_sentence(r, 501, "this method is not known here");
	else if (!r->method->begin)
		options_not_allowed(r);
	else if (r->method->writes && !r->may_write)
		answer_result(r, FS_READ_ONLY);
	else if (permit_begin(r))
		r->method->begin(r);
}

void methods_begin(struct request *r)
{
	struct http_target target;
	const char *why;

	body_expect(r);
	unsigned status = http_target_read(&r->head, &target, &why);
	if (status != 0)
		return answer_sentence(r, status, why);

	r->method = &methods[r->head.method];
	r->query = target.query;
	/* Each answers itself where it does not let the request pass. */
	struct span host = target.host.p ? target.host : request_field(r, HTTP_H_HOST);
	if (!check_host(r, host) || !check_origin(r, host)
		|| !where_decode(r, target.path, r->path, &r->is_slashed))
		return;
	if (own_is(r))
		own_begin(r);
	else
		who_check(r, perform);
}
