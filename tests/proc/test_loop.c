/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/loop.h"

#include <stdlib.h>
#include <unistd.h>

struct watcher {
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task task;
	struct loop *loop;
	struct watcher *victim;
	unsigned order; /* of being called, from 1 */
	unsigned *n_calls;
	unsigned times;
};

static void stop_all(struct loop_timer *timer)
{
	loop_stop(container_of(timer, struct watcher, timer)->loop);
}

static void on_io(struct loop_io *io, uint32_t events)
{
	struct watcher *w = container_of(io, struct watcher, io);

	(void)events;
	w->order = ++*w->n_calls;
	loop_remove(w->loop, io);
	if (w->victim)
		loop_remove(w->loop, &w->victim->io);
}

static void on_timer(struct loop_timer *timer)
{
	struct watcher *w = container_of(timer, struct watcher, timer);

	w->order = ++*w->n_calls;
}

static void on_task(struct loop_task *task)
{
	struct watcher *w = container_of(task, struct watcher, task);

	if (++w->times < 3)
		loop_defer(w->loop, task);
	else
		loop_stop(w->loop);
}

static void what_is_taken_out_in_a_callback_is_not_called_any_more(void **state)
{
	(void)state;
	struct loop *loop = loop_new();
	struct watcher a, b;
	unsigned n_calls = 0;
	int pipes[2][2];

	/* Both readable in the same round; each takes the other out. */
	a = (struct watcher){
		.io.on = on_io, .loop = loop, .victim = &b, .n_calls = &n_calls};
	b = (struct watcher){
		.io.on = on_io, .loop = loop, .victim = &a, .n_calls = &n_calls};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(pipes[i]), 0);
		assert_int_equal(write(pipes[i][1], "x", 1), 1);
	}
	a.io.fd = pipes[0][0];
	b.io.fd = pipes[1][0];
	assert_int_equal(loop_add(loop, &a.io, EPOLLIN), 0);
	assert_int_equal(loop_add(loop, &b.io, EPOLLIN), 0);
	struct watcher end = {.timer.on = stop_all, .loop = loop};
	assert_int_equal(loop_at(loop, &end.timer, clock_mono_ns() + 5 * NS_PER_MS), 0);

	assert_int_equal(loop_run(loop), 0);

	assert_int_equal(n_calls, 1);
	for (int i = 0; i < 2; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	loop_free(loop);
}

static void timers_come_in_order_also_when_moved(void **state)
{
	(void)state;
	enum { N = 200 };
	struct loop *loop = loop_new();
	struct watcher *w = calloc(N, sizeof(*w));
	uint64_t base = clock_mono_ns(), due[N];
	unsigned n_calls = 0;

	for (int i = 0; i < N; i++) {
		w[i] = (struct watcher){.timer.on = on_timer, .n_calls = &n_calls};
		due[i] = base + (uint64_t)((i * 7919) % N) * 10'000;
		/* First somewhere else, then where it belongs: earlier for some, later for
		 * others. */
		assert_int_equal(loop_at(loop, &w[i].timer, base + 1'000'000), 0);
		assert_int_equal(loop_at(loop, &w[i].timer, due[i]), 0);
	}
	loop_cancel(loop, &w[17].timer);
	assert_int_equal(loop_at(loop, &w[18].timer, 0), 0);
	struct watcher end = {.timer.on = stop_all, .loop = loop};
	assert_int_equal(loop_at(loop, &end.timer, base + 5 * NS_PER_MS), 0);

	assert_int_equal(loop_run(loop), 0);

	assert_int_equal(n_calls, N - 2);
	assert_int_equal(w[17].order, 0);
	assert_int_equal(w[18].order, 0);
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < N; j++) {
			if (w[i].order && w[j].order && due[i] < due[j])
				assert_true(w[i].order < w[j].order);
		}
	}
	free(w);
	loop_free(loop);
}

static void a_task_that_puts_itself_off_lets_the_loop_turn_between(void **state)
{
	(void)state;
	struct loop *loop = loop_new();
	struct watcher w = {.task.on = on_task, .loop = loop};

	list_init(&w.task.link);
	loop_defer(loop, &w.task);
	assert_int_equal(loop_run(loop), 0);

	assert_int_equal(w.times, 3);
	loop_free(loop);
}

static void what_was_in_a_loop_is_not_in_it_when_it_is_renewed(void **state)
{
	(void)state;
	struct loop *loop = loop_new();
	struct watcher before, after;
	unsigned n_calls = 0;
	int wire[2];

	before = (struct watcher){.io.on = on_io,
		.timer.on = on_timer,
		.task.on = on_task,
		.loop = loop,
		.n_calls = &n_calls};
	after = (struct watcher){
		.io.on = on_io, .timer.on = stop_all, .loop = loop, .n_calls = &n_calls};
	assert_int_equal(pipe(wire), 0);
	assert_int_equal(write(wire[1], "x", 1), 1);
	before.io.fd = after.io.fd = wire[0];
	assert_int_equal(loop_add(loop, &before.io, EPOLLIN), 0);
	assert_int_equal(loop_at(loop, &before.timer, 1), 0);
	list_init(&before.task.link);
	loop_defer(loop, &before.task);
	loop_stop(loop);

	loop_renew(loop);

	/* Of the same descriptor, which its old set would refuse. */
	assert_int_equal(loop_add(loop, &after.io, EPOLLIN), 0);
	assert_int_equal(loop_at(loop, &after.timer, clock_mono_ns() + 5 * NS_PER_MS), 0);
	assert_int_equal(loop_run(loop), 0);
	assert_int_equal(n_calls, 1);
	assert_int_equal(after.order, 1);
	assert_int_equal(before.times, 0);
	close(wire[0]);
	close(wire[1]);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_out_in_a_callback_is_not_called_any_more),
		cmocka_unit_test(timers_come_in_order_also_when_moved),
		cmocka_unit_test(what_was_in_a_loop_is_not_in_it_when_it_is_renewed),
		cmocka_unit_test(a_task_that_puts_itself_off_lets_the_loop_turn_between),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
