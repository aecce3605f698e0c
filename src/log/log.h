/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * log - one line per event, for a person with grep.
 *
 *	12:04:31.208 warn files[3] worker-died: worker was killed by SIGSEGV pid=4121
 *	time         level role[slot] event: sentence key=value ...
 *
 *	log_warn(log, "worker-died", LOG_SAY("worker was killed by %s", signal_name),
 *		KV("pid", pid), KV("request", request_line));
 *
 * Event names are stable, sentences may change. Whatever is put in, what comes
 * out is one line of ASCII: other bytes are escaped, and long values are cut.
 * Writing never waits and never fails: lines for which there is no room are
 * counted, and the next that finds room is preceded by "N lines lost". Nothing
 * is evaluated for a level that is not wanted. No globals: a log is passed on.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reason;

#define LOG_LINE_MAX  4096u /* bytes; what a pipe takes whole (PIPE_BUF) */
#define LOG_VALUE_MAX 200u  /* bytes of one value; longer is cut */
#define LOG_SAY_MAX   512u  /* bytes of a sentence with its NUL; longer is cut */
#define LOG_ROLE_MAX  48u

enum log_level {
	LOG_ERROR, /* someone must act */
	LOG_WARN,  /* we coped; worth knowing */
	LOG_INFO,  /* life cycle; nothing per connection */
	LOG_DEBUG,
};

enum log_stamp {
	LOG_STAMP_TIME, /* 12:04:31.208, local time: for a terminal or a pipe */
	LOG_STAMP_DATE, /* 2026-11-21 12:04:31.208: for a file, which is read later */
	LOG_STAMP_NONE, /* <4>: systemd's journal keeps the time itself */
};

struct log {
	int fd; /* owned; -1: lines go nowhere */
	enum log_level level;
	enum log_stamp stamp;
	char role[LOG_ROLE_MAX]; /* who writes: "sup", "files" */
	int slot;                /* which of them; -1 for none */
	uint64_t n_lost;         /* lines, since the last that was written */
	bool torn;               /* the last line was written in part */
	int also_fd; /* borrowed: errors and warnings are said there too; 0 for nowhere */
};

/* A log that goes nowhere. */
#define LOG_NONE ((struct log){.fd = -1, .level = LOG_INFO, .slot = -1})

/* Makes @log (LOG_NONE, or in use) write to what stderr is now. 0; or negative with @reason,
 * and it goes on as before. */
[[nodiscard]] int log_to_stderr(struct log *log, struct reason *reason);

/* Makes @log append to a file. 0; or negative with @reason, and it goes on as before. */
[[nodiscard]] int log_to_file(struct log *log, const char *path, struct reason *reason);

/* Makes @log write to @fd, which it owns from now on; the old descriptor is closed. */
void log_adopt(struct log *log, int fd);

/* Makes @log write where @from does, which goes nowhere from now on. */
void log_join(struct log *log, struct log *from);

/* From now on this process writes as @role[@slot], and to the log alone; after a fork. Its
 * losses are its own. */
void log_as(struct log *log, const char *role, int slot);

/* The same in a child of a process that writes as @role itself. */
static inline void log_as_slot(struct log *log, int slot)
{
	log->slot = slot;
	log->n_lost = 0;
}

/* Closes the descriptor. */
void log_fini(struct log *log);

static inline bool log_wants(const struct log *log, enum log_level level)
{
	return log->fd >= 0 && level <= log->level;
}

struct log_kv {
	const char *key; /* NULL ends the list */
	enum log_kv_type { LOG_KV_SIGNED, LOG_KV_UNSIGNED, LOG_KV_TEXT } type;
	union {
		int64_t i;
		uint64_t u;
		struct span s; /* p == NULL is written as - */
	};
};

/* One key and its value: a number, a bool (of that type: the literal is an int to clang
 * 14), a string or a span of anybody's bytes. */
#define KV(key, value) \
	_Generic((value),                     \
		bool: log_kv_bool,            \
		signed char: log_kv_int,      \
		short: log_kv_int,            \
		int: log_kv_int,              \
		long: log_kv_int,             \
		long long: log_kv_int,        \
		unsigned char: log_kv_uint,   \
		unsigned short: log_kv_uint,  \
		unsigned: log_kv_uint,        \
		unsigned long: log_kv_uint,   \
		unsigned long long: log_kv_uint, \
		char *: log_kv_str,           \
		const char *: log_kv_str,     \
		struct span: log_kv_span)((key), (value))

/* A sentence made as printf does, in memory of the block it stands in. */
#define LOG_SAY(...) log_say((char[LOG_SAY_MAX]){0}, __VA_ARGS__)

/* log_event(log, level, "event-name", sentence, KV(...), ...) */
#define log_event(log, level, event, sentence, ...)                                \
	do {                                                                       \
		if (log_wants((log), (level)))                                     \
			log_write((log), (level), (event), (sentence),             \
				(const struct log_kv[]){                           \
					__VA_ARGS__ __VA_OPT__(, ){.key = NULL}}); \
	} while (0)

#define log_error(log, ...) log_event((log), LOG_ERROR, __VA_ARGS__)
#define log_warn(log, ...)  log_event((log), LOG_WARN, __VA_ARGS__)
#define log_info(log, ...)  log_event((log), LOG_INFO, __VA_ARGS__)
#define log_debug(log, ...) log_event((log), LOG_DEBUG, __VA_ARGS__)

/* What the macros above call. */
void log_write(struct log *log, enum log_level level, const char *event,
	const char *sentence, const struct log_kv *kvs);
[[gnu::format(printf, 2, 3)]] const char *log_say(
	char into[LOG_SAY_MAX], const char *fmt, ...);

static inline struct log_kv log_kv_int(const char *key, int64_t i)
{
	return (struct log_kv){.key = key, .type = LOG_KV_SIGNED, .i = i};
}

static inline struct log_kv log_kv_uint(const char *key, uint64_t u)
{
	return (struct log_kv){.key = key, .type = LOG_KV_UNSIGNED, .u = u};
}

static inline struct log_kv log_kv_span(const char *key, struct span s)
{
	return (struct log_kv){.key = key, .type = LOG_KV_TEXT, .s = s};
}

static inline struct log_kv log_kv_str(const char *key, const char *s)
{
	return log_kv_span(key, span_str(s));
}

static inline struct log_kv log_kv_bool(const char *key, bool b)
{
	return log_kv_str(key, b ? "yes" : "no");
}
