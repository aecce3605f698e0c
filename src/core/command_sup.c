/* SPDX-License-Identifier: MIT */

#include "core/command_sup.h"

#include "base/reason.h"
#include "core/report_sup.h"
#include "core/server_sup.h"
#include "log/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct command {
	const char *name;
	size_t n_words; /* with the name */
	void (*run)(struct server *s, struct control_client *c, const struct span *words);
};

/* -- changes, which are answered when they are done -- */

/* A client that waits for a change. It may go before; the change may not. */
struct waiting {
	struct change_listener listener;
	struct control_client *client; /* NULL: it has gone */
};

static void on_told(struct change_listener *listener, int r, const char *sentence)
{
	struct waiting *w = container_of(listener, struct waiting, listener);

	if (w->client)
		control_say(w->client, r == 0, sentence);
	free(w);
}

static void forget(struct control_client *c)
{
	struct waiting *w = c->waits;

	w->client = NULL;
}

/* Takes the plan. */
static void change(struct server *s, struct control_client *c,
	const struct server_plan *plan, const char *only)
{
	struct waiting *w = malloc(sizeof(*w));
	struct reason reason;

	if (!w) {
		s->program->forget(s->program->arg, plan);
		control_say(c, false, "out of memory");
		return;
	}
	*w = (struct waiting){.listener.told = on_told, .client = c};
	c->waits = w;
	c->forget = forget;
	if (posts_change(&s->posts, plan, only, NULL, &w->listener, &reason) < 0) {
		server_refused(s, reason.text);
		control_say(c, false, reason.text);
		free(w);
	} else {
		manager_reloading(&s->manager);
	}
}

static void reload(struct server *s, struct control_client *c, const struct span *words)
{
	struct server_plan plan;
	struct reason reason;

	(void)words;
	if (s->program->load(s->program->arg, &plan, &reason) < 0) {
		server_refused(s, reason.text);
		control_say(c, false, reason.text);
	} else {
		change(s, c, &plan, NULL);
	}
}

/* One service anew, with one of its settings (or none) as said. */
static void vary(struct server *s, struct control_client *c, struct span service,
	const char *setting, struct span value)
{
	char name[64];
	struct server_plan plan;
	struct reason reason;

	(void)snprintf(name, sizeof(name), "%.*s", SPAN_FMT(service));
	const struct post *post = posts_find(&s->posts, name);
	if (!post) {
		(void)reason_set(&reason, "there is no service called \"%s\"", name);
		control_say(c, false, reason.text);
	} else if (s->program->vary(s->program->arg, &post->sheet->plan, name, setting,
			   value, &plan, &reason)
		   < 0) {
		control_say(c, false, reason.text);
	} else {
		change(s, c, &plan, name);
	}
}

static void resize(struct server *s, struct control_client *c, const struct span *words)
{
	vary(s, c, words[1], "workers", words[2]);
}

static void switch_model(
	struct server *s, struct control_client *c, const struct span *words)
{
	vary(s, c, words[1], "model", words[2]);
}

static void restart(struct server *s, struct control_client *c, const struct span *words)
{
	vary(s, c, words[1], NULL, SPAN_NONE);
}

/* -- answered at once -- */

static void status(struct server *s, struct control_client *c, const struct span *words)
{
	AUTO_BUF report = BUF_INIT(CONTROL_ANSWER_MAX);

	(void)words;
	report_write(s, &report);
	if (report.failed)
		control_say(c, false, "the report is too long, or memory is short");
	else
		control_answer(c, &report);
}

static void upgrade(struct server *s, struct control_client *c, const struct span *words)
{
	struct reason reason;

	(void)words;
	if (upgrade_begin(&s->upgrade, c, &reason) < 0)
		control_say(c, false, reason.text);
}

static void drain(struct server *s, struct control_client *c, const struct span *words)
{
	(void)words;
	log_info(s->log, "draining", "finishing what has begun, as preforkctl asked");
	control_say(c, true, "finishing what has begun");
	server_end(s, false);
}

static void stop(struct server *s, struct control_client *c, const struct span *words)
{
	(void)words;
	log_info(s->log, "stopping", "ending now, as preforkctl asked");
	control_say(c, true, "ending now");
	server_end(s, true);
}

static const struct command commands[] = {
	{"status", 1, status},
	{"reload", 1, reload},
	{"resize", 3, resize},
	{"switch-model", 3, switch_model},
	{"restart", 2, restart},
	{"upgrade", 1, upgrade},
	{"drain", 1, drain},
	{"stop", 1, stop},
};

void command_run(struct control_client *c, const struct span *words, size_t n_words)
{
	struct server *s = container_of(c->control, struct server, control);

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (n_words == commands[i].n_words
			&& span_eq(words[0], span_str(commands[i].name))) {
			commands[i].run(s, c, words);
			return;
		}
	}
	control_say(c, false, "that is no command of this server");
}
