/* SPDX-License-Identifier: MIT */

#include "service/drive/about.h"

#include "base/util.h"
#include "http/resp.h"
#include "service/drive/drive.h"
#include "service/drive/fs/cache.h"
#include "service/drive/policy.h"
#include "service/drive/version.h"

#include <assert.h>
#include <stdlib.h>

/*
 * A document out of the folder must not act as the visitor it is shown to: in
 * this sandbox its scripts run, but as nobody's site. With --index the folder
 * is a site, which is its owner's to trust.
 */
#define SANDBOX "sandbox allow-scripts allow-popups allow-downloads"

/* Whether a browser would run scripts of such a document. */
static bool is_active(struct span type)
{
	static const struct span types[] = {
		SPAN("text/html"), SPAN("text/xml"), SPAN("application/xml")};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (span_starts(type, types[i]))
			return true;
	return span_ends(type, SPAN("+xml"));
}

const struct about *about_file(
	struct drive *drive, struct span name, const struct fs_info *info)
{
	struct about *about = &drive->about;
	struct buf fields = BUF_FIXED(about->fields);
	struct version version;

	about->type = http_media_of(drive->media, name);
	version_of(drive, info, &version);
	http_resp_etag(&fields, version.now.etag);
	http_resp_date(&fields, SPAN("Last-Modified"), version.now.mtime_sec);
	http_resp_field(&fields, SPAN("Accept-Ranges"), SPAN("bytes"));
	http_resp_field(&fields, SPAN("X-Content-Type-Options"), SPAN("nosniff"));
	if (!drive->policy->index && is_active(about->type))
		http_resp_field(&fields, SPAN("Content-Security-Policy"), SPAN(SANDBOX));
	about->n_common = fields.n;
	http_resp_field(&fields, SPAN("Content-Type"), about->type);
	about->n_fields = fields.n;
	assert(!fields.failed);
	return about;
}

const struct about *about_cached(
	struct drive *drive, struct span name, const struct fs_cached *cached)
{
	if (cached->note)
		return cached->note;
	/* Its tag is strong, and stays so: what is kept has not been changed for long enough. */
	const struct about *about = about_file(drive, name, &cached->info);
	size_t n = offsetof(struct about, fields) + about->n_fields;
	struct about *note = malloc(n);

	if (!note)
		return about;
	memcpy(note, about, n);
	fs_cache_note(cached, note);
	return note;
}
