/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/reason.h"
#include "service/drive/auth/auth.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANN SPAN("Basic YW5uOng=") /* ann:x */
#define BOB SPAN("Basic Ym9iOng=") /* bob:x */

struct fixture {
	char dir[32], path[64], next[64];
	struct auth *auth;
	uint64_t now_ns;
	struct reason reason;
};

/* As passwd and editors do: a new file in the old one's place. */
static void write_file(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->next, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(rename(f->next, f->path), 0);
}

static void write_user(struct fixture *f, const char *name)
{
	struct crypt_data data = {0};
	char line[256];

	(void)snprintf(line, sizeof(line), "%s:%s\n", name,
		crypt_r("x", "$2b$04$abcdefghijklmnopqrstuu", &data));
	write_file(f, line);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/conf.auth.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->path, sizeof(f->path), "%s/users", f->dir);
	(void)snprintf(f->next, sizeof(f->next), "%s/next", f->dir);
	f->now_ns = 100 * NS_PER_SEC;
	write_user(f, "ann");
	*state = f;
	return auth_open(f->path, &f->auth, &f->reason);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	auth_close(f->auth);
	(void)unlink(f->path);
	(void)rmdir(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static int refresh(struct fixture *f)
{
	f->now_ns += AUTH_LOOK_NS;
	return auth_refresh(f->auth, f->now_ns, &f->reason);
}

static int verify(struct fixture *f, struct span value)
{
	const struct user *user = NULL;

	return auth_verify(f->auth, value, f->now_ns, &user);
}

static void a_verified_value_is_known_from_then_on(void **state)
{
	struct fixture *f = *state;

	assert_null(auth_known(f->auth, ANN, f->now_ns));
	assert_int_equal(verify(f, ANN), AUTH_OK);
	assert_string_equal(auth_known(f->auth, ANN, f->now_ns)->name, "ann");
	assert_int_equal(verify(f, BOB), AUTH_DENIED);
	assert_null(auth_known(f->auth, BOB, f->now_ns));
	assert_int_equal(verify(f, SPAN("Bearer x")), AUTH_MALFORMED);
}

static void a_changed_file_replaces_the_users_and_what_was_remembered(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(verify(f, ANN), AUTH_OK);
	assert_int_equal(refresh(f), 0);
	write_user(f, "bob");
	assert_int_equal(auth_refresh(f->auth, f->now_ns, &f->reason), 0); /* too soon */
	assert_int_equal(refresh(f), AUTH_CHANGED);
	assert_null(auth_known(f->auth, ANN, f->now_ns));
	assert_int_equal(verify(f, ANN), AUTH_DENIED);
	assert_int_equal(verify(f, BOB), AUTH_OK);
	assert_int_equal(refresh(f), 0);
}

static void a_bad_file_keeps_the_users_and_is_reported_once(void **state)
{
	struct fixture *f = *state;
	char says[200];

	assert_int_equal(verify(f, ANN), AUTH_OK);
	write_file(f, "ann\n");
	assert_int_equal(refresh(f), AUTH_KEPT);
	(void)snprintf(
		says, sizeof(says), "%s:1: a line is NAME:HASH or NAME:HASH:ro", f->path);
	assert_string_equal(f->reason.text, says);
	assert_int_equal(refresh(f), 0);
	assert_non_null(auth_known(f->auth, ANN, f->now_ns));
	assert_int_equal(verify(f, ANN), AUTH_OK);

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(refresh(f), AUTH_KEPT);
	assert_non_null(strstr(f->reason.text, "No such file"));
	assert_int_equal(refresh(f), 0);
	assert_int_equal(verify(f, ANN), AUTH_OK);

	write_user(f, "bob");
	assert_int_equal(refresh(f), AUTH_CHANGED);
	assert_int_equal(verify(f, BOB), AUTH_OK);
}

static void what_is_no_file_is_refused_and_stops_nobody(void **state)
{
	struct fixture *f = *state;
	struct auth *other = NULL;

	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(refresh(f), AUTH_KEPT);
	assert_non_null(strstr(f->reason.text, "is not a file"));
	assert_int_equal(auth_open(f->path, &other, &f->reason), -EINVAL);
	assert_int_equal(auth_open("/nonexistent", &other, &f->reason), -ENOENT);
	assert_null(other);
}

int main(void)
{
#define WITH_FILE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILE(a_verified_value_is_known_from_then_on),
		WITH_FILE(a_changed_file_replaces_the_users_and_what_was_remembered),
		WITH_FILE(a_bad_file_keeps_the_users_and_is_reported_once),
		WITH_FILE(what_is_no_file_is_refused_and_stops_nobody),
	};
	return cmocka_run_group_tests_name("auth_reload", tests, NULL, NULL);
}
