/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include "base/util.h"

void ledger_right(struct ledger *l, uint64_t since_ns, uint64_t now_ns)
{
	uint64_t before = l->last_right_ns ? l->last_right_ns : l->begun_ns;

	l->n_right++;
	l->longest_gap_ns = MAX(l->longest_gap_ns, now_ns - before);
	l->last_right_ns = now_ns;
	latency_add(&l->latency, now_ns - since_ns);
}

static void print_broken(FILE *out, const char *when, const uint64_t *counts)
{
	static const char *const names[BROKEN_KINDS] = {
		[BROKEN_CONNECT] = "connect",
		[BROKEN_RESET] = "reset",
		[BROKEN_CLOSED] = "closed",
		[BROKEN_TIMEOUT] = "timeout",
		[BROKEN_GARBLED] = "garbled",
		[BROKEN_BODY] = "body",
	};
	uint64_t all = 0;

	for (size_t i = 0; i < BROKEN_KINDS; i++)
		all += counts[i];
	(void)fprintf(out, ", \"%s\": {\"all\": %lu", when, all);
	for (size_t i = 0; i < BROKEN_KINDS; i++)
		if (counts[i] > 0)
			(void)fprintf(out, ", \"%s\": %lu", names[i], counts[i]);
	(void)fprintf(out, "}");
}

static void print_wrong(FILE *out, const uint64_t *counts)
{
	uint64_t all = 0;

	for (size_t i = 0; i < LEDGER_STATUS_MAX; i++)
		all += counts[i];
	(void)fprintf(out, ", \"wrong\": {\"all\": %lu", all);
	for (size_t i = 0; i < LEDGER_STATUS_MAX; i++)
		if (counts[i] > 0)
			(void)fprintf(out, ", \"%zu\": %lu", i, counts[i]);
	(void)fprintf(out, "}");
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

void ledger_print(const struct ledger *l, uint64_t now_ns, FILE *out)
{
	double wall_s = (double)(now_ns - l->begun_ns) / 1e9;
	uint64_t mean_ns = l->latency.n > 0 ? l->latency.sum_ns / l->latency.n : 0;

	(void)fprintf(out,
		"{\"wall_s\": %.6f, \"begun\": %lu, \"right\": %lu, \"refused\": %lu",
		wall_s, l->n_begun, l->n_right, l->n_refused);
	print_wrong(out, l->n_wrong);
	print_broken(out, "broken_before", l->n_broken_before);
	print_broken(out, "broken_after", l->n_broken_after);
	(void)fprintf(out,
		", \"broken_reused\": %lu, \"connections\": %lu, \"held_lost\": %lu"
		", \"body_bytes\": %lu, \"rate\": %.1f, \"longest_gap_ms\": %.3f",
		l->n_broken_reused, l->n_connections, l->n_held_lost, l->n_body_bytes,
		(double)l->n_right / wall_s, us(l->longest_gap_ns) / 1e3);
	(void)fprintf(out,
		", \"latency_us\": {\"mean\": %.1f, \"p50\": %.1f, \"p90\": %.1f"
		", \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}}\n",
		us(mean_ns), us(latency_at(&l->latency, 500)),
		us(latency_at(&l->latency, 900)), us(latency_at(&l->latency, 990)),
		us(latency_at(&l->latency, 999)), us(l->latency.max_ns));
	(void)fflush(out);
}
