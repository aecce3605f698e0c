/* SPDX-License-Identifier: MIT */

#include "log/log.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/reason.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/out.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define CUT SPAN("...\n") /* how a line ends that did not fit */

void log_adopt(struct log *log, int fd)
{
	fd_close(&log->fd);
	log->fd = fd;
	log->torn = false;
	log->stamp = out_is_journal(fd) ? LOG_STAMP_NONE
		     : out_is_file(fd)  ? LOG_STAMP_DATE
					: LOG_STAMP_TIME;
}

int log_to_stderr(struct log *log, struct reason *reason)
{
	int fd = out_open_fd(STDERR_FILENO);

	if (fd < 0) {
		errno = -fd;
		return reason_errno(reason, "cannot log to standard error");
	}
	log_adopt(log, fd);
	/* What was opened anew may not look like the stream it leads to. */
	if (out_is_journal(STDERR_FILENO))
		log->stamp = LOG_STAMP_NONE;
	return 0;
}

int log_to_file(struct log *log, const char *path, struct reason *reason)
{
	int fd = out_open_file(path);

	if (fd < 0) {
		errno = -fd;
		return reason_errno(reason, "cannot open the log %s", path);
	}
	log_adopt(log, fd);
	return 0;
}

void log_join(struct log *log, struct log *from)
{
	enum log_stamp stamp = from->stamp; /* which its descriptor may not tell any more */

	log_adopt(log, fd_take(&from->fd));
	log->stamp = stamp;
}

void log_as(struct log *log, const char *role, int slot)
{
	(void)snprintf(log->role, sizeof(log->role), "%s", role);
	log->slot = slot;
	log->n_lost = 0;
	log->also_fd = 0;
}

void log_fini(struct log *log)
{
	fd_close(&log->fd);
}

const char *log_say(char into[LOG_SAY_MAX], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(into, LOG_SAY_MAX, fmt, ap); /* cut where it must be */
	va_end(ap);
	return into;
}

static void put_stamp(struct buf *line, const struct log *log, enum log_level level)
{
	static const char journal[][4] = {"<3>", "<4>", "<6>", "<7>"};
	struct timespec now;
	struct tm tm;
	char text[32];

	if (log->stamp == LOG_STAMP_NONE) {
		buf_put_str(line, journal[level]);
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now); /* fails for unknown clocks only */
	(void)localtime_r(&now.tv_sec, &tm);
	(void)strftime(text, sizeof(text),
		log->stamp == LOG_STAMP_DATE ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	buf_printf(line, "%s.%03ld ", text, now.tv_nsec / (long)NS_PER_MS);
}

/* Printable ASCII as it is, with its quotes; the rest escaped. Sentences are ours, but may
 * quote. */
static void put_sentence(struct buf *line, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f)
			buf_put_byte(line, (char)c);
		else
			buf_printf(line, "\\x%02x", c);
	}
}

/* Whether a value needs no quotes to be told from what follows it. */
static bool is_bare(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\'
			|| s.p[i] == '=')
			return false;
	}
	return s.n > 0 && s.n <= LOG_VALUE_MAX;
}

static void put_kv(struct buf *line, const struct log_kv *kv)
{
	buf_printf(line, " %s=", kv->key);
	switch (kv->type) {
	case LOG_KV_SIGNED: buf_printf(line, "%" PRId64, kv->i); break;
	case LOG_KV_UNSIGNED: buf_put_u64(line, kv->u); break;
	case LOG_KV_TEXT:
		if (!kv->s.p) {
			buf_put_byte(line, '-');
		} else if (is_bare(kv->s)) {
			buf_put_span(line, kv->s);
		} else {
			buf_put_byte(line, '"');
			escape_log(line, kv->s, LOG_VALUE_MAX);
			buf_put_byte(line, '"');
		}
		break;
	}
}

/* Writes one line; false if it is lost, or only its beginning was written. */
static bool put_line(struct log *log, enum log_level level, const char *event,
	const char *sentence, const struct log_kv *kvs)
{
	static const char levels[][6] = {"error", "warn", "info", "debug"};
	char room[LOG_LINE_MAX];
	struct buf line = BUF_FIXED(room);

	line.max -= CUT.n;
	if (log->torn)
		buf_put_byte(&line, '\n');
	put_stamp(&line, log, level);
	buf_printf(&line, "%s %s", levels[level], *log->role ? log->role : "-");
	if (log->slot >= 0)
		buf_printf(&line, "[%d]", log->slot);
	buf_printf(&line, " %s: ", event);
	put_sentence(&line, span_str(sentence));
	for (; kvs->key && !line.failed; kvs++)
		put_kv(&line, kvs);

	bool cut = line.failed;
	line.max += CUT.n;
	buf_put_span(&line, cut ? CUT : SPAN("\n"));

	ssize_t put = out_write(log->fd, line.p, line.n);
	if (put > 0)
		log->torn = (size_t)put < line.n;
	return put == (ssize_t)line.n;
}

void log_write(struct log *log, enum log_level level, const char *event,
	const char *sentence, const struct log_kv *kvs)
{
	static const struct log_kv none = {.key = NULL};
	struct log also = *log;
	const char *lost = LOG_SAY("%" PRIu64 " lines lost", log->n_lost);

	if (log->n_lost && put_line(log, LOG_WARN, "log-lost", lost, &none))
		log->n_lost = 0;
	if (log->n_lost || !put_line(log, level, event, sentence, kvs))
		log->n_lost++;
	if (!log->also_fd || level > LOG_WARN)
		return;
	also.fd = log->also_fd;
	also.torn = false;
	(void)put_line(&also, level, event, sentence, kvs);
}
