/* SPDX-License-Identifier: MIT */

#include "core/posts_sup.h"

#include "base/reason.h"
#include "log/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Changes that are still leaving; before one more the oldest is ended. A client that takes
 * half an hour for its download must not keep a process from every reload of that time. */
#define LEAVING_MAX 8u

static void on_ready(struct crew *crew);
static void on_failed(struct crew *crew);
static void on_gone(struct crew *crew);
static struct crew *heir(struct crew *crew);
static bool in_use(const struct crew *crew, const struct addr *addr);
static bool send_away(const struct crew *crew, const struct guest *g, bool parked);

static const struct crew_events crew_events = {
	.ready = on_ready,
	.failed = on_failed,
	.gone = on_gone,
	.heir = heir,
	.in_use = in_use,
	.send_away = send_away,
};

static const char *name_of(const struct post *post)
{
	return post->crew->spec->name;
}

struct post *posts_find(const struct posts *p, const char *service)
{
	for (struct list *at = p->all.prev; at != &p->all; at = at->prev) {
		struct post *post = container_of(at, struct post, link);

		if (post->state == POST_SERVING && strcmp(name_of(post), service) == 0)
			return post;
	}
	return NULL;
}

static struct crew *heir(struct crew *crew)
{
	struct post *post = crew->owner;
	struct post *next = posts_find(post->posts, name_of(post));

	return next && !next->crew->draining ? next->crew : NULL;
}

static bool send_away(const struct crew *crew, const struct guest *g, bool parked)
{
	const struct post *post = crew->owner;
	struct posts *p = post->posts;

	return p->handed_over && p->send_away(p, crew, g, parked);
}

static bool in_use(const struct crew *crew, const struct addr *addr)
{
	const struct post *own = crew->owner, *post;
	struct posts *p = own->posts;

	if (p->handed_over || p->taking_over)
		return true;
	list_for_each (post, &p->all, link) {
		if (post->state == POST_SERVING && post != own && !post->crew->draining
			&& listen_is_at(post->crew, addr))
			return true;
	}
	return false;
}

/* -- plans -- */

static void release(struct posts *p, struct sheet *sheet)
{
	if (!sheet || --sheet->n_posts > 0)
		return;
	p->program->forget(p->program->arg, &sheet->plan);
	free(sheet);
}

/* What a service has done is its heir's past: what is counted never goes back. */
static void bequeath(struct post *post)
{
	struct posts *p = post->posts;
	struct post *next = posts_find(p, name_of(post));
	struct totals now = {0};

	crew_total(post->crew, &now);
	const struct totals more = totals_since(&now, &post->told);
	post->told = now;
	if (p->handed_over)
		p->count_away(p, name_of(post), &more);
	else if (next && next != post)
		totals_add(&next->crew->past, &more);
}

static void free_post(struct post *post)
{
	list_remove(&post->link);
	crew_free(post->crew);
	release(post->posts, post->sheet);
	free(post);
}

/* -- the end of a crew, and of all -- */

static void look_at_end(struct posts *p)
{
	if (list_empty(&p->all))
		p->empty(p);
}

static void on_sweep(struct loop_task *task)
{
	struct posts *p = container_of(task, struct posts, sweep);
	struct post *post, *tmp;

	list_for_each_safe (post, tmp, &p->all, link) {
		if (post->gone)
			free_post(post);
	}
	look_at_end(p);
}

static void on_gone(struct crew *crew)
{
	struct post *post = crew->owner;
	struct posts *p = post->posts;

	if (!post->gone)
		bequeath(post);
	/* It is its own code that called this: it is freed later. */
	post->gone = true;
	if (list_empty(&p->sweep.link))
		loop_defer(p->loop, &p->sweep);
}

static void leave(struct post *post)
{
	post->state = POST_LEAVING;
	crew_replace(post->crew);
}

/* The oldest generations go, until there are few enough. */
static void limit_leaving(struct posts *p)
{
	struct post *post;
	unsigned n = 0, last = 0;

	/* From the newest: a change's crews stand together. */
	for (struct list *at = p->all.prev; at != &p->all; at = at->prev) {
		post = container_of(at, struct post, link);
		if (post->state != POST_LEAVING || post->gone)
			continue;
		n += post->crew->generation != last;
		last = post->crew->generation;
		if (n <= LEAVING_MAX)
			continue;
		log_warn(p->log, "generation-killed",
			"too many old generations still finish: ending the oldest",
			KV("service", name_of(post)), KV("generation", last));
		crew_kill(post->crew);
	}
}

/* -- a change -- */

static void tell(struct posts *p, int r, const char *sentence)
{
	struct change_listener *listener = p->listener;

	p->changing = false;
	p->listener = NULL;
	if (listener)
		listener->told(listener, r, sentence);
	p->over(p, r);
}

/* Those that serve and are replaced, or are in a whole plan no more, leave. */
static void replace_old(struct posts *p)
{
	struct post *post, *tmp;

	list_for_each_safe (post, tmp, &p->all, link) {
		if (post->state != POST_SERVING || post->crew->generation == p->generation)
			continue;
		if (p->whole || posts_find(p, name_of(post)) != post)
			leave(post);
	}
}

static void say_ready(const struct posts *p)
{
	const struct post *post;

	list_for_each (post, &p->all, link) {
		if (post->state == POST_SERVING && !post->failed)
			p->program->ready(p->program->arg, post->crew);
	}
}

/* Those that leave write to it too: where the old one lay nobody looks any more. */
static void share_log(const struct posts *p)
{
	const struct post *post;

	list_for_each (post, &p->all, link)
		crew_share_log(post->crew);
}

static void commit(struct posts *p)
{
	const struct sheet *sheet = NULL;
	struct post *post;

	/* The new ones first, so that whoever looks for an heir finds them. */
	list_for_each (post, &p->all, link) {
		if (post->state != POST_STARTING)
			continue;
		post->state = POST_SERVING;
		sheet = post->sheet;
	}
	replace_old(p);
	if (p->whole && sheet && p->program->begun(p->program->arg, &sheet->plan))
		share_log(p);
	limit_leaving(p);
	if (!p->served)
		say_ready(p);
	else
		log_info(p->log, "changed-over", "the new generation serves",
			KV("generation", p->generation));
	p->served = true;
	tell(p, 0, "done");
}

static void give_up(struct posts *p, const char *sentence)
{
	struct post *post, *tmp;

	log_error(p->log, "change-given-up", LOG_SAY("%s; the old one goes on", sentence),
		KV("generation", p->generation));
	list_for_each_safe (post, tmp, &p->all, link) {
		if (post->state == POST_STARTING)
			leave(post);
	}
	tell(p, -ECANCELED, sentence);
}

/* Why @post's crew has failed, as far as a worker of it could say. */
static void say_why(const struct post *post, struct reason *reason)
{
	const char *why = post->crew->why.text;

	(void)reason_set(reason, "service %s does not start%s%.400s", name_of(post),
		why[0] ? ": " : "", why);
}

/* Nothing of the change could be started. */
static void say_failed(const struct posts *p, struct reason *reason)
{
	const struct post *post;

	(void)reason_set(reason, "no service could be started");
	list_for_each (post, &p->all, link) {
		if (post->state == POST_STARTING && post->failed)
			say_why(post, reason);
	}
}

/* Whether all of the change is ready, or will never be and need not. */
static void look_at_change(struct posts *p)
{
	const struct post *post;
	struct reason reason;
	unsigned n_ready = 0;

	if (!p->changing || p->ending)
		return;
	list_for_each (post, &p->all, link) {
		if (post->state != POST_STARTING)
			continue;
		if (!post->ready && !post->failed)
			return;
		n_ready += post->ready;
	}
	if (n_ready) {
		commit(p);
	} else {
		say_failed(p, &reason);
		give_up(p, reason.text);
	}
}

static void on_ready(struct crew *crew)
{
	struct post *post = crew->owner;

	post->ready = true;
	look_at_change(post->posts);
}

static bool anything_works(const struct posts *p)
{
	const struct post *post;

	list_for_each (post, &p->all, link) {
		if (post->state != POST_LEAVING && !post->failed)
			return true;
	}
	return false;
}

static void on_failed(struct crew *crew)
{
	struct post *post = crew->owner;
	struct posts *p = post->posts;
	struct post *before = posts_find(p, name_of(post));
	struct reason reason;

	post->failed = true;
	if (post->state == POST_STARTING && before && !before->failed) {
		say_why(post, &reason);
		give_up(p, reason.text);
	} else if (anything_works(p)) {
		look_at_change(p);
	} else {
		p->failed(p);
	}
}

/* -- the beginning of a change -- */

static int gather_stock(const struct posts *p, struct stock *stock)
{
	const struct post *post;
	int r = 0;

	list_for_each (post, &p->all, link) {
		if (post->state == POST_SERVING && r == 0)
			r = stock_add_crew(stock, post->crew);
	}
	return r;
}

/* Where there are several, who is at fault is the first that one wants to know. */
static int name_service(
	const struct sheet *sheet, const struct spec *spec, int r, struct reason *reason)
{
	const struct reason why = *reason;

	if (sheet->plan.n_specs > 1)
		(void)reason_set(reason, "service %s: %.450s", spec->name, why.text);
	return r;
}

/* A service that is changed alone has only its own sockets: another's are in use. */
static int open_post(struct posts *p, struct sheet *sheet, const struct spec *spec,
	struct stock *stock, struct reason *reason)
{
	const struct post *before = posts_find(p, spec->name);
	struct post *post = calloc(1, sizeof(*post));

	if (!post)
		return reason_set(reason, "out of memory");
	*post = (struct post){.posts = p, .sheet = sheet, .state = POST_STARTING};

	const struct crew_place place = {
		.loop = p->loop,
		.log = p->log,
		.events = &crew_events,
		.owner = post,
		.stock = stock,
		.generation = p->generation,
		.forerunner = before ? before->crew : NULL,
	};
	int r = crew_open(spec, &place, &post->crew, reason);
	if (r < 0) {
		free(post);
		return name_service(sheet, spec, r, reason);
	}
	sheet->n_posts++;
	list_append(&p->all, &post->link);
	return 0;
}

static int open_all(struct posts *p, struct sheet *sheet, const char *only,
	struct stock *stock, struct reason *reason)
{
	int r = gather_stock(p, stock);

	if (r < 0)
		return reason_set(reason, "out of memory");
	for (size_t i = 0; i < sheet->plan.n_specs && r == 0; i++) {
		const struct spec *spec = &sheet->plan.specs[i];

		if (!only || strcmp(only, spec->name) == 0)
			r = open_post(p, sheet, spec, stock, reason);
	}
	return r;
}

/* All are opened before one is started: half a change is none. */
static int start_all(struct posts *p, struct reason *reason)
{
	struct post *post, *tmp;
	int r = 0;

	list_for_each_safe (post, tmp, &p->all, link) {
		if (post->state != POST_STARTING || r < 0)
			continue;
		r = crew_start(post->crew, reason);
		post->started = r == 0;
		if (r < 0)
			(void)name_service(post->sheet, post->crew->spec, r, reason);
	}
	return r;
}

/* Nothing of it has been heard of yet, so it goes without a word; workers that were made
 * are ended. */
static void undo(struct posts *p)
{
	struct post *post, *tmp;

	list_for_each_safe (post, tmp, &p->all, link) {
		if (post->state != POST_STARTING)
			continue;
		post->state = POST_LEAVING;
		if (post->started)
			crew_kill(post->crew);
		else
			free_post(post);
	}
	p->changing = false;
}

int posts_change(struct posts *p, const struct server_plan *plan, const char *only,
	struct stock *stock, struct change_listener *listener, struct reason *reason)
{
	struct stock own = {0};
	struct sheet *sheet = malloc(sizeof(*sheet));

	if (!sheet || p->changing || p->ending) {
		free(sheet);
		p->program->forget(p->program->arg, plan);
		return reason_set(reason, !sheet      ? "out of memory"
					  : p->ending ? "the server is ending"
						      : "another change is under way");
	}
	*sheet = (struct sheet){.plan = *plan, .n_posts = 1}; /* one: this function's */
	p->generation++;
	p->changing = true;
	p->whole = !only;
	p->listener = NULL;

	int r = open_all(p, sheet, only, stock ? stock : &own, reason);
	stock_fini(&own);
	if (r == 0)
		r = start_all(p, reason);
	if (r < 0)
		undo(p);
	else
		p->listener = listener;
	release(p, sheet);
	return r;
}

/* -- the end -- */

void posts_drain(struct posts *p)
{
	struct post *post, *tmp;

	p->ending = true;
	list_for_each_safe (post, tmp, &p->all, link)
		crew_drain(post->crew);
	if (p->changing)
		tell(p, -ECANCELED, "the server is ending");
}

void posts_hand_over(struct posts *p)
{
	struct post *post, *tmp;

	p->ending = true;
	p->handed_over = true;
	list_for_each (post, &p->all, link)
		bequeath(post);
	list_for_each_safe (post, tmp, &p->all, link)
		leave(post);
}

void posts_kill(struct posts *p)
{
	struct post *post, *tmp;

	p->ending = true;
	list_for_each_safe (post, tmp, &p->all, link)
		crew_kill(post->crew);
}

void posts_reopen(struct posts *p)
{
	struct post *post;

	if (p->program->reopen(p->program->arg))
		share_log(p);
	list_for_each (post, &p->all, link)
		crew_reopen(post->crew);
}

void posts_init(struct posts *p)
{
	list_init(&p->all);
	p->sweep.on = on_sweep;
	list_init(&p->sweep.link);
}

void posts_fini(struct posts *p)
{
	struct post *post, *tmp;

	list_for_each_safe (post, tmp, &p->all, link)
		free_post(post);
}
