/* SPDX-License-Identifier: MIT */

#include "base/date.h"

#define FIRST_SEC   (-62'135'596'800) /* 0001-01-01T00:00:00Z */
#define LAST_SEC    253'402'300'799   /* 9999-12-31T23:59:59Z */
#define SEC_PER_DAY 86'400

struct civil {
	unsigned year, month, day; /* month and day from 1 */
	unsigned weekday;          /* 0 is Sunday */
	unsigned hour, minute, second;
};

/*
 * The calendar repeats every 400 years (146,097 days). Counted from 1 March of
 * a year divisible by 400, leap days come last in their year, century and cycle,
 * so each step is a division.
 */
static struct civil civil_from(int64_t sec)
{
	sec = sec < FIRST_SEC ? FIRST_SEC : sec > LAST_SEC ? LAST_SEC : sec;

	/* Seconds since 0000-03-01, which is 719,468 days before 1970 and a Wednesday. */
	uint64_t since = (uint64_t)(sec + 719'468ll * SEC_PER_DAY);
	unsigned days = (unsigned)(since / SEC_PER_DAY);
	unsigned rest = (unsigned)(since % SEC_PER_DAY);

	unsigned cycle = days / 146'097, of_cycle = days % 146'097;
	unsigned of_year_cycle =
		(of_cycle - of_cycle / 1'460 + of_cycle / 36'524 - of_cycle / 146'096)
		/ 365;
	unsigned of_year =
		of_cycle - (365 * of_year_cycle + of_year_cycle / 4 - of_year_cycle / 100);
	unsigned from_march = (5 * of_year + 2) / 153; /* months of 31,30,31,30,31 days */
	unsigned month = from_march < 10 ? from_march + 3 : from_march - 9;

	return (struct civil){
		.year = cycle * 400 + of_year_cycle + (month <= 2),
		.month = month,
		.day = of_year - (153 * from_march + 2) / 5 + 1,
		.weekday = (days + 3) % 7,
		.hour = rest / 3600,
		.minute = rest / 60 % 60,
		.second = rest % 60,
	};
}

static void two(char *at, unsigned n)
{
	at[0] = (char)('0' + n / 10);
	at[1] = (char)('0' + n % 10);
}

static void four(char *at, unsigned n)
{
	two(at, n / 100);
	two(at + 2, n % 100);
}

static void clock_of(char *at, const struct civil *c)
{
	two(at, c->hour);
	two(at + 3, c->minute);
	two(at + 6, c->second);
}

void date_http(int64_t unix_sec, char out[DATE_HTTP_BYTES])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct civil c = civil_from(unix_sec);

	memcpy(out, "www, dd mmm yyyy hh:mm:ss GMT", DATE_HTTP_BYTES);
	memcpy(out, days + 3 * c.weekday, 3);
	two(out + 5, c.day);
	memcpy(out + 8, months + 3 * (c.month - 1), 3);
	four(out + 12, c.year);
	clock_of(out + 17, &c);
}

void date_iso(int64_t unix_sec, char out[DATE_ISO_BYTES])
{
	const struct civil c = civil_from(unix_sec);

	memcpy(out, "yyyy-mm-ddThh:mm:ssZ", DATE_ISO_BYTES);
	four(out, c.year);
	two(out + 5, c.month);
	two(out + 8, c.day);
	clock_of(out + 11, &c);
}

void date_put_http(struct buf *out, int64_t unix_sec)
{
	char text[DATE_HTTP_BYTES];

	date_http(unix_sec, text);
	buf_put(out, text, sizeof(text));
}

void date_put_iso(struct buf *out, int64_t unix_sec)
{
	char text[DATE_ISO_BYTES];

	date_iso(unix_sec, text);
	buf_put(out, text, sizeof(text));
}
