/* SPDX-License-Identifier: MIT */

#include "service/script/warm.h"

#include "base/util.h"
#include "interp/pass.h"
#include "os/clock.h"
#include "os/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_NS (WIRE_PATIENCE_MS * NS_PER_MS)

static const int32_t numbers[] = {0, 1, 2};

/* -- the message -- */

static size_t size_of(char *const *strings, uint32_t *count)
{
	size_t n = 0;

	for (*count = 0; strings[*count]; ++*count)
		n += strlen(strings[*count]) + 1;
	return n;
}

static char *put_all(char *to, char *const *strings)
{
	for (; *strings; strings++)
		to = stpcpy(to, *strings) + 1;
	return to;
}

int warm_note(struct warm_common *common, const struct program_limit *limits, size_t n)
{
	struct wire_call *call = &common->call;
	mode_t mode = umask(0);
	int n_groups = getgroups((int)WIRE_GROUPS_MAX, common->groups);

	(void)umask(mode);
	if (n_groups < 0)
		return -errno;
	/* No signal is blocked or ignored: as a program begins. */
	*call = (struct wire_call){
		.note = {.magic = WIRE_MAGIC,
			.type = WIRE_CALL,
			.flags = WIRE_HAS_CWD | WIRE_HAS_STATE},
		.umask = mode,
		.nice = getpriority(PRIO_PROCESS, 0),
		.n_fds = ARRAY_LEN(numbers),
		.n_groups = (uint32_t)n_groups,
	};
	for (int i = 0; i < (int)WIRE_LIMITS; i++) {
		struct rlimit is = {RLIM_INFINITY, RLIM_INFINITY};
		(void)getrlimit((__rlimit_resource_t)i, &is);
		for (size_t j = 0; j < n; j++)
			if (limits[j].resource == i)
				is = program_limit(&limits[j], is);
		call->limits[i] = (struct wire_limit){is.rlim_cur, is.rlim_max};
	}
	return 0;
}

static char *put_bytes(char *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return to + n;
}

/* 0 with w->message, -EMSGSIZE or -ENOMEM. */
static int build(struct warm *w, const struct warm_spec *spec)
{
	uint32_t n_args, n_env;
	size_t groups = spec->common->call.n_groups * sizeof(gid_t);
	size_t text = strlen(spec->interp) + strlen(spec->script) + 2
		      + size_of(spec->args, &n_args) + size_of(spec->envp, &n_env);

	w->n_bytes = sizeof(*w->message) + sizeof(numbers) + groups + text;
	if (w->n_bytes > WIRE_MSG_MAX)
		return -EMSGSIZE;
	w->message = malloc(w->n_bytes);
	if (!w->message)
		return -ENOMEM;
	*w->message = spec->common->call;
	w->message->n_args = n_args;
	w->message->n_env = n_env;
	w->message->text_bytes = (uint32_t)text;

	char *to = put_bytes((char *)(w->message + 1), numbers, sizeof(numbers));
	w->text = put_bytes(to, spec->common->groups, groups);
	to = stpcpy(w->text, spec->interp) + 1;
	to = stpcpy(to, spec->script) + 1;
	(void)put_all(put_all(to, spec->args), spec->envp);
	return 0;
}

char **warm_environment(const struct warm *w)
{
	const struct wire_call *call = w->message;
	size_t before = 2 + (size_t)call->n_args, n = before + call->n_env;
	char **all = malloc((n + 1) * sizeof(*all));

	if (!all)
		return NULL;
	(void)wire_split(w->text, call->text_bytes, n, all); /* as it was put */
	memmove(all, all + before, (call->n_env + 1) * sizeof(*all));
	return all;
}

/* -- the call -- */

static void close_io(struct warm *w, struct loop_io *io)
{
	if (io->fd < 0)
		return;
	loop_remove(w->loop, io);
	fd_close(&io->fd);
}

static void stop(struct warm *w)
{
	w->state = WARM_OVER;
	close_io(w, &w->server);
	close_io(w, &w->channel);
	loop_cancel(w->loop, &w->patience);
}

static void be_over(struct warm *w, enum warm_end end, int value)
{
	stop(w);
	w->over(w, end, value);
}

/* An executor waits on @channel, which is adopted. */
static void send_call(struct warm *w, int channel)
{
	w->channel.fd = channel;
	int sent = loop_add(w->loop, &w->channel, EPOLLIN);
	if (sent == 0)
		sent = pass_send(channel, w->message, w->n_bytes, w->fds, ARRAY_LEN(w->fds),
			MSG_DONTWAIT);
	if (sent != PASS_OK) {
		be_over(w, WARM_COLD,
			sent == PASS_CLOSED ? WIRE_WHY_GONE : WIRE_WHY_TOO_BIG);
		return;
	}
	w->state = WARM_SENT;
	loop_cancel(w->loop, &w->patience);
}

/* The end, from the one who knows first. The server must not take our going for a caller's
 * death. */
static void take_end(struct warm *w, int status)
{
	const struct wire_note done = {.magic = WIRE_MAGIC, .type = WIRE_DONE};

	(void)!pass_send(w->server.fd, &done, sizeof(done), NULL, 0, MSG_DONTWAIT);
	be_over(w, WARM_ENDED, status);
}

/* All that the executor says. True when that made it over. */
static bool take_channel(struct warm *w)
{
	struct wire_note note;
	struct pass_in in = {.buf = &note, .cap = sizeof(note)};
	int got;

	while ((got = pass_recv(w->channel.fd, &in, MSG_DONTWAIT)) == PASS_OK
		&& wire_is_note(&note, in.n_bytes)) {
		if (note.type == WIRE_COLD && w->state == WARM_SENT) {
			be_over(w, WARM_COLD, note.value);
			return true;
		}
		if (note.type == WIRE_BEGUN && w->state == WARM_SENT) {
			/* The script's alone, or its end would not be seen. */
			fd_close(&w->fds[WARM_ERR]);
			w->state = WARM_BEGUN;
		}
		if (note.type == WIRE_ENDED && w->state == WARM_BEGUN) {
			take_end(w, note.value);
			return true;
		}
	}
	if (got == PASS_AGAIN)
		return false;
	close_io(w, &w->channel);
	if (w->state != WARM_SENT)
		return false; /* closed by the script it says nothing: the server will */
	be_over(w, WARM_COLD, WIRE_WHY_GONE);
	return true;
}

static void on_channel(struct loop_io *io, uint32_t events)
{
	(void)events;
	(void)take_channel(container_of(io, struct warm, channel));
}

/* Moving a timer that is set cannot fail. */
static void be_patient(struct warm *w, uint64_t for_ns)
{
	(void)!loop_at(w->loop, &w->patience, clock_mono_ns() + for_ns);
}

static void take_note(struct warm *w, const struct wire_note *note, int *channel)
{
	bool waits = w->state == WARM_WAITING;

	switch (note->type) {
	case WIRE_GO:
		if (waits && *channel >= 0)
			send_call(w, fd_take(channel));
		return;
	case WIRE_WAIT:
		if (waits)
			be_patient(w, PATIENCE_NS);
		return;
	case WIRE_ENDED:
		/* An executor that refused has ended well, and has said so before. */
		if (w->channel.fd < 0 || !take_channel(w))
			be_over(w, WARM_ENDED, note->value);
		return;
	case WIRE_COLD: be_over(w, waits ? WARM_COLD : WARM_LOST, note->value); return;
	default: return; /* such as WIRE_STOPPED: its time is limited otherwise */
	}
}

static void on_server(struct loop_io *io, uint32_t events)
{
	struct warm *w = container_of(io, struct warm, server);
	struct wire_note note;
	int channel = -1;
	struct pass_in in = {
		.buf = &note, .cap = sizeof(note), .fds = &channel, .max_fds = 1};

	(void)events;
	int got = pass_recv(io->fd, &in, MSG_DONTWAIT);
	AUTO_CLOSE int owned = in.n_fds ? channel : -1;
	if (got == PASS_AGAIN)
		return;
	if (got == PASS_OK && wire_is_note(&note, in.n_bytes))
		take_note(w, &note, &owned);
	else
		be_over(w, w->state == WARM_WAITING ? WARM_COLD : WARM_LOST, WIRE_WHY_GONE);
}

static void on_patience(struct loop_timer *timer)
{
	be_over(container_of(timer, struct warm, patience), WARM_COLD, WIRE_WHY_SILENT);
}

int warm_start(struct warm *w, struct loop *loop, int server, const struct warm_spec *spec)
{
	w->loop = loop;
	w->server = (struct loop_io){.on = on_server, .fd = server};
	w->channel = (struct loop_io){.on = on_channel, .fd = -1};
	w->patience.on = on_patience;
	w->fds[WARM_CWD] = spec->cwd;
	w->fds[WARM_IN] = w->fds[WARM_OUT] = spec->in_out;
	w->fds[WARM_ERR] = fd_dup(spec->err);
	if (w->fds[WARM_ERR] < 0)
		return w->fds[WARM_ERR];

	int bad = build(w, spec);
	if (!bad)
		bad = loop_at(loop, &w->patience, clock_mono_ns() + PATIENCE_NS);
	if (!bad)
		bad = loop_add(loop, &w->server, EPOLLIN);
	w->state = bad ? WARM_OVER : WARM_WAITING;
	return bad;
}

bool warm_signal(struct warm *w, int sig)
{
	const struct wire_note note = {
		.magic = WIRE_MAGIC,
		.type = WIRE_SIGNAL,
		.value = sig,
		.flags = WIRE_FROM_TERMINAL, /* so that all of its group gets it */
	};

	if (w->state == WARM_WAITING && sig) {
		/* Not from in here: who signals goes on with it. */
		close_io(w, &w->server);
		be_patient(w, 0);
	} else if (w->state != WARM_OVER && sig) {
		(void)!pass_send(w->server.fd, &note, sizeof(note), NULL, 0, MSG_DONTWAIT);
	}
	return w->state != WARM_OVER;
}

void warm_fini(struct warm *w)
{
	if (!w->loop)
		return;
	stop(w);
	w->loop = NULL;
	fd_close(&w->fds[WARM_ERR]);
	free(w->message);
	w->message = NULL;
}
