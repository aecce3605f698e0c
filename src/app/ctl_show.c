/* SPDX-License-Identifier: MIT */

#include "app/ctl_show.h"

#include "app/table.h"
#include "base/buf.h"
#include "base/util.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *text(const json_t *of, const char *name)
{
	const char *s = json_string_value(json_object_get(of, name));

	return s ? s : "?";
}

static uint64_t number(const json_t *of, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(of, name));
}

/* "12s", "5m", "3h", "8d". */
static const char *age(uint64_t seconds, char into[32])
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};

	(void)snprintf(into, 32, "0s");
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (seconds < units[i].seconds)
			continue;
		(void)snprintf(into, 32, "%" PRIu64 "%c", seconds / units[i].seconds,
			units[i].unit);
		break;
	}
	return into;
}

static void put_head(const json_t *status, struct buf *out)
{
	char up[32];

	buf_printf(out, "preforkd %s, pid %" PRIu64 ", up %s, generation %" PRIu64 "%s\n\n",
		text(status, "version"), number(status, "pid"),
		age(number(status, "up_seconds"), up), number(status, "generation"),
		json_is_true(json_object_get(status, "changing")) ? ", changing over" : "");
}

static void cell_number(struct table *t, uint64_t n)
{
	table_cell(t, "%" PRIu64, n);
}

static void cell_listeners(struct table *t, const json_t *service)
{
	const json_t *listen = json_object_get(service, "listen"), *one;
	AUTO_BUF all = BUF_INIT(64 * KIB);
	size_t i;

	json_array_foreach(listen, i, one)
		buf_printf(&all, "%s%s", i ? "," : "", json_string_value(one));
	table_cell(t, "%s", all.n ? buf_cstr(&all) : "");
}

static void put_services(const json_t *services, struct buf *out)
{
	static const struct table_column columns[] = {{"SERVICE", false}, {"MODEL", false},
		{"STATE", false}, {"WORKERS", true}, {"BUSY", true}, {"IDLE", true},
		{"QUEUED", true}, {"CONNS", true}, {"REQUESTS", true}, {"REFUSED", true},
		{"DIED", true}, {"LISTEN", false}};
	const json_t *s;
	struct table t;
	size_t i;

	table_begin(&t, columns, ARRAY_LEN(columns));
	json_array_foreach(services, i, s)
	{
		table_cell(&t, "%s", text(s, "service"));
		table_cell(&t, "%s", text(s, "model"));
		table_cell(&t, "%s", text(s, "state"));
		table_cell(&t, "%" PRIu64 " of %" PRIu64 "..%" PRIu64,
			number(s, "workers_ready"), number(s, "workers_min"),
			number(s, "workers_max"));
		cell_number(&t, number(s, "busy"));
		cell_number(
			&t, number(s, "held") - number(s, "busy") + number(s, "parked"));
		cell_number(&t, number(s, "queued"));
		cell_number(&t, number(s, "connections_total"));
		cell_number(&t, number(s, "requests_total"));
		cell_number(
			&t, number(s, "refused_total") + number(s, "refused_per_ip_total"));
		cell_number(&t, number(s, "deaths_total"));
		cell_listeners(&t, s);
	}
	table_put(&t, out);
}

void ctl_show_table(const json_t *status, struct buf *out)
{
	put_head(status, out);
	put_services(json_object_get(status, "services"), out);
}

static void cell_worker(struct table *t, const json_t *service, const json_t *w)
{
	char up[32];

	table_cell(t, "%s", text(service, "service"));
	cell_number(t, number(w, "worker"));
	cell_number(t, number(w, "pid"));
	table_cell(t, "%s", text(w, "state"));
	table_cell(t, "%s", age(number(w, "up_seconds"), up));
	cell_number(t, number(w, "busy"));
	cell_number(t, number(w, "held") - number(w, "busy"));
	cell_number(t, number(w, "connections"));
	cell_number(t, number(w, "requests"));
}

void ctl_show_workers(const json_t *status, struct buf *out)
{
	static const struct table_column columns[] = {{"SERVICE", false}, {"WORKER", true},
		{"PID", true}, {"STATE", false}, {"UP", true}, {"BUSY", true},
		{"IDLE", true}, {"CONNS", true}, {"REQUESTS", true}};
	const json_t *services = json_object_get(status, "services"), *service;
	struct table t;
	size_t i, j;

	ctl_show_table(status, out);
	buf_put_byte(out, '\n');
	table_begin(&t, columns, ARRAY_LEN(columns));
	json_array_foreach(services, i, service)
	{
		const json_t *workers = json_object_get(service, "workers"), *worker;

		json_array_foreach(workers, j, worker) cell_worker(&t, service, worker);
	}
	table_put(&t, out);
}

/* -- OpenMetrics: preforkd(8) names each -- */

struct metric {
	const char *name;   /* behind preforkd_ */
	const char *member; /* of a service in the status */
	const char *type;
	const char *help;
	const char *suffix; /* of the sample */
};

static const struct metric metrics[] = {
	{"connections", "connections_total", "counter", "Connections given to workers.",
		"_total"},
	{"requests", "requests_total", "counter", "Requests answered.", "_total"},
	{"received_bytes", "bytes_in_total", "counter", "Bytes read from clients.",
		"_total"},
	{"sent_bytes", "bytes_out_total", "counter", "Bytes sent to clients.", "_total"},
	{"worker_deaths", "deaths_total", "counter", "Workers that ended untold.",
		"_total"},
	{"refusals", "refused_total", "counter", "Connections refused since all was full.",
		"_total"},
	{"address_refusals", "refused_per_ip_total", "counter",
		"Connections refused since one address had too many.", "_total"},
	{"busy_connections", "busy", "gauge", "Connections whose request is worked on.",
		""},
	{"held_connections", "held", "gauge", "Connections that workers hold.", ""},
	{"parked_connections", "parked", "gauge", "Idle connections the supervisor holds.",
		""},
	{"queued_connections", "queued", "gauge", "Connections that wait for a worker.",
		""},
	{"workers_ready", "workers_ready", "gauge", "Workers that take work.", ""},
	{"workers_starting", "workers_starting", "gauge", "Workers being made.", ""},
	{"workers_draining", "workers_draining", "gauge", "Workers finishing.", ""},
	{"workers_min", "workers_min", "gauge", "The least workers there are to be.", ""},
	{"workers_max", "workers_max", "gauge", "The most workers there may be.", ""},
};

/* A service's name needs no escaping as a label: preforkd.conf(5) says what it may hold. */
static bool is_first_of_its_name(const json_t *services, size_t index)
{
	const char *name = text(json_array_get(services, index), "service");

	for (size_t i = 0; i < index; i++) {
		if (strcmp(text(json_array_get(services, i), "service"), name) == 0)
			return false;
	}
	return true;
}

/* A service's generations together: what leaves still counts. */
static uint64_t sum(const json_t *services, const char *name, const char *member)
{
	const json_t *service;
	uint64_t total = 0;
	size_t i;

	json_array_foreach(services, i, service)
	{
		if (strcmp(text(service, "service"), name) == 0)
			total += number(service, member);
	}
	return total;
}

static void put_metric(const json_t *services, const struct metric *m, struct buf *out)
{
	const json_t *service;
	size_t i;

	buf_printf(out, "# TYPE preforkd_%s %s\n# HELP preforkd_%s %s\n", m->name, m->type,
		m->name, m->help);
	json_array_foreach(services, i, service)
	{
		const char *name = text(service, "service");

		if (is_first_of_its_name(services, i))
			buf_printf(out, "preforkd_%s%s{service=\"%s\"} %" PRIu64 "\n",
				m->name, m->suffix, name, sum(services, name, m->member));
	}
}

void ctl_show_metrics(const json_t *status, struct buf *out)
{
	const json_t *services = json_object_get(status, "services");

	buf_printf(out,
		"# TYPE preforkd_up_seconds gauge\n# UNIT preforkd_up_seconds seconds\n"
		"# HELP preforkd_up_seconds Since the supervisor began.\n"
		"preforkd_up_seconds %" PRIu64 "\n"
		"# TYPE preforkd_generation gauge\n"
		"# HELP preforkd_generation The number of the last change, also of one that was given up.\n"
		"preforkd_generation %" PRIu64 "\n",
		number(status, "up_seconds"), number(status, "generation"));
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		put_metric(services, &metrics[i], out);
	buf_put_str(out, "# EOF\n");
}
