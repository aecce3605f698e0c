/* SPDX-License-Identifier: MIT */

#include "app/ctl_show.h"

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
static void print_age(uint64_t seconds, int width)
{
	static const struct {
		uint64_t seconds;
		char unit;
	} units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
	char age[32] = "0s";

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (seconds < units[i].seconds)
			continue;
		(void)snprintf(age, sizeof(age), "%" PRIu64 "%c",
			seconds / units[i].seconds, units[i].unit);
		break;
	}
	(void)printf("%*s", width, age);
}

static void print_head(const json_t *status)
{
	(void)printf("preforkd %s, pid %" PRIu64 ", up ", text(status, "version"),
		number(status, "pid"));
	print_age(number(status, "up_seconds"), 0);
	(void)printf(", generation %" PRIu64 "%s\n\n", number(status, "generation"),
		json_is_true(json_object_get(status, "changing")) ? ", changing over" : "");
}

static void print_listeners(const json_t *service)
{
	const json_t *listen = json_object_get(service, "listen"), *one;
	size_t i;

	json_array_foreach(listen, i, one)(void)
		printf("%s%s", i ? "," : "  ", json_string_value(one));
}

static void print_service(const json_t *s)
{
	char workers[64];

	(void)snprintf(workers, sizeof(workers), "%" PRIu64 " of %" PRIu64 "..%" PRIu64,
		number(s, "workers_ready"), number(s, "workers_min"),
		number(s, "workers_max"));
	(void)printf("%-14s %-9s %-8s %12s %6" PRIu64 " %6" PRIu64 " %6" PRIu64
		     " %10" PRIu64 " %10" PRIu64 " %7" PRIu64 " %5" PRIu64,
		text(s, "service"), text(s, "model"), text(s, "state"), workers,
		number(s, "busy"),
		number(s, "held") - number(s, "busy") + number(s, "parked"),
		number(s, "queued"), number(s, "connections_total"),
		number(s, "requests_total"),
		number(s, "refused_total") + number(s, "refused_per_ip_total"),
		number(s, "deaths_total"));
	print_listeners(s);
	(void)putchar('\n');
}

static void print_title(void)
{
	(void)printf("%-14s %-9s %-8s %12s %6s %6s %6s %10s %10s %7s %5s  %s\n", "SERVICE",
		"MODEL", "STATE", "WORKERS", "BUSY", "IDLE", "QUEUED", "CONNS", "REQUESTS",
		"REFUSED", "DIED", "LISTEN");
}

void ctl_show_table(const json_t *status)
{
	const json_t *services = json_object_get(status, "services"), *service;
	size_t i;

	print_head(status);
	print_title();
	json_array_foreach(services, i, service) print_service(service);
}

static void print_worker(const json_t *w)
{
	(void)printf("  %6" PRIu64 " %8" PRIu64 " %-9s ", number(w, "worker"),
		number(w, "pid"), text(w, "state"));
	print_age(number(w, "up_seconds"), 5);
	(void)printf(" %6" PRIu64 " %6" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
		number(w, "busy"), number(w, "held") - number(w, "busy"),
		number(w, "connections"), number(w, "requests"));
}

void ctl_show_workers(const json_t *status)
{
	const json_t *services = json_object_get(status, "services"), *service;
	size_t i;

	print_head(status);
	json_array_foreach(services, i, service)
	{
		const json_t *workers = json_object_get(service, "workers"), *worker;
		size_t j;

		print_title();
		print_service(service);
		(void)printf("\n  %6s %8s %-9s %5s %6s %6s %10s %10s\n", "WORKER", "PID",
			"STATE", "UP", "BUSY", "IDLE", "CONNS", "REQUESTS");
		json_array_foreach(workers, j, worker) print_worker(worker);
		(void)putchar('\n');
	}
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

static void print_metric(const json_t *services, const struct metric *m)
{
	const json_t *service;
	size_t i;

	(void)printf("# TYPE preforkd_%s %s\n# HELP preforkd_%s %s\n", m->name, m->type,
		m->name, m->help);
	json_array_foreach(services, i, service)
	{
		const char *name = text(service, "service");

		if (is_first_of_its_name(services, i))
			(void)printf("preforkd_%s%s{service=\"%s\"} %" PRIu64 "\n", m->name,
				m->suffix, name, sum(services, name, m->member));
	}
}

void ctl_show_metrics(const json_t *status)
{
	const json_t *services = json_object_get(status, "services");

	(void)printf(
		"# TYPE preforkd_up_seconds gauge\n# UNIT preforkd_up_seconds seconds\n"
		"# HELP preforkd_up_seconds Since the supervisor began.\n"
		"preforkd_up_seconds %" PRIu64 "\n"
		"# TYPE preforkd_generation gauge\n"
		"# HELP preforkd_generation How often it has changed over, and one.\n"
		"preforkd_generation %" PRIu64 "\n",
		number(status, "up_seconds"), number(status, "generation"));
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		print_metric(services, &metrics[i]);
	(void)printf("# EOF\n");
}
