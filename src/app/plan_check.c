/* SPDX-License-Identifier: MIT */

#include "app/plan_check.h"

#include "app/control_path.h"
#include "app/plan.h"
#include "base/reason.h"
#include "log/log.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool listens_at(const struct plan_service *s, const struct addr *addr)
{
	bool fixed =
		addr->sa.sa_family == AF_UNIX || addr_port(addr); /* or any port will do */

	for (size_t i = 0; fixed && i < s->n_addrs; i++) {
		if (addr_equal(&s->addrs[i], addr))
			return true;
	}
	return false;
}

/* The service that listens at @addr, as far as is known; or NULL. */
static const struct plan_service *who_is_at(
	const struct plan *plan, const struct addr *addr)
{
	for (size_t i = 0; i < plan->n_services; i++) {
		if (listens_at(plan->services[i], addr))
			return plan->services[i];
	}
	return NULL;
}

/* Keeps where @s, the last service, listens, and sees that nobody does yet. */
static int take_addresses(struct plan *plan, struct plan_service *s, const struct addr *all,
	size_t n_all, struct reason *reason)
{
	const struct plan_service *other;
	char text[ADDR_TEXT_MAX];

	s->addrs = malloc(n_all * sizeof(*all));
	if (!s->addrs)
		return reason_set(reason, "out of memory");
	for (size_t i = 0; i < n_all; i++) {
		addr_text(&all[i], text);
		other = who_is_at(plan, &all[i]);
		if (other)
			return reason_set(reason, "[service %s] listens at %s already",
				other->name, text);
		s->addrs[s->n_addrs++] = all[i];
	}
	return 0;
}

int plan_check_service(struct plan *plan, const char **at_fault, struct reason *reason)
{
	const struct spec *spec = &plan->specs[plan->n_services - 1];
	struct plan_service *s = plan->services[plan->n_services - 1];
	struct log silent = LOG_NONE; /* it is said when the service is run */
	struct addr all[LISTEN_ADDRESSES_MAX];
	size_t n_all;

	int r = crew_check(spec, &silent, all, &n_all, at_fault, reason);
	if (r < 0)
		return r;
	*at_fault = "listen";
	return take_addresses(plan, s, all, n_all, reason);
}

/* Whether @path lies in the directory that a start makes for control sockets. */
static bool is_in_control_dir(const char *path)
{
	char dir[CONTROL_PATH_MAX];
	struct reason unused;
	const char *slash = strrchr(path, '/');

	return slash && control_dir(dir, &unused) == 0
	       && span_eq(span_of(path, (size_t)(slash - path)), span_str(dir));
}

/* Some settings only root can carry out. */
static bool is_for_root(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_services; i++) {
		if (plan->services[i]->settings.user || plan->services[i]->settings.group)
			return true;
	}
	return false;
}

int plan_check_files(const struct plan *plan, const char **at_fault, struct reason *reason)
{
	const struct {
		const char *setting, *path, *what;
		bool dir_is_made;
	} files[] = {
		{"log_file", plan->global.log_file, "log"},
		{"pidfile", plan->global.pidfile, "pidfile", .dir_is_made = true},
	};

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		int r = files[i].path ? file_may_write(files[i].path) : 0;

		if (r == -ENOENT && files[i].dir_is_made
			&& is_in_control_dir(files[i].path))
			r = 0;
		if (r == -EACCES && is_for_root(plan))
			r = 0;
		if (r == 0)
			continue;
		*at_fault = files[i].setting;
		errno = -r;
		return reason_errno(
			reason, "cannot open the %s %s", files[i].what, files[i].path);
	}
	return 0;
}
