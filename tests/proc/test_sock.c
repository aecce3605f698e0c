/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "os/addr.h"
#include "os/chan.h"
#include "os/fd.h"
#include "os/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sock_listen_opts opts = {.backlog = 16, .unix_mode = 0600};

static struct addr parsed(const char *text)
{
	struct addr all[ADDR_MOST];
	struct reason reason = {0};
	size_t n = 0;

	if (addr_parse(text, all, &n, &reason) < 0)
		fail_msg("%s", reason.text);
	assert_true(n >= 1);
	return all[0];
}

/* A connected pair over loopback TCP: *@client, and what the listener accepted. */
static int connected(int *client)
{
	struct addr addr = parsed("127.0.0.1:0"), peer;
	AUTO_CLOSE int listener = sock_listen(&addr, &opts, NULL);

	assert_true(listener >= 0);
	sock_local(listener, &addr);
	*client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(*client, &addr.sa, addr.len), 0);
	struct pollfd p = {.fd = listener, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 5000), 1);
	int fd = sock_accept(listener, &peer);
	assert_true(fd >= 0);
	assert_true(addr_is_loopback(&peer));
	return fd;
}

static void wait_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
}

static void addresses_are_read_and_written_as_people_write_them(void **state)
{
	(void)state;
	static const char *const same[] = {"127.0.0.1:8080", "[::1]:7000", "0.0.0.0:1",
		"[::]:65535", "unix:/run/x.sock"};
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct addr addr = parsed(same[i]);

		addr_text(&addr, text);
		assert_string_equal(text, same[i]);
	}
	struct addr http = parsed("127.0.0.1:http");
	assert_int_equal(addr_port(&http), 80);
	struct addr name = parsed("localhost:80");
	assert_true(addr_is_loopback(&name));
	struct addr everywhere = parsed("*:80");
	assert_false(addr_is_loopback(&everywhere));
}

static void a_bad_address_is_refused_with_what_to_do(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"8080", "try 127.0.0.1:8080"},
		{"127.0.0.1:", "has no port"},
		{"::1:80", "needs brackets: [::1]:80"},
		{"127.0.0.1:nosuchservice", "nosuchservice"},
		{"http://127.0.0.1:8080/", "is a URL"},
		{"unix:", "needs a path"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct addr all[ADDR_MOST];
		struct reason reason = {0};
		size_t n;

		assert_true(addr_parse(bad[i].text, all, &n, &reason) < 0);
		assert_non_null(strstr(reason.text, bad[i].says));
	}
}

static void a_unix_socket_replaces_a_dead_server_but_no_living_one_and_no_file(void **state)
{
	(void)state;
	char dir[] = "/tmp/sock.XXXXXX", text[64];
	struct reason reason = {0};
	struct stat st;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(text, sizeof(text), "unix:%s/s", dir);
	struct addr addr = parsed(text);

	AUTO_CLOSE int first = sock_listen(&addr, &opts, &reason);
	assert_true(first >= 0);
	assert_int_equal(stat(addr.un.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(sock_listen(&addr, &opts, &reason), -EADDRINUSE);
	assert_non_null(strstr(reason.text, dir));

	fd_close(&first);
	AUTO_CLOSE int second = sock_listen(&addr, &opts, &reason);
	assert_true(second >= 0);

	unlink(addr.un.sun_path);
	close(open(addr.un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(sock_listen(&addr, &opts, &reason), -EEXIST);
	assert_int_equal(stat(addr.un.sun_path, &st), 0);
	unlink(addr.un.sun_path);
	rmdir(dir);
}

static void who_finds_a_full_backlog_is_told_at_once(void **state)
{
	(void)state;
	char dir[] = "/tmp/sock.XXXXXX", text[64];
	enum { MOST = 16 };
	int waiting[MOST], n = 0;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(text, sizeof(text), "unix:%s/s", dir);
	struct addr addr = parsed(text);
	struct sock_listen_opts few = opts;
	few.backlog = 1;

	AUTO_CLOSE int listener = sock_listen(&addr, &few, NULL);
	assert_true(listener >= 0);
	while (n < MOST && (waiting[n] = sock_connect_unix(addr.un.sun_path)) >= 0)
		assert_int_equal(fcntl(waiting[n++], F_GETFL) & O_NONBLOCK, 0);
	assert_in_range(n, 1, MOST - 1);
	assert_int_equal(waiting[n], -EAGAIN);

	while (n > 0)
		close(waiting[--n]);
	unlink(addr.un.sun_path);
	rmdir(dir);
}

static void the_kernel_knows_how_much_was_read_and_sent_by_whomever(void **state)
{
	(void)state;
	AUTO_CLOSE int client = -1;
	AUTO_CLOSE int fd = connected(&client);
	AUTO_CLOSE int copy = dup(fd);
	struct sock_tally tally;
	char buf[100];

	assert_int_equal(send(client, "0123456789", 10, 0), 10);
	wait_readable(fd);
	assert_int_equal(recv(copy, buf, 4, 0), 4);
	sock_tally(fd, &tally);
	assert_true(tally.known);
	assert_int_equal(tally.n_read, 4);

	/* What was written counts, whether the peer has it already or not. */
	assert_int_equal(tally.n_sent, 0);
	assert_int_equal(send(fd, "abcdefg", 7, 0), 7);
	sock_tally(fd, &tally);
	assert_int_equal(tally.n_sent, 7);
	wait_readable(client);
	assert_int_equal(recv(client, buf, sizeof(buf), 0), 7);
	sock_tally(fd, &tally);
	assert_int_equal(tally.n_sent, 7);

	/* A FIN behind the bytes is not a byte. */
	assert_int_equal(shutdown(client, SHUT_WR), 0);
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	assert_int_equal(poll(&p, 1, 5000), 1);
	sock_tally(fd, &tally);
	assert_int_equal(tally.n_read, 4);
	assert_int_equal(recv(copy, buf, sizeof(buf), 0), 6);
	sock_tally(fd, &tally);
	assert_int_equal(tally.n_read, 10);
}

static void last_words_reach_a_peer_that_had_more_to_say(void **state)
{
	(void)state;
	AUTO_CLOSE int client = -1;
	int fd = connected(&client);
	char buf[100];

	assert_int_equal(send(client, "a request nobody reads", 22, 0), 22);
	wait_readable(fd);
	assert_true(sock_has_input(fd));
	assert_true(sock_say_last(fd, "sorry", 5));
	assert_int_equal(sock_discard(fd, 1000), 22);
	assert_false(sock_has_input(fd));
	close(fd);

	/* Had the request been unread at close, this would be a reset. */
	assert_int_equal(recv(client, buf, sizeof(buf), MSG_WAITALL), 5);
	assert_memory_equal(buf, "sorry", 5);
}

static void what_a_peer_sends_too_much_is_dropped_on_any_socket(void **state)
{
	(void)state;
	static const char big[20'000];
	struct chan_pair pair;
	char buf[10];

	assert_int_equal(chan_pair_open_stream(&pair), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(send(pair.wrk, big, sizeof(big), 0), sizeof(big));
	assert_true(sock_discard(pair.sup, 1) > 0);
	assert_true(sock_has_input(pair.sup));
	assert_true(sock_discard(pair.sup, SIZE_MAX) > 0);
	assert_int_equal(sock_discard(pair.sup, SIZE_MAX), 0);
	assert_int_equal(send(pair.sup, "sorry", 5, 0), 5);
	assert_int_equal(recv(pair.wrk, buf, sizeof(buf), 0), 5);
	close(pair.wrk);
	assert_int_equal(sock_discard(pair.sup, SIZE_MAX), -1);
	close(pair.sup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written_as_people_write_them),
		cmocka_unit_test(a_bad_address_is_refused_with_what_to_do),
		cmocka_unit_test(
			a_unix_socket_replaces_a_dead_server_but_no_living_one_and_no_file),
		cmocka_unit_test(who_finds_a_full_backlog_is_told_at_once),
		cmocka_unit_test(the_kernel_knows_how_much_was_read_and_sent_by_whomever),
		cmocka_unit_test(last_words_reach_a_peer_that_had_more_to_say),
		cmocka_unit_test(what_a_peer_sends_too_much_is_dropped_on_any_socket),
	};
	return cmocka_run_group_tests_name("sock", tests, NULL, NULL);
}
