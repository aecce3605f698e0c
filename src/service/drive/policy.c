/* SPDX-License-Identifier: MIT */

#include "service/drive/policy.h"

#include "base/num.h"
#include "base/util.h"
#include "core/service.h"
#include "log/access.h"
#include "log/log.h"
#include "os/addr.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/auth/auth.h"

#include <errno.h>
#include <fcntl.h>

static const char *const durability_words[] = {"full", "rename", NULL};
static const char *const checksums_words[] = {"sha256", "none", NULL};

const struct opt policy_opts[POLICY_N_OPTS] = {
	{"root", OPT_PATH(struct policy, root), .arg = "FOLDER", .flags = OPT_REQUIRED,
		.help = "the folder that is served"},
	{"users", OPT_PATH(struct policy, users), .arg = "FILE",
		.help = "who may come in, as `preforkd passwd` writes it; without it only "
			"this machine may"},
	{"host", OPT_LIST(struct policy, hosts), .arg = "NAME",
		.help = "without users: a name, besides localhost, this drive answers to"},
	{"read_only", OPT_BOOL(struct policy, read_only), .deflt = "no",
		.help = "nobody may change anything"},
	{"index", OPT_BOOL(struct policy, index), .deflt = "no",
		.help = "a folder's index.html is shown in place of its listing"},
	{"durability", OPT_CHOICE(struct policy, durability), .arg = "full|rename",
		.deflt = "full", .choices = durability_words,
		.help = "whether an upload is confirmed only once it is on the disk"},
	{"checksums", OPT_CHOICE(struct policy, checksums), .arg = "sha256|none",
		.deflt = "sha256", .choices = checksums_words,
		.help = "whether the SHA-256 of an upload is computed as it comes, kept and "
			"answered"},
	{"access_log_format", OPT_CHOICE(struct policy, access_log_format),
		.arg = "common|combined|json", .deflt = "combined",
		.choices = access_formats, .help = "what a line of access_log looks like"},
	{"head_timeout", OPT_DURATION(struct policy, head_ns), .arg = "TIME",
		.deflt = "20s", .min = NS_PER_MS,
		.help = "for a request's head to come whole"},
	{"body_timeout", OPT_DURATION(struct policy, body_ns), .arg = "TIME",
		.deflt = "60s", .min = NS_PER_MS,
		.help = "between two pieces of an upload"},
	{"write_timeout", OPT_DURATION(struct policy, write_ns), .arg = "TIME",
		.deflt = "60s", .min = NS_PER_MS,
		.help = "for a client to take the next piece of an answer"},
	{"max_upload", OPT_BYTES(struct policy, max_upload_bytes), .arg = "SIZE",
		.deflt = "0", .help = "the largest file that may be sent; 0 is no limit"},
	{"cache", OPT_BYTES(struct policy, cache_bytes), .arg = "SIZE", .deflt = "16M",
		.max = 16 * GIB, .help = "memory for small files, in each worker"},
	{"trash", OPT_STRING(struct policy, trash), .arg = "TIME|off", .deflt = "30d",
		.help = "for how long what is deleted or replaced is kept"},
	{"trash_max", OPT_STRING(struct policy, trash_max), .arg = "SIZE|N%",
		.deflt = "10%",
		.help = "how much is kept at most, also as a part of the disk"},
	{"propfind_limit", OPT_UINT(struct policy, propfind_entries), .arg = "N",
		.deflt = "100000",
		.help = "how many entries a PROPFIND with Depth: infinity may have"},
};

static int check_root(const char *root, struct reason *reason)
{
	AUTO_CLOSE int fd = file_open(AT_FDCWD, root, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0)
		return 0;
	if (fd == -ENOTDIR)
		return reason_set(reason, "%s is a file; name the folder it is in", root);
	errno = -fd;
	if (fd == -ENOENT && root[0] == '~')
		return reason_errno(
			reason, "cannot serve %s (only a shell knows what ~ is)", root);
	if (fd == -ENOENT)
		return reason_errno(
			reason, "cannot serve %s (to make it: mkdir -p %s)", root, root);
	return reason_errno(reason, "cannot serve %s", root);
}

/* A users file with a fault must not wait for a worker to be found. */
static int check_users(
	const char *users, const struct service_site *site, struct reason *reason)
{
	struct auth *auth;

	if (!users)
		return 0;
	int rc = auth_open(users, &auth, reason);
	if (rc < 0)
		return rc;
	if (auth_is_empty(auth))
		log_warn(site->log, "no-users",
			LOG_SAY("nobody can come in yet: preforkd passwd %.200s NAME adds "
				"somebody",
				users),
			KV("service", site->name));
	auth_close(auth);
	return 0;
}

/* "10%" */
static bool read_percent(struct span s, unsigned *percent)
{
	uint64_t n;

	if (!span_ends(s, SPAN("%")) || !num_u64(span_of(s.p, s.n - 1), &n) || n > 100)
		return false;
	*percent = (unsigned)n;
	return true;
}

int policy_trash(
	const struct policy *policy, struct policy_trash *out, struct reason *reason)
{
	struct span keep = span_str(policy->trash ? policy->trash : "off");
	struct span most = span_str(policy->trash_max ? policy->trash_max : "");

	*out = (struct policy_trash){0};
	if (!span_eq(keep, SPAN("off")) && !num_duration_ns(keep, &out->keep_ns))
		return reason_set(reason,
			"trash: \"%.*s\" is neither a time, as 30d, nor off",
			(int)MIN(keep.n, 40), keep.p);
	if (!read_percent(most, &out->percent)
		&& (!num_bytes(most, &out->max_bytes) || out->max_bytes == 0))
		return reason_set(reason,
			"trash_max: \"%.*s\" is neither a size, as 20G, nor a part of the disk, as 10%%",
			(int)MIN(most.n, 40), most.p);
	return 0;
}

int policy_check(void *conf, const struct service_site *site, struct reason *reason)
{
	const struct policy *policy = conf;
	struct policy_trash trash;
	bool is_open = false;

	*site->at_fault = "root";
	int rc = check_root(policy->root, reason);
	if (rc < 0)
		return rc;
	*site->at_fault = "users";
	rc = check_users(policy->users, site, reason);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < site->n_listens; i++)
		if (!addr_is_loopback(&site->listens[i]))
			is_open = true;
	*site->at_fault = "trash";
	rc = policy_trash(policy, &trash, reason);
	if (rc < 0)
		return rc;
	*site->at_fault = "listen";
	if (is_open && !policy->users)
		return reason_set(reason,
			"without users the drive may listen on this machine alone: make users "
			"(preforkd passwd FILE NAME) and set users to that FILE (--users FILE), or "
			"listen at 127.0.0.1:PORT");
	if (is_open)
		log_warn(site->log, "passwords-in-the-clear",
			"passwords travel unencrypted: put a server that speaks TLS in front",
			KV("service", site->name));
	return 0;
}
