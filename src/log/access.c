/* SPDX-License-Identifier: MIT */

#include "log/access.h"

#include "base/date.h"
#include "base/escape.h"
#include "base/util.h"
#include "os/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FINI_WAIT_MS 1000

const char *const access_formats[] = {"common", "combined", "json", NULL};

void access_init(struct access *access, int fd, enum access_format format)
{
	*access = (struct access){
		.fd = fd,
		.format = format,
		.lines = BUF_INIT(ACCESS_HELD_BYTES),
		.flush_at = ACCESS_FLUSH_BYTES,
		.stamp_sec = INT64_MIN,
	};
}

/* strftime and the time zone are too slow for every line, and the second is mostly the
 * same. */
static const char *stamp(struct access *access, int64_t sec)
{
	time_t when = sec;
	struct tm tm;

	if (sec == access->stamp_sec)
		return access->stamp;
	(void)localtime_r(&when, &tm);

	/* English month names whatever the locale: programs read this. */
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec"};
	long east_min = tm.tm_gmtoff / 60;
	(void)snprintf(access->stamp, sizeof(access->stamp),
		"%02d/%s/%04d:%02d:%02d:%02d %c%02ld%02ld", tm.tm_mday, months[tm.tm_mon],
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
		east_min < 0 ? '-' : '+', labs(east_min) / 60, labs(east_min) % 60);
	access->stamp_sec = sec;
	return access->stamp;
}

/* A text within quotes, or a bare word; - where there is none. */
static void put_text(struct buf *out, struct span s)
{
	if (s.n)
		escape_log(out, s, ACCESS_TEXT_MAX);
	else
		buf_put_byte(out, '-');
}

/* The user stands between spaces, unquoted: one of those would make two fields of it. */
static void put_word(struct buf *out, struct span s)
{
	struct span piece;
	bool first = true;

	if (!s.n)
		buf_put_byte(out, '-');
	for (; s.n && span_cut(&s, ' ', &piece); first = false) {
		if (!first)
			buf_put_span(out, SPAN("\\x20"));
		escape_log(out, piece, ACCESS_TEXT_MAX);
	}
}

static void put_common(struct access *access, const struct access_record *r)
{
	struct buf *out = &access->lines;

	buf_put_str(out, r->peer);
	buf_put_span(out, SPAN(" - "));
	put_word(out, r->user);
	buf_put_span(out, SPAN(" ["));
	buf_put_str(out, stamp(access, (int64_t)(r->wall_ns / NS_PER_SEC)));
	buf_put_span(out, SPAN("] \""));
	put_text(out, r->method);
	buf_put_byte(out, ' ');
	put_text(out, r->target);
	buf_put_byte(out, ' ');
	put_text(out, r->version);
	buf_put_span(out, SPAN("\" "));
	buf_put_u64(out, r->status);
	buf_put_byte(out, ' ');
	buf_put_u64(out, r->bytes);
}

static void put_combined(struct access *access, const struct access_record *r)
{
	struct buf *out = &access->lines;

	put_common(access, r);
	buf_put_span(out, SPAN(" \""));
	put_text(out, r->referer);
	buf_put_span(out, SPAN("\" \""));
	put_text(out, r->user_agent);
	buf_put_byte(out, '"');
}

/* ,"name":"value" or null. */
static void put_member(struct buf *out, struct span name, struct span value)
{
	buf_put_span(out, SPAN(",\""));
	buf_put_span(out, name);
	if (!value.p) {
		buf_put_span(out, SPAN("\":null"));
		return;
	}
	buf_put_span(out, SPAN("\":\""));
	escape_json(out, span_of(value.p, MIN(value.n, ACCESS_TEXT_MAX)));
	buf_put_byte(out, '"');
}

static void put_json(struct access *access, const struct access_record *r)
{
	struct buf *out = &access->lines;
	char iso[DATE_ISO_BYTES];

	date_iso((int64_t)(r->wall_ns / NS_PER_SEC), iso);
	buf_put_span(out, SPAN("{\"time\":\""));
	buf_put(out, iso, DATE_ISO_BYTES - 1); /* the Z goes behind the fraction */
	buf_printf(out, ".%03uZ\"", (unsigned)(r->wall_ns % NS_PER_SEC / NS_PER_MS));
	buf_put_span(out, SPAN(",\"conn\":"));
	buf_put_u64(out, r->conn_id);
	put_member(out, SPAN("peer"), span_str(r->peer));
	put_member(out, SPAN("user"), r->user);
	put_member(out, SPAN("method"), r->method);
	put_member(out, SPAN("target"), r->target);
	put_member(out, SPAN("version"), r->version);
	buf_put_span(out, SPAN(",\"status\":"));
	buf_put_u64(out, r->status);
	buf_put_span(out, SPAN(",\"bytes\":"));
	buf_put_u64(out, r->bytes);
	buf_put_span(out, SPAN(",\"duration_us\":"));
	buf_put_u64(out, r->duration_ns / 1000);
	buf_put_span(out, r->is_whole ? SPAN(",\"whole\":true") : SPAN(",\"whole\":false"));
	put_member(out, SPAN("referer"), r->referer);
	put_member(out, SPAN("user_agent"), r->user_agent);
	buf_put_byte(out, '}');
}

void access_add(struct access *access, const struct access_record *record)
{
	static void (*const put[])(struct access *, const struct access_record *) = {
		[ACCESS_COMMON] = put_common,
		[ACCESS_COMBINED] = put_combined,
		[ACCESS_JSON] = put_json,
	};
	size_t before = access->lines.n;

	if (access->fd < 0)
		return;
	put[access->format](access, record);
	buf_put_byte(&access->lines, '\n');
	if (access->lines.failed) {
		access->lines.n = before; /* half a line is worse than none */
		access->lines.failed = false;
		access->n_lost++;
	}
	if (access->lines.n >= access->flush_at)
		access_flush(access);
}

void access_flush(struct access *access)
{
	ssize_t put = 1;

	while (access->lines.n && put > 0) {
		put = out_write(access->fd, access->lines.p, access->lines.n);
		if (put > 0)
			buf_drop(&access->lines, (size_t)put);
	}
	/* A log that takes nothing is asked again when as much has come once more, or at
	 * every line near the end. */
	access->flush_at = MIN(access->lines.n + ACCESS_FLUSH_BYTES,
		ACCESS_HELD_BYTES - ACCESS_FLUSH_BYTES);
}

void access_finish(struct access *access)
{
	access_flush(access);
	while (access->lines.n && out_wait(access->fd, FINI_WAIT_MS)) {
		size_t before = access->lines.n;

		access_flush(access);
		if (access->lines.n == before)
			break; /* a full disk says there is room */
	}
	for (size_t i = 0; i < access->lines.n; i++)
		access->n_lost += access->lines.p[i] == '\n';
	buf_clear(&access->lines);
}

void access_reopen(struct access *access, int fd)
{
	access_finish(access);
	access->fd = fd;
}

uint64_t access_take_lost(struct access *access)
{
	uint64_t n = access->n_lost;

	access->n_lost = 0;
	return n;
}

void access_fini(struct access *access)
{
	access_finish(access);
	buf_fini(&access->lines);
}
