/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "base/buf.h"
#include "service/exec/env.h"

#include <stdlib.h>
#include <string.h>

/* All of an environment, a line a variable. */
static void assert_env(struct env *env, const struct env_facts *facts, const char *expected)
{
	AUTO_BUF all = BUF_INIT(10000);

	for (char *const *at = env_of(env, facts); *at; at++)
		buf_printf(&all, "%s\n", *at);
	assert_string_equal(buf_cstr(&all), expected);
}

static struct addr addr(const char *text)
{
	struct addr all[ADDR_MOST];
	size_t n;

	assert_int_equal(addr_parse(text, all, &n, NULL), 0);
	return all[0];
}

static void over_tcp_it_is_what_tcpserver_sets(void **state)
{
	(void)state;
	char *from[] = {(char *)"PATH=/bin", NULL};
	struct addr local = addr("127.0.0.1:80"), remote = addr("10.1.2.3:4567");
	struct env env;

	assert_int_equal(env_init(&env, from), 0);
	assert_env(&env, &(struct env_facts){.local = &local, .remote = &remote},
		"PATH=/bin\nPROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=80\n"
		"TCPREMOTEIP=10.1.2.3\nTCPREMOTEPORT=4567\n");
	assert_env(&env,
		&(struct env_facts){.local = &local,
			.remote = &remote,
			.local_host = "localhost",
			.remote_host = "a.example"},
		"PATH=/bin\nPROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=80\n"
		"TCPLOCALHOST=localhost\n"
		"TCPREMOTEIP=10.1.2.3\nTCPREMOTEPORT=4567\nTCPREMOTEHOST=a.example\n");
	env_fini(&env);
}

static void over_ipv6_both_families_of_names_are_there(void **state)
{
	(void)state;
	char *from[] = {NULL};
	struct addr local = addr("[::1]:80"), remote = addr("[fe80::1%lo]:4567");
	struct env env;

	assert_int_equal(env_init(&env, from), 0);
	assert_env(&env, &(struct env_facts){.local = &local, .remote = &remote},
		"PROTO=TCP6\nTCPLOCALIP=::1\nTCPLOCALPORT=80\n"
		"TCPREMOTEIP=fe80::1\nTCPREMOTEPORT=4567\n"
		"TCP6LOCALIP=::1\nTCP6LOCALPORT=80\n"
		"TCP6REMOTEIP=fe80::1\nTCP6REMOTEPORT=4567\nTCP6INTERFACE=lo\n");
	env_fini(&env);
}

static void over_a_unix_socket_it_says_who_connected(void **state)
{
	(void)state;
	char *from[] = {NULL};
	struct addr local = addr("unix:/run/x"), nameless = {.sa.sa_family = AF_UNIX};
	struct env env;

	assert_int_equal(env_init(&env, from), 0);
	assert_env(&env,
		&(struct env_facts){.local = &local,
			.remote = &nameless,
			.has_creds = true,
			.uid = 1,
			.gid = 2,
			.pid = 3},
		"PROTO=UNIX\nUNIXLOCALPATH=/run/x\nUNIXREMOTEEUID=1\nUNIXREMOTEEGID=2\n"
		"UNIXREMOTEPID=3\nIPCREMOTEEUID=1\nIPCREMOTEEGID=2\n");
	env_fini(&env);
}

static void what_others_have_set_is_gone(void **state)
{
	(void)state;
	char *from[] = {(char *)"TCPREMOTEINFO=root", (char *)"TCPREMOTEHOST=x",
		(char *)"A=1", (char *)"TCP6REMOTEIP=::1", (char *)"PROTO=X",
		(char *)"NOTIFY_SOCKET=/s", (char *)"LISTEN_FDS=1", (char *)"PROTOCOL=2",
		(char *)"UNIXREMOTEEUID=0", (char *)"IPCREMOTEEUID=0", NULL};
	struct addr local = addr("127.0.0.1:80"), remote = addr("10.1.2.3:4567");
	struct env env;

	assert_int_equal(env_init(&env, from), 0);
	assert_env(&env, &(struct env_facts){.local = &local, .remote = &remote},
		"A=1\nPROTOCOL=2\nPROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPLOCALPORT=80\n"
		"TCPREMOTEIP=10.1.2.3\nTCPREMOTEPORT=4567\n");
	env_fini(&env);
}

static void names_as_long_as_names_can_be_fit(void **state)
{
	(void)state;
	char *from[] = {NULL};
	char name[256];
	struct addr local = addr("[::1]:80"), remote = addr("[::1]:65535");
	struct env env;
	size_t n_hosts = 0;

	memset(name, 'x', 255);
	name[255] = '\0';
	assert_int_equal(env_init(&env, from), 0);
	char *const *at = env_of(&env, &(struct env_facts){.local = &local,
					       .remote = &remote,
					       .local_host = name,
					       .remote_host = name});
	for (; *at; at++)
		n_hosts += strlen(*at) > 255;
	assert_int_equal(n_hosts, 4);
	env_fini(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_tcp_it_is_what_tcpserver_sets),
		cmocka_unit_test(over_ipv6_both_families_of_names_are_there),
		cmocka_unit_test(over_a_unix_socket_it_says_who_connected),
		cmocka_unit_test(what_others_have_set_is_gone),
		cmocka_unit_test(names_as_long_as_names_can_be_fit),
	};
	return cmocka_run_group_tests_name("env", tests, NULL, NULL);
}
