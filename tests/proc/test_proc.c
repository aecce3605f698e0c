/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "core/board.h"
#include "os/chan.h"
#include "os/fd.h"
#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int count_open_fds(void *arg)
{
	int open_fds = 0;

	(void)arg;
	for (int fd = 3; fd < 1024; fd++)
		open_fds += fcntl(fd, F_GETFD) >= 0;
	return open_fds;
}

static int wait_for_ever(void *arg)
{
	(void)arg;
	while (pause() < 0)
		continue;
	return 0;
}

/* 0 if this process has shared memory at @arg, 1 if not. By the kernel's book: what else
 * may lie there is no matter. */
static int has_shared_memory_at(void *arg)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long from, to;
	char line[512], shared;
	int found = 1;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*c%*c%*c%c", &from, &to, &shared) == 3
			&& (uintptr_t)arg >= from && (uintptr_t)arg < to && shared == 's')
			found = 0;
	}
	if (maps)
		(void)fclose(maps);
	return found;
}

static void wait_for_exit(struct proc *proc, siginfo_t *how)
{
	struct pollfd p = {.fd = proc->pidfd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 10000), 1);
	assert_int_equal(proc_reap(proc, how), 0);
}

static int run(const struct proc_spec *spec)
{
	struct proc proc = PROC_NONE;
	siginfo_t how;

	assert_int_equal(proc_spawn(spec, &proc), 0);
	wait_for_exit(&proc, &how);
	assert_int_equal(how.si_code, CLD_EXITED);
	return how.si_status;
}

static void a_child_has_only_the_descriptors_it_was_given(void **state)
{
	(void)state;
	AUTO_CLOSE int stray = open("/dev/null", O_RDONLY | O_CLOEXEC);
	AUTO_CLOSE int high = fcntl(stray, F_DUPFD_CLOEXEC, 200);
	AUTO_CLOSE int low = fcntl(stray, F_DUPFD_CLOEXEC, 100);
	const int given[] = {high, low};

	assert_int_equal(run(&(struct proc_spec){.title = "counter",
				 .keep_fds = given,
				 .n_keep_fds = 2,
				 .main = count_open_fds}),
		2);
	assert_int_equal(
		run(&(struct proc_spec){.title = "counter", .main = count_open_fds}), 0);
}

static void a_blocked_signal_is_not_inherited(void **state)
{
	(void)state;
	sigset_t term, old;
	struct proc proc = PROC_NONE;
	char text[PROC_HOW_MAX];
	siginfo_t how;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	assert_int_equal(
		proc_spawn(&(struct proc_spec){.title = "sleeper", .main = wait_for_ever},
			&proc),
		0);
	assert_int_equal(proc_reap(&proc, &how), -EAGAIN);
	proc_signal(&proc, SIGTERM);
	wait_for_exit(&proc, &how);
	sigprocmask(SIG_SETMASK, &old, NULL);

	proc_how(&how, text);
	assert_string_equal(text, "was killed by SIGTERM");
	assert_int_equal(proc.pidfd, -1);
	proc_signal(&proc, SIGTERM); /* to nobody, and nothing happens */
}

static void a_worker_has_no_other_workers_board(void **state)
{
	(void)state;
	struct board *mine = board_new(4, 4096), *other = board_new(4, 4096);
	assert_non_null(mine);
	assert_non_null(other);

	board_inherit(mine, true);
	assert_int_equal(
		run(&(struct proc_spec){
			.title = "x", .main = has_shared_memory_at, .arg = mine->counters}),
		0);
	assert_int_equal(run(&(struct proc_spec){.title = "x",
				 .main = has_shared_memory_at,
				 .arg = other->counters}),
		1);
	board_inherit(mine, false);
	assert_int_equal(
		run(&(struct proc_spec){
			.title = "x", .main = has_shared_memory_at, .arg = mine->counters}),
		1);

	board_free(mine);
	board_free(other);
}

/* All that it shares with the supervisor; and what is its own copy, which hurts nobody. */
static int scribble_on_its_board(void *arg)
{
	struct board *board = arg;

	memset(board->counters, 0x7f, board->map_bytes);
	memset(board, 0x7f, sizeof(*board));
	return 0;
}

static void what_a_worker_writes_moves_nothing_in_the_supervisor(void **state)
{
	(void)state;
	struct board *board = board_new(2, 5000);
	assert_non_null(board);
	const struct board before = *board;

	board_inherit(board, true);
	assert_int_equal(
		run(&(struct proc_spec){
			.title = "x", .main = scribble_on_its_board, .arg = board}),
		0);

	assert_int_equal(seat_state(&board->seats[1]), 0x7f7f7f7f);
	assert_memory_equal(board, &before, sizeof(before));
	assert_ptr_equal(board_input(board, 1), board->inputs + 8192);
	board_free(board);
}

static void of_a_row_of_boards_a_worker_has_its_own(void **state)
{
	(void)state;
	struct board *first = board_new_row(3, 1, 5000);
	assert_non_null(first);
	struct board *second = first->next, *third = second->next;
	struct proc_spec spec = {.title = "x", .main = has_shared_memory_at};

	memset(board_input(third, 0), 'x', 5000);
	board_inherit(second, true);
	board_free(first); /* each for itself */
	spec.arg = second->counters;
	assert_int_equal(run(&spec), 0);
	spec.arg = third->counters;
	assert_int_equal(run(&spec), 1);
	assert_int_equal(third->n_seats, 1);

	board_free(second);
	board_free(third);
}

static void a_passed_descriptor_arrives_open_and_cloexec(void **state)
{
	(void)state;
	struct chan_pair pair;
	char buf[CHAN_MSG_MAX];
	size_t len = 0;
	int ends[2];
	AUTO_CLOSE int got = -1;

	assert_int_equal(chan_pair_open(&pair), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(chan_send(pair.sup, "hello", 5, ends[1]), CHAN_OK);
	assert_int_equal(chan_recv(pair.wrk, buf, &len, &got), CHAN_OK);

	assert_int_equal(len, 5);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(ends[0], buf, 1), 1);
	close(ends[0]);
	close(ends[1]);
	close(pair.sup);
	close(pair.wrk);
}

static void a_dead_peer_is_the_end_and_no_error(void **state)
{
	(void)state;
	struct chan_pair pair;
	char buf[CHAN_MSG_MAX];
	size_t len = 99;
	int fd = -7;

	assert_int_equal(chan_pair_open(&pair), 0);
	assert_int_equal(chan_recv(pair.sup, buf, &len, &fd), CHAN_AGAIN);
	close(pair.wrk);

	assert_int_equal(chan_recv(pair.sup, buf, &len, &fd), CHAN_CLOSED);
	assert_int_equal(chan_send(pair.sup, "x", 1, -1), CHAN_CLOSED);
	assert_int_equal(len, 99);
	assert_int_equal(fd, -7);
	close(pair.sup);
}

static void what_a_peer_said_last_is_heard_though_it_did_not_hear_us(void **state)
{
	(void)state;
	struct chan_pair pair;
	char buf[CHAN_MSG_MAX];
	size_t len = 0;

	assert_int_equal(chan_pair_open(&pair), 0);
	assert_int_equal(chan_send(pair.sup, "unheard", 7, -1), CHAN_OK);
	assert_int_equal(chan_send(pair.wrk, "done", 4, -1), CHAN_OK);
	close(pair.wrk);

	assert_int_equal(chan_recv(pair.sup, buf, &len, NULL), CHAN_OK);
	assert_int_equal(len, 4);
	assert_memory_equal(buf, "done", 4);
	assert_int_equal(chan_recv(pair.sup, buf, &len, NULL), CHAN_CLOSED);
	close(pair.sup);
}

static void without_a_free_descriptor_the_message_is_known_and_the_loss_is_told(
	void **state)
{
	(void)state;
	struct chan_pair pair;
	struct rlimit old, none;
	char buf[CHAN_MSG_MAX];
	size_t len = 0;
	int fd = -1;

	assert_int_equal(chan_pair_open(&pair), 0);
	assert_int_equal(chan_send(pair.sup, "seat 5", 6, STDOUT_FILENO), CHAN_OK);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	int r = chan_recv(pair.wrk, buf, &len, &fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

	assert_int_equal(r, CHAN_LOST_FD);
	assert_int_equal(len, 6);
	assert_memory_equal(buf, "seat 5", 6);
	assert_int_equal(fd, -1);
	close(pair.sup);
	close(pair.wrk);
}

static int n_open_fds(void)
{
	return count_open_fds(NULL);
}

static int send_two_fds(int chan)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = {0};
	const int two[2] = {0, 1};
	char byte = 1;
	struct iovec body = {.iov_base = &byte, .iov_len = 1};
	struct msghdr hdr = {
		.msg_iov = &body,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(two));
	memcpy(CMSG_DATA(cmsg), two, sizeof(two));
	return sendmsg(chan, &hdr, 0) == 1 ? 0 : -1;
}

static void a_peer_cannot_leak_descriptors_into_us(void **state)
{
	(void)state;
	struct chan_pair pair;
	char buf[CHAN_MSG_MAX];
	size_t len;
	int fd = -1;

	assert_int_equal(chan_pair_open(&pair), 0);
	int before = n_open_fds();

	/* Two where one is welcome, and one where none is. */
	assert_int_equal(send_two_fds(pair.wrk), 0);
	assert_int_equal(chan_recv(pair.sup, buf, &len, &fd), CHAN_LOST_FD);
	assert_int_equal(fd, -1);
	assert_int_equal(chan_send(pair.wrk, "x", 1, 0), CHAN_OK);
	assert_int_equal(chan_recv(pair.sup, buf, &len, NULL), CHAN_GARBLED);

	assert_int_equal(n_open_fds(), before);
	close(pair.sup);
	close(pair.wrk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_only_the_descriptors_it_was_given),
		cmocka_unit_test(a_blocked_signal_is_not_inherited),
		cmocka_unit_test(a_worker_has_no_other_workers_board),
		cmocka_unit_test(what_a_worker_writes_moves_nothing_in_the_supervisor),
		cmocka_unit_test(of_a_row_of_boards_a_worker_has_its_own),
		cmocka_unit_test(a_passed_descriptor_arrives_open_and_cloexec),
		cmocka_unit_test(a_dead_peer_is_the_end_and_no_error),
		cmocka_unit_test(what_a_peer_said_last_is_heard_though_it_did_not_hear_us),
		cmocka_unit_test(
			without_a_free_descriptor_the_message_is_known_and_the_loss_is_told),
		cmocka_unit_test(a_peer_cannot_leak_descriptors_into_us),
	};
	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
