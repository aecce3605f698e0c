/* SPDX-License-Identifier: MIT */

#include "base/num.h"

#include "base/util.h"

struct unit {
	struct span name;
	uint64_t worth;
};

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static bool in_base(struct span s, unsigned base, uint64_t *out)
{
	uint64_t value = 0;

	if (!s.n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)digit_value(s.p[i]);

		if (digit >= base || __builtin_mul_overflow(value, base, &value)
			|| __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

bool num_u64(struct span s, uint64_t *out)
{
	return in_base(s, 10, out);
}

bool num_hex_u64(struct span s, uint64_t *out)
{
	return in_base(s, 16, out);
}

static bool with_unit(
	struct span s, const struct unit *units, size_t n_units, uint64_t *out)
{
	size_t n_digits = 0;
	uint64_t count, value;

	while (n_digits < s.n && s.p[n_digits] >= '0' && s.p[n_digits] <= '9')
		n_digits++;
	if (!num_u64(span_of(s.p, n_digits), &count))
		return false;

	struct span name = span_from(s, n_digits);
	for (size_t i = 0; i < n_units; i++) {
		if (!span_ieq(name, units[i].name))
			continue;
		if (__builtin_mul_overflow(count, units[i].worth, &value))
			return false;
		*out = value;
		return true;
	}
	return false;
}

bool num_bytes(struct span s, uint64_t *out)
{
	static const struct unit units[] = {
		{SPAN(""), 1},
		{SPAN("B"), 1},
		{SPAN("K"), KIB},
		{SPAN("KiB"), KIB},
		{SPAN("M"), MIB},
		{SPAN("MiB"), MIB},
		{SPAN("G"), GIB},
		{SPAN("GiB"), GIB},
		{SPAN("T"), 1024 * GIB},
		{SPAN("TiB"), 1024 * GIB},
	};
	return with_unit(s, units, ARRAY_LEN(units), out);
}

bool num_duration_ns(struct span s, uint64_t *out)
{
	static const struct unit units[] = {
		{SPAN(""), NS_PER_SEC},
		{SPAN("ms"), NS_PER_MS},
		{SPAN("s"), NS_PER_SEC},
		{SPAN("m"), 60 * NS_PER_SEC},
		{SPAN("h"), 3600 * NS_PER_SEC},
		{SPAN("d"), 86400 * NS_PER_SEC},
	};
	return with_unit(s, units, ARRAY_LEN(units), out);
}

static char *put_hex_from(char *out, uint64_t n, unsigned shift)
{
	for (;; shift -= 4) {
		*out++ = "0123456789abcdef"[n >> shift & 15];
		if (shift == 0)
			return out;
	}
}

char *num_put_hex(char *out, uint64_t n)
{
	return put_hex_from(out, n, n ? (63 - (unsigned)__builtin_clzll(n)) & ~3u : 0);
}

char *num_put_hex_full(char *out, uint64_t n)
{
	return put_hex_from(out, n, 60);
}
