/* SPDX-License-Identifier: MIT */

#include "core/crew_priv_sup.h"

#include "base/escape.h"
#include "base/reason.h"
#include "base/words.h"
#include "core/care_sup.h"
#include "core/core_wire.h"
#include "core/model.h"
#include "core/settings.h"
#include "log/log.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/mem.h"
#include "os/net.h"
#include "os/out.h"
#include "os/peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int no_log(const char *path, int r, struct reason *reason)
{
	errno = -r;
	return reason_errno(reason, "cannot open the access log %s", path);
}

/* Whether it could be opened, as far as this user can know: another than root may check what
 * root is to run. */
static int check_log(const struct settings *s, struct reason *reason)
{
	if (!s->access_log || strcmp(s->access_log, "-") == 0)
		return 0;
	int r = file_may_write(s->access_log);
	if (r == -EACCES && (s->user || s->group))
		return 0;
	return r < 0 ? no_log(s->access_log, r, reason) : 0;
}

int crew_open_log(struct crew *crew, struct reason *reason)
{
	const char *path = crew->spec->settings->access_log;

	crew->access_fd = -1;
	if (!path)
		return 0;
	crew->access_fd =
		strcmp(path, "-") == 0 ? out_open_fd(STDOUT_FILENO) : out_open_file(path);
	return crew->access_fd < 0 ? no_log(path, crew->access_fd, reason) : 0;
}

static int parse_listens(const struct opt_list *texts, struct addr *all, size_t *n_all,
	struct reason *reason)
{
	*n_all = 0;
	for (size_t i = 0; i < texts->n; i++) {
		struct addr some[ADDR_MOST];
		size_t n;

		int r = addr_parse(texts->items[i], some, &n, reason);
		if (r < 0)
			return r;
		if (n > LISTEN_ADDRESSES_MAX - *n_all)
			return reason_set(reason, "more than %d addresses to listen at",
				LISTEN_ADDRESSES_MAX);
		memcpy(&all[*n_all], some, n * sizeof(*some));
		*n_all += n;
	}
	return 0;
}

static int add_proxies(
	const char *text, struct net **all, size_t *n_all, struct reason *reason)
{
	struct words words;
	int r = words_split(span_str(text), &words, reason);

	for (size_t i = 0; i < words.n && r == 0; i++) {
		struct net *grown = realloc(*all, (*n_all + 1) * sizeof(**all));

		if (grown)
			*all = grown;
		r = grown ? net_parse(words.v[i], &grown[(*n_all)++], reason)
			  : reason_set(reason, "out of memory");
	}
	words_fini(&words);
	return r;
}

/* Fills @out with what the caller frees, whatever came of it. */
static int parse_proxies(
	const struct opt_list *texts, struct net **out, size_t *n, struct reason *reason)
{
	int r = 0;

	*out = NULL;
	*n = 0;
	for (size_t i = 0; i < texts->n && r == 0; i++)
		r = add_proxies(texts->items[i], out, n, reason);
	return r;
}

bool crew_is_proxy(const struct crew *crew, const struct addr *addr)
{
	for (size_t i = 0; i < crew->n_proxies; i++) {
		if (net_has(&crew->proxies[i], addr))
			return true;
	}
	return false;
}

static int read_refusal(const char *text, struct buf *out, struct reason *reason)
{
	if (!text || escape_undo(out, span_str(text)))
		return 0;
	return reason_set(reason,
		"refusal: a backslash stands before n, r, t, another, or x and two digits");
}

struct span crew_refusal(const struct crew *crew, enum refusal why)
{
	const struct service_ops *service = crew->spec->service;

	if (crew->refusal.n)
		return buf_span(&crew->refusal);
	return service->refusal ? service->refusal(why) : SPAN_NONE;
}

int crew_check(const struct spec *spec, struct log *log, struct addr *all, size_t *n_all,
	const char **at_fault, struct reason *reason)
{
	const struct settings *s = spec->settings;
	struct net *proxies;
	size_t n_proxies;
	uid_t uid;
	gid_t gid;

	AUTO_BUF refusal = BUF_INIT(OPT_VALUE_MAX);

	*at_fault = "refusal";
	int r = read_refusal(s->refusal, &refusal, reason);
	if (r < 0)
		return r;
	*at_fault = "proxy_from";
	r = parse_proxies(&s->proxy_from, &proxies, &n_proxies, reason);
	free(proxies);
	if (r < 0)
		return r;
	*at_fault = "access_log";
	r = check_log(s, reason);
	if (r < 0)
		return r;
	/* Another than root may check what root is to run. */
	*at_fault = s->user ? "user" : "group";
	r = geteuid() == 0 ? peer_rights(s->user, s->group, &uid, &gid, reason) : 0;
	if (r < 0)
		return r;
	*at_fault = "listen";
	r = parse_listens(&s->listens, all, n_all, reason);
	if (r < 0)
		return r;

	const struct service_site site = {
		.name = spec->name,
		.listens = all,
		.n_listens = *n_all,
		.log = log,
		.at_fault = at_fault,
	};
	*at_fault = NULL;
	return spec->service->check
		       ? spec->service->check(spec->service_conf, &site, reason)
		       : 0;
}

/* Nothing may be reachable that must not be: so the service has its say before anything is bound. */
static int check_and_listen(struct crew *crew, struct stock *stock, struct reason *reason)
{
	struct addr all[LISTEN_ADDRESSES_MAX];
	const char *at_fault;
	size_t n_all;

	int r = crew_check(crew->spec, crew->log, all, &n_all, &at_fault, reason);
	return r < 0 ? r : listen_open(crew, all, n_all, stock, reason);
}

/* Who is connected counts at the next crew too, also at that of another program. */
static struct gate *choose_gate(const struct spec *spec, const struct crew_place *place)
{
	struct gate *there = place->forerunner ? place->forerunner->gate
					       : stock_gate(place->stock, spec->name);

	return there ? gate_share(there) : gate_new();
}

static int make_memory(
	struct crew *crew, const struct crew_place *place, struct reason *reason)
{
	const struct spec *spec = crew->spec;

	/* A seeded model's workers are made from the one in slot 0, which serves nobody
	 * itself. */
	crew->n_slots = (unsigned)spec->settings->workers.max + spec->model->seeded
			+ care_spare_slots(spec->settings);
	crew->slots = calloc(crew->n_slots, sizeof(*crew->slots));
	crew->model = calloc(1, MAX(spec->model->sup_bytes, 1));
	if (spec->service->shared_bytes)
		crew->shared = mem_share(spec->service->shared_bytes);
	if (!crew->slots || !crew->model || (spec->service->shared_bytes && !crew->shared))
		return reason_set(reason, "out of memory");

	crew->gate = choose_gate(spec, place);
	if (!crew->gate)
		return reason_set(reason, "out of memory");
	for (unsigned i = 0; i < crew->n_slots; i++)
		crew_init_slot(crew, i);
	crew->n_in[SLOT_EMPTY] = crew->n_slots;
	return 0;
}

static unsigned n_connections(const struct spec *spec)
{
	if (spec->model->one_connection)
		return 1;
	return spec->settings->connections ? (unsigned)spec->settings->connections
					   : spec->service->connections;
}

int crew_open(const struct spec *spec, const struct crew_place *place, struct crew **out,
	struct reason *reason)
{
	const struct settings *s = spec->settings;
	struct crew *crew = calloc(1, sizeof(*crew));

	if (!crew)
		return reason_set(reason, "out of memory");
	*crew = (struct crew){
		.spec = spec,
		.events = place->events,
		.owner = place->owner,
		.generation = place->generation,
		.loop = place->loop,
		.log = place->log,
		.access_fd = -1,
		.n_connections = n_connections(spec),
		.refusal = BUF_INIT(OPT_VALUE_MAX),
		.limits = {.most = (unsigned)s->max_per_ip,
			.rate = (unsigned)s->rate_per_ip,
			.burst = (unsigned)s->burst_per_ip},
		.is_limited = s->max_per_ip || s->rate_per_ip,
		.n_wanted = spec->model->seeded ? 1 : (unsigned)s->workers.min,
	};

	int r = make_memory(crew, place, reason);
	if (r == 0)
		r = parse_proxies(&s->proxy_from, &crew->proxies, &crew->n_proxies, reason);
	if (r == 0)
		r = read_refusal(s->refusal, &crew->refusal, reason);
	if (r == 0)
		r = peer_rights(s->user, s->group, &crew->uid, &crew->gid, reason);
	if (r == 0)
		r = check_and_listen(crew, place->stock, reason);
	if (r == 0)
		r = crew_open_log(crew, reason);
	if (r < 0) {
		crew_free(crew);
		return r;
	}
	*out = crew;
	return 0;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	if (crew->model && crew->slots)
		crew->spec->model->sup_fini(crew);
	for (unsigned i = 0; crew->slots && i < crew->n_slots; i++) {
		assert(crew->slots[i].proc.pidfd < 0);
		loop_cancel(crew->loop, &crew->slots[i].timer);
		board_free(crew->slots[i].board);
	}
	listen_close(crew);
	loop_cancel(crew->loop, &crew->drain_deadline);
	care_stop(crew);
	fd_close(&crew->access_fd);
	mem_unshare(crew->shared, crew->spec->service->shared_bytes);
	gate_free(crew->gate);
	buf_fini(&crew->refusal);
	free(crew->proxies);
	free(crew->listeners);
	free(crew->slots);
	free(crew->model);
	free(crew);
}
