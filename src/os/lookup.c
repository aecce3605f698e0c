/* SPDX-License-Identifier: MIT */

#include "os/lookup.h"

#include "os/addr.h"
#include "os/fd.h"
#include "os/pipe.h"

#include <assert.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <unistd.h>

static_assert(sizeof(struct lookup_names) <= PIPE_BUF, "one write, one read");

struct question {
	const struct addr *remote, *local;
	int answer;
};

static void ask(const struct addr *addr, char name[LOOKUP_NAME_MAX])
{
	if (getnameinfo(&addr->sa, addr->len, name, LOOKUP_NAME_MAX, NULL, 0, NI_NAMEREQD)
		!= 0)
		name[0] = '\0';
}

static int answer(void *arg)
{
	const struct question *q = arg;
	struct lookup_names names = {0};

	ask(q->remote, names.remote);
	ask(q->local, names.local);
	return write(q->answer, &names, sizeof(names)) == sizeof(names) ? 0 : 1;
}

int lookup_start(const struct addr *remote, const struct addr *local, struct lookup *out)
{
	AUTO_CLOSE int theirs = -1;
	AUTO_CLOSE int ours = -1;
	struct lookup lookup = LOOKUP_NONE;

	int r = pipe_open(&ours, &theirs);
	if (r == 0)
		r = proc_spawn(
			&(struct proc_spec){
				.title = "lookup",
				.keep_fds = &theirs,
				.n_keep_fds = 1,
				.main = answer,
				.arg = &(struct question){remote, local, theirs},
			},
			&lookup.proc);
	if (r < 0)
		return r;
	lookup.fd = fd_take(&ours);
	*out = lookup;
	return 0;
}

void lookup_end(struct lookup *lookup, struct lookup_names *names)
{
	*names = (struct lookup_names){0};
	if (lookup->fd < 0)
		return;
	if (read(lookup->fd, names, sizeof(*names)) != sizeof(*names))
		*names = (struct lookup_names){0};
	proc_signal(&lookup->proc, SIGKILL);
	proc_await(&lookup->proc);
	fd_close(&lookup->fd);
}
