/* SPDX-License-Identifier: MIT */

#include "core/report_sup.h"

#include "base/buf.h"
#include "base/escape.h"
#include "core/lobby_sup.h"
#include "core/model.h"
#include "core/server_sup.h"
#include "core/settings.h"

#include <inttypes.h>
#include <unistd.h>

static void put_text(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, "\"%s\": \"", name);
	escape_json(out, span_str(text));
	buf_put_str(out, "\", ");
}

static void put_number(struct buf *out, const char *name, uint64_t n)
{
	buf_printf(out, "\"%s\": %" PRIu64 ", ", name, n);
}

/* The comma behind the last member of an object or the last item of a list goes. */
static void put_end(struct buf *out, char end)
{
	if (out->n >= 2 && out->p[out->n - 2] == ',')
		out->n -= 2;
	buf_put_byte(out, end);
	buf_put_str(out, ", ");
}

static uint64_t seconds_since(const struct loop *loop, uint64_t then_ns)
{
	return (loop_now_ns(loop) - then_ns) / NS_PER_SEC;
}

/* Its seats by what they say: how many are in use, and in how many work is under way. */
static void count_seats(const struct board *board, uint64_t *n_held, uint64_t *n_busy)
{
	for (uint32_t i = 0; i < board->n_seats; i++) {
		enum seat_state state = seat_state(&board->seats[i]);

		*n_held += state != SEAT_FREE;
		*n_busy +=
			state == SEAT_HELD || state == SEAT_BEGUN || state == SEAT_SENDING;
	}
}

static void put_worker(struct buf *out, const struct slot *slot)
{
	const struct board_counters *counters = slot->board->counters;
	uint64_t n_held = 0, n_busy = 0;

	count_seats(slot->board, &n_held, &n_busy);
	buf_put_byte(out, '{');
	put_number(out, "worker", slot->index);
	put_number(out, "pid", slot->proc.pid > 0 ? (uint64_t)slot->proc.pid : 0);
	put_text(out, "state", slot_state_name(slot->state));
	put_number(out, "up_seconds", seconds_since(slot->crew->loop, slot->spawned_ns));
	put_number(out, "held", n_held);
	put_number(out, "busy", n_busy);
	put_number(out, "connections", board_read(&counters->connections));
	put_number(out, "requests", board_read(&counters->requests));
	put_number(out, "bytes_in", board_read(&counters->bytes_in));
	put_number(out, "bytes_out", board_read(&counters->bytes_out));
	put_end(out, '}');
}

static void put_workers(struct buf *out, const struct crew *crew)
{
	const struct opt_range *range = &crew->spec->settings->workers;

	put_number(out, "workers_min", range->min);
	put_number(out, "workers_max", range->max);
	put_number(out, "workers_wanted", crew->n_wanted);
	for (int i = SLOT_STARTING; i < SLOT_N_STATES; i++) {
		buf_put_str(out, "\"workers_");
		buf_printf(out, "%s\": %u, ", slot_state_name((enum slot_state)i),
			crew->n_in[i]);
	}
	buf_put_str(out, "\"workers\": [");
	for (unsigned i = 0; i < crew->n_slots; i++) {
		const struct slot *slot = &crew->slots[i];

		if (slot->state != SLOT_EMPTY && slot->state != SLOT_COOLING && slot->board)
			put_worker(out, slot);
	}
	put_end(out, ']');
}

static void put_connections(struct buf *out, const struct crew *crew)
{
	const struct lobby *lobby = crew->lobby;
	uint64_t n_held = 0, n_busy = 0;

	for (unsigned i = 0; i < crew->n_slots; i++) {
		const struct slot *slot = &crew->slots[i];

		if (slot->state != SLOT_EMPTY && slot->state != SLOT_COOLING && slot->board)
			count_seats(slot->board, &n_held, &n_busy);
	}
	put_number(out, "held", n_held);
	put_number(out, "busy", n_busy);
	put_number(out, "queued", lobby ? lobby->lines[GUEST_QUEUED].n : 0);
	put_number(out, "parked", lobby ? lobby->lines[GUEST_PARKED].n : 0);
}

static void put_totals(struct buf *out, const struct crew *crew)
{
	struct totals totals = {0};

	crew_total(crew, &totals);
	put_number(out, "connections_total", totals.connections);
	put_number(out, "requests_total", totals.requests);
	put_number(out, "bytes_in_total", totals.bytes_in);
	put_number(out, "bytes_out_total", totals.bytes_out);
	put_number(out, "deaths_total", totals.deaths);
	put_number(out, "refused_total", totals.refused);
}

static void put_listeners(struct buf *out, const struct crew *crew)
{
	char text[ADDR_TEXT_MAX];

	buf_put_str(out, "\"listen\": [");
	for (size_t i = 0; i < crew->n_addresses; i++) {
		addr_text(&crew->listeners[i].addr, text);
		buf_put_byte(out, '"');
		escape_json(out, span_str(text));
		buf_put_str(out, "\", ");
	}
	put_end(out, ']');
}

static const char *state_name(const struct post *post)
{
	static const char *const names[] = {
		[POST_STARTING] = "starting",
		[POST_SERVING] = "serving",
		[POST_LEAVING] = "leaving",
	};

	return post->failed                                          ? "failed"
	       : post->crew->draining && post->state == POST_SERVING ? "leaving"
								     : names[post->state];
}

static void put_service(struct buf *out, const struct post *post)
{
	const struct crew *crew = post->crew;

	buf_put_byte(out, '{');
	put_text(out, "service", crew->spec->name);
	put_text(out, "run", crew->spec->service->name);
	put_text(out, "model", crew->spec->model->name);
	put_text(out, "state", state_name(post));
	put_number(out, "generation", crew->generation);
	put_listeners(out, crew);
	put_connections(out, crew);
	put_totals(out, crew);
	/* The gate goes on from one generation to the next. */
	put_number(out, "refused_per_ip_total",
		posts_find(post->posts, crew->spec->name) == post
			? gate_n_refused(crew->gate)
			: 0);
	put_workers(out, crew);
	put_end(out, '}');
}

void report_write(const struct server *s, struct buf *out)
{
	const struct post *post;

	buf_put_byte(out, '{');
	buf_put_str(out, "\"ok\": true, ");
	put_text(out, "version", PREFORK_VERSION);
	put_number(out, "pid", (uint64_t)getpid());
	put_number(out, "up_seconds", seconds_since(s->loop, s->started_ns));
	put_number(out, "generation", s->posts.generation);
	buf_printf(out, "\"changing\": %s, ", s->posts.changing ? "true" : "false");
	buf_put_str(out, "\"services\": [");
	list_for_each (post, &s->posts.all, link) {
		if (!post->gone)
			put_service(out, post);
	}
	put_end(out, ']');
	put_end(out, '}');
	if (out->n >= 2)
		out->n -= 2; /* the comma behind the whole */
	buf_put_byte(out, '\n');
}
