/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "app/ask.h"
#include "app/cmd_passwd.h"
#include "base/util.h"
#include "core/exit.h"
#include "os/fd.h"
#include "service/drive/auth/users.h"
#include "service/drive/auth/verify.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	char dir[32], path[64], link[64];
	char said[4000]; /* by the last run, on stderr or its terminal */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/conf.pw.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/users", f->dir);
	(void)snprintf(f->link, sizeof(f->link), "%s/link", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->path);
	(void)unlink(f->link);
	assert_int_equal(rmdir(f->dir), 0); /* nothing else was left behind */
	free(f);
	return 0;
}

[[gnu::noreturn]] static void be_passwd(const char *const *args)
{
	const char *argv[8] = {"passwd"};
	int argc = 1;

	while (*args)
		argv[argc++] = *args++;
	_exit(passwd_main(argc, (char **)argv));
}

static int exit_status(pid_t pid)
{
	int how;

	assert_int_equal(waitpid(pid, &how, 0), pid);
	assert_true(WIFEXITED(how));
	return WEXITSTATUS(how);
}

/* Reads until the end, or until the text holds @until; appends to f->said. */
static void listen_to(struct fixture *f, int fd, const char *until)
{
	size_t n = strlen(f->said);

	while (!until || !strstr(f->said, until)) {
		ssize_t got = read(fd, f->said + n, sizeof(f->said) - 1 - n);
		if (got <= 0)
			break; /* EIO is how a terminal says that its other side is closed
				*/
		n += (size_t)got;
		f->said[n] = '\0';
	}
}

/* Runs passwd with @input in a pipe; the exit status. */
static int run(struct fixture *f, const char *input, const char *const *args)
{
	int in[2], err[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
	fd_close(&in[1]);
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(err[1], 1);
		(void)dup2(err[1], 2);
		be_passwd(args);
	}
	fd_close(&in[0]);
	fd_close(&err[1]);
	f->said[0] = '\0';
	listen_to(f, err[0], NULL);
	fd_close(&err[0]);
	return exit_status(pid);
}

#define RUN(f, input, ...) run((f), (input), (const char *const[]){__VA_ARGS__, NULL})

/* Runs passwd on a terminal of its own, where @first and @second are typed. */
static int run_typing(struct fixture *f, const char *first, const char *second)
{
	int tty;
	pid_t pid = forkpty(&tty, NULL, NULL, NULL);

	if (pid == 0)
		be_passwd((const char *const[]){f->path, "ann", NULL});
	f->said[0] = '\0';
	listen_to(f, tty, "New password for ann: ");
	assert_int_equal(write(tty, first, strlen(first)), strlen(first));
	listen_to(f, tty, "again for ann: ");
	if (strstr(f->said, "again"))
		assert_int_equal(write(tty, second, strlen(second)), strlen(second));
	listen_to(f, tty, NULL);
	fd_close(&tty);
	return exit_status(pid);
}

static struct users *read_users(const char *path, char *text, size_t cap)
{
	struct users *users = NULL;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, cap - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_int_equal(users_parse(path, span_of(text, (size_t)n), &users, NULL), 0);
	return users;
}

static void assert_password(struct fixture *f, const char *name, const char *password)
{
	char text[4000];
	struct users *users = read_users(f->path, text, sizeof(text));
	const struct user *user = NULL;

	assert_int_equal(verify_password(users, span_str(name), span_str(password), &user),
		VERIFY_OK);
	users_free(users);
}

static void a_new_file_is_its_owners_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(RUN(f, "secret one\nmore", f->path, "ann"), EXIT_DONE);
	assert_string_equal(f->said, "");
	assert_password(f, "ann", "secret one");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_change_keeps_the_rest_of_the_file_and_its_rights(void **state)
{
	struct fixture *f = *state;
	char text[4000];
	struct stat st;

	assert_int_equal(RUN(f, "a\n", f->path, "ann", "--read-only"), EXIT_DONE);
	assert_int_equal(RUN(f, "z\n", f->path, "zoe"), EXIT_DONE);
	FILE *file = fopen(f->path, "ae");
	assert_true(fputs("# the end", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(symlink(f->path, f->link), 0);
	assert_int_equal(RUN(f, "b\n", f->link, "ann"), EXIT_DONE);

	struct users *users = read_users(f->path, text, sizeof(text));
	assert_int_equal(users->n, 2);
	assert_true(users_find(users, SPAN("ann"))->read_only);
	assert_memory_equal(text, "ann:$y$", 7);
	assert_string_equal(text + strlen(text) - 10, "# the end\n");
	users_free(users);
	assert_password(f, "ann", "b");
	assert_password(f, "zoe", "z");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(lstat(f->link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));

	assert_int_equal(RUN(f, "c\n", f->path, "ann", "--read-write"), EXIT_DONE);
	users = read_users(f->path, text, sizeof(text));
	assert_false(users_find(users, SPAN("ann"))->read_only);
	users_free(users);
}

static void a_user_is_removed_without_a_question(void **state)
{
	struct fixture *f = *state;
	char text[4000];

	assert_int_equal(RUN(f, "a\n", f->path, "ann"), EXIT_DONE);
	assert_int_equal(RUN(f, "", f->path, "zoe", "--delete"), EXIT_FAILED);
	assert_non_null(strstr(f->said, "there is no user zoe in "));
	assert_int_equal(RUN(f, "", "--delete", f->path, "ann"), EXIT_DONE);
	struct users *users = read_users(f->path, text, sizeof(text));
	assert_int_equal(users->n, 0);
	users_free(users);
}

static void what_is_wrong_is_said_and_nothing_is_changed(void **state)
{
	struct fixture *f = *state;
	char wide[ASK_MAX + 1];

	memset(wide, 'x', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(RUN(f, "\n", f->path, "ann"), EXIT_FAILED);
	assert_string_equal(f->said, "preforkd passwd: a password is not empty\n");
	assert_int_equal(RUN(f, wide, f->path, "ann"), EXIT_FAILED);
	assert_non_null(strstr(f->said, "a password has at most 511 bytes"));
	assert_int_equal(RUN(f, "x\n", f->path, "a:b"), EXIT_USAGE);
	assert_non_null(strstr(f->said, "holds no colon"));
	assert_int_equal(RUN(f, "x\n", f->path), EXIT_USAGE);
	assert_non_null(strstr(f->said, "it takes a FILE and a NAME"));
	assert_int_equal(RUN(f, "x\n", f->path, "ann", "secret"), EXIT_USAGE);
	assert_non_null(strstr(f->said, "never given here"));
	assert_int_equal(RUN(f, "x\n", "--read-olny", f->path, "ann"), EXIT_USAGE);
	assert_non_null(strstr(f->said, "is it --read-only?"));
	assert_int_equal(RUN(f, "x\n", "/nonexistent/users", "ann"), EXIT_FAILED);
	assert_non_null(
		strstr(f->said, "cannot open the folder /nonexistent: No such file"));
	assert_int_equal(RUN(f, "x\n", f->dir, "ann"), EXIT_FAILED);
	assert_non_null(strstr(f->said, "is not a file"));
	assert_int_equal(access(f->path, F_OK), -1);
}

static void a_fault_elsewhere_in_the_file_is_said(void **state)
{
	struct fixture *f = *state;
	FILE *file = fopen(f->path, "we");

	assert_true(fputs("old:{SHA}abc\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(RUN(f, "x\n", f->path, "ann"), EXIT_DONE);
	assert_non_null(strstr(f->said, "users:1: {SHA} hashes are cracked"));
	assert_int_equal(RUN(f, "y\n", f->path, "old"), EXIT_DONE);
	assert_string_equal(f->said, "");
	assert_password(f, "ann", "x");
	assert_password(f, "old", "y");
}

static void a_terminal_asks_twice_and_echoes_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run_typing(f, "hush-hush\n", "hush-hush\n"), EXIT_DONE);
	assert_null(strstr(f->said, "hush"));
	assert_password(f, "ann", "hush-hush");

	assert_int_equal(run_typing(f, "one\n", "two\n"), EXIT_FAILED);
	assert_non_null(strstr(f->said, "the two are not the same"));
	assert_password(f, "ann", "hush-hush");
}

static void control_c_gives_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(run_typing(f, "hal\x03", ""), EXIT_FAILED);
	assert_non_null(strstr(f->said, "given up; nothing was changed"));
	assert_int_equal(access(f->path, F_OK), -1);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_DIR(a_new_file_is_its_owners_alone),
		WITH_DIR(a_change_keeps_the_rest_of_the_file_and_its_rights),
		WITH_DIR(a_user_is_removed_without_a_question),
		WITH_DIR(what_is_wrong_is_said_and_nothing_is_changed),
		WITH_DIR(a_fault_elsewhere_in_the_file_is_said),
		WITH_DIR(a_terminal_asks_twice_and_echoes_nothing),
		WITH_DIR(control_c_gives_up),
	};
	return cmocka_run_group_tests_name("passwd", tests, NULL, NULL);
}
