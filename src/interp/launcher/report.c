/* SPDX-License-Identifier: MIT */

#include "interp/launcher/report.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/util.h"
#include "interp/launcher/place.h"
#include "interp/pass.h"
#include "interp/wire.h"
#include "os/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPORT_MAX (1u << 20) /* bytes of output */
#define NAME_MOST  200        /* bytes of a script's name that are shown */

/* One identity, from its server if there is one, and from the note of its last cold call.
 */
struct row {
	char name[512];
	struct wire_status server; /* pid 0: no server of ours answers */
	uint64_t pss_bytes;
	bool silent;     /* a server of ours is there, and does not answer in time */
	bool known_wire; /* something listens that speaks only the known wire */
	int why;
	int64_t why_at; /* seconds since 1970; 0 without a note */
};

/* What /proc says the process's share of memory is. */
static uint64_t read_pss(uint32_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0;

	(void)snprintf(path, sizeof(path), "/proc/%u/smaps_rollup", pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %llu kB", &kib) == 1)
			break;
	if (file)
		(void)fclose(file);
	return kib * KIB;
}

/* Asks a server of ours; false when none answers in time. */
static bool ask(const struct place *place, struct row *row)
{
	union {
		struct wire_status status;
		char bytes[sizeof(struct wire_status) + 1024];
	} answer;
	struct sockaddr_un own;

	place_address(place, 'p', &own); /* not to connect there: that is a call */
	AUTO_CLOSE int sock =
		access(own.sun_path, F_OK) < 0 ? -1 : place_connect(place, 's');
	char greeting[8];
	struct pollfd answered = {.fd = sock, .events = POLLIN};
	struct pass_in in = {.buf = &answer, .cap = sizeof(answer) - 1};

	row->silent = sock >= 0;
	if (sock < 0 || send(sock, "?", 1, MSG_NOSIGNAL) != 1
		|| poll(&answered, 1, WIRE_PATIENCE_MS) != 1
		|| recv(sock, greeting, sizeof(greeting), 0) != sizeof(greeting)
		|| poll(&answered, 1, WIRE_PATIENCE_MS) != 1
		|| pass_recv(sock, &in, 0) != PASS_OK || in.n_bytes < sizeof(answer.status)
		|| !wire_is_note(&answer, in.n_bytes)
		|| answer.status.note.type != WIRE_STATUS)
		return false;
	answer.bytes[in.n_bytes] = '\0';
	row->silent = false;
	row->server = answer.status;
	(void)snprintf(row->name, sizeof(row->name), "%.500s",
		answer.bytes + sizeof(answer.status));
	row->pss_bytes = read_pss(answer.status.pid);
	return true;
}

static void read_why(const struct place *place, struct row *row)
{
	struct sockaddr_un path;
	char text[512], name[sizeof(row->name)] = "";
	long long at;

	place_address(place, 'w', &path);
	AUTO_CLOSE int fd = open(path.sun_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%lld %d %511[^\n]", &at, &row->why, name) < 2)
		return;
	row->why_at = at;
	if (!row->name[0])
		memcpy(row->name, name, sizeof(row->name));
}

/* Our own directory has no servers but ours: one that does not speak our wire yet will. */
static const char *state_of(const struct place *place, const struct row *row)
{
	if (row->server.pid)
		return row->server.stale ? "stale" : "ready";
	if (row->silent)
		return "silent";
	if (!row->known_wire)
		return "none";
	return place->compat ? "foreign" : "loading";
}

static void put_table_row(struct buf *out, const struct place *place, const struct row *row)
{
	const struct wire_status *server = &row->server;
	char up[32] = "-";

	if (server->pid)
		(void)snprintf(up, sizeof(up), "%llus", (unsigned long long)server->up_s);
	buf_printf(out, "%7u %8s %8llu %4u %4u %7.1f  %-8s ", server->pid, up,
		(unsigned long long)server->calls, server->running, server->waiting,
		(double)row->pss_bytes / (double)MIB, state_of(place, row));
	escape_log(out, span_str(row->name), NAME_MOST);
	if (row->why_at)
		buf_printf(out, "\n%45scold %llds ago: %s", "",
			(long long)(time(NULL) - row->why_at), wire_why_text(row->why));
	buf_put_byte(out, '\n');
}

static void put_json_row(struct buf *out, const struct place *place, const struct row *row)
{
	const struct wire_status *server = &row->server;

	buf_put_str(out, out->n > 1 ? ",\n {\"identity\": \"" : "\n {\"identity\": \"");
	escape_json(out, span_str(place->ident));
	buf_put_str(out, "\", \"name\": \"");
	escape_json(out, span_str(row->name));
	buf_printf(out,
		"\", \"pid\": %u, \"up_s\": %llu, \"calls\": %llu, \"cold_calls\": %llu, "
		"\"running\": %u, \"waiting\": %u, \"stale\": %s, \"files\": %u, "
		"\"pss_bytes\": %llu, \"silent\": %s, \"known_wire_only\": %s",
		server->pid, (unsigned long long)server->up_s,
		(unsigned long long)server->calls, (unsigned long long)server->cold,
		server->running, server->waiting, server->stale ? "true" : "false",
		server->n_files, (unsigned long long)row->pss_bytes,
		row->silent ? "true" : "false", row->known_wire ? "true" : "false");
	if (row->why_at)
		buf_printf(out, ", \"last_cold\": {\"at\": %lld, \"why\": \"%s\"}",
			(long long)row->why_at, wire_why_text(row->why));
	buf_put_byte(out, '}');
}

/* Whether @name is that of a socket, or of a note without one: a row of its own. */
static bool is_row(int dir, const char *name)
{
	char other[NAME_MAX + 1];
	static const char order[] =
		"psw"; /* the first of these that is there stands for all */
	const char *kind = strchr(order, name[0]);

	if (!kind || !name[0])
		return false;
	(void)snprintf(other, sizeof(other), "%s", name);
	for (const char *before = order; before < kind; before++) {
		other[0] = *before;
		if (faccessat(dir, other, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return false;
	}
	return true;
}

static void put_row(struct buf *out, struct place *place, const char *ident, bool json)
{
	struct row row = {0};

	if (!place_recall(place, ident))
		return;
	if (!ask(place, &row) && !row.silent) {
		AUTO_CLOSE int known = place_connect(place, 's');
		row.known_wire = known >= 0;
	}
	read_why(place, &row);
	if (json)
		put_json_row(out, place, &row);
	else
		put_table_row(out, place, &row);
}

int report_print(const struct place *place, bool json)
{
	AUTO_BUF out = BUF_INIT(REPORT_MAX);
	struct place at = *place;
	DIR *dir = opendir(place->dir);

	if (json)
		buf_put_byte(&out, '[');
	else
		buf_printf(&out, "%7s %8s %8s %4s %4s %7s  %-8s %s\n", "PID", "UP", "CALLS",
			"RUN", "WAIT", "MIB", "STATE", "SCRIPT");
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (is_row(dirfd(dir), entry->d_name))
			put_row(&out, &at, entry->d_name + 1, json);
	if (dir)
		(void)closedir(dir);
	if (json)
		buf_put_str(&out, "\n]\n");
	return out.failed || write(STDOUT_FILENO, out.p, out.n) != (ssize_t)out.n;
}
