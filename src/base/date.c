/* SPDX-License-Identifier: MIT */

#include "base/date.h"

#include "base/util.h"

#define FIRST_SEC   (-62'135'596'800) /* 0001-01-01T00:00:00Z */
#define LAST_SEC    253'402'300'799   /* 9999-12-31T23:59:59Z */
#define SEC_PER_DAY 86'400

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

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

int64_t date_sec(int64_t unix_ns)
{
	const int64_t second = (int64_t)NS_PER_SEC;

	return unix_ns / second - (unix_ns % second < 0);
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
	const struct civil c = civil_from(unix_sec);

	memcpy(out, "www, dd mmm yyyy hh:mm:ss GMT", DATE_HTTP_BYTES);
	memcpy(out, day_names + 3 * c.weekday, 3);
	two(out + 5, c.day);
	memcpy(out + 8, month_names + 3 * (c.month - 1), 3);
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

/* The way back: days since 1 March of year 0, by the same counting. */
static int64_t sec_of(const struct civil *c)
{
	unsigned year = c->year - (c->month <= 2);
	unsigned from_march = c->month > 2 ? c->month - 3 : c->month + 9;
	int64_t day = 365ll * year + year / 4 - year / 100 + year / 400
		      + (153 * from_march + 2) / 5 + c->day - 1;

	return (day - 719'468) * SEC_PER_DAY + 3600 * c->hour + 60 * c->minute + c->second;
}

static bool digits(struct span *s, unsigned n, unsigned *out)
{
	unsigned value = 0;

	if (s->n < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		value = 10 * value + (unsigned)(s->p[i] - '0');
	}
	*s = span_from(*s, n);
	*out = value;
	return true;
}

/* One of the three-letter names in @names; *@out counts from 0. */
static bool name(struct span *s, const char *names, unsigned *out)
{
	for (unsigned i = 0; s->n >= 3 && names[3 * i]; i++) {
		if (memcmp(s->p, names + 3 * i, 3) != 0)
			continue;
		*s = span_from(*s, 3);
		*out = i;
		return true;
	}
	return false;
}

static bool long_day(struct span *s, unsigned *out)
{
	static const struct span rests[] = {SPAN("day"), SPAN("day"), SPAN("sday"),
		SPAN("nesday"), SPAN("rsday"), SPAN("day"), SPAN("urday")};

	if (!name(s, day_names, out) || !span_starts(*s, rests[*out]))
		return false;
	*s = span_from(*s, rests[*out].n);
	return true;
}

static bool field(struct span *s, char kind, struct civil *c)
{
	switch (kind) {
	case 'a': return name(s, day_names, &c->weekday);
	case 'A': return long_day(s, &c->weekday);
	case 'b': return name(s, month_names, &c->month) && ++c->month;
	case 'm': return digits(s, 2, &c->month);
	case 'd': return digits(s, 2, &c->day);
	case 'e': /* a day whose tens may be a space */
		if (s->n && s->p[0] == ' ') {
			*s = span_from(*s, 1);
			return digits(s, 1, &c->day);
		}
		return digits(s, 2, &c->day);
	case 'Y': return digits(s, 4, &c->year);
	case 'y':
		if (!digits(s, 2, &c->year))
			return false;
		c->year += c->year < 70 ? 2000 : 1900;
		return true;
	case 'H': return digits(s, 2, &c->hour);
	case 'M': return digits(s, 2, &c->minute);
	case 'S': return digits(s, 2, &c->second);
	default: return false;
	}
}

/* Takes what @form says off the front of *@s; the letters behind % are strptime's. */
static bool scan(struct span *s, const char *form, struct civil *c)
{
	for (; *form; form++) {
		if (*form == '%') {
			if (!field(s, *++form, c))
				return false;
		} else {
			if (!s->n || s->p[0] != *form)
				return false;
			*s = span_from(*s, 1);
		}
	}
	return true;
}

static bool exists(const struct civil *c)
{
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);

	return c->year >= 1 && c->month >= 1 && c->month <= 12 && c->day >= 1
	       && c->day <= lengths[c->month - 1] + (unsigned)(leap && c->month == 2)
	       && c->hour < 24 && c->minute < 60 && c->second <= 60;
}

bool date_read_http(struct span s, int64_t *unix_sec)
{
	static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct civil c = {0};
		struct span rest = s;

		if (scan(&rest, forms[i], &c) && !rest.n && exists(&c)) {
			*unix_sec = sec_of(&c);
			return true;
		}
	}
	return false;
}
