/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/probe.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/out.h"
#include "os/pipe.h"
#include "service/drive/fs/aside.h"
#include "service/drive/fs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>

#define PROBE_MTIME_NS \
	1'000'000'000'123'456'789 /* a moment with a fraction of every length */

/*
 * What the probe makes is made as all things under .prefork/tmp/ are, locked: another
 * worker's sweep would take it away, and this one would find a file system that can do
 * nothing.
 */
static struct fs_aside unique_name(const struct fs_root *root)
{
	struct fs_aside name = FS_ASIDE_NONE;

	fs_aside_name(&name, root->tmp);
	return name;
}

static int make(const struct fs_aside *name)
{
	return fs_aside_make_file(name, 0600);
}

static void unmake(const struct fs_aside *name)
{
	(void)file_unlink(name->dir, name->name); /* what remains the sweep takes */
}

/* Whether an open file of ours can be given @flags when it is renamed. Both names are gone
 * after. */
static bool renames_with(const struct fs_root *root, unsigned flags)
{
	const struct fs_aside from = unique_name(root), to = unique_name(root);
	AUTO_CLOSE int a = make(&from);
	AUTO_CLOSE int b = flags == RENAME_EXCHANGE ? make(&to) : -1;

	bool can = a >= 0 && file_rename(from.dir, from.name, to.dir, to.name, flags) == 0;
	unmake(&from); /* one of them may be there, or both */
	unmake(&to);
	return can;
}

static bool makes_unnamed(const struct fs_root *root)
{
	const struct fs_aside name = unique_name(root);
	AUTO_CLOSE int fd = file_open(root->tmp, ".", O_RDWR | O_TMPFILE, 0600);

	if (fd < 0 || file_lock(fd, LOCK_EX) < 0
		|| file_link_unnamed(fd, name.dir, name.name) < 0)
		return false;
	return file_unlink(name.dir, name.name) == 0;
}

static bool shares_blocks(const struct fs_root *root, int from)
{
	const struct fs_aside name = unique_name(root);
	AUTO_CLOSE int to = make(&name);
	if (to < 0)
		return false;

	bool can = file_clone(from, to) == 0;
	unmake(&name);
	return can;
}

static bool takes_pipes(int fd)
{
	AUTO_CLOSE int out = -1;
	AUTO_CLOSE int in = -1;

	return pipe_open(&out, &in) == 0 && out_write(in, "x", 1) == 1
	       && file_splice(out, fd, 0, 1) == 1;
}

static bool clock_is_coarse(int fd)
{
	struct statx st;

	return file_set_mtime(fd, PROBE_MTIME_NS) == 0 && file_stat(fd, "", &st) == 0
	       && st.stx_mtime.tv_nsec != PROBE_MTIME_NS % (int64_t)NS_PER_SEC;
}

static void probe_by_writing(struct fs_root *root, bool plain)
{
	const struct fs_aside name = unique_name(root);
	AUTO_CLOSE int fd = make(&name);
	if (fd < 0)
		return;

	root->can.attributes = file_attr_set(fd, "user.prefork.probe", "1", 1, 0) == 0;
	root->can.coarse_clock = clock_is_coarse(fd);
	if (!plain) {
		root->can.unnamed = makes_unnamed(root);
		root->can.noreplace = renames_with(root, RENAME_NOREPLACE);
		root->can.exchange = renames_with(root, RENAME_EXCHANGE);
		root->can.splice = takes_pipes(fd);
		root->can.reflink =
			file_write_at(fd, "x", 1, 0) == 0 && shares_blocks(root, fd);
	}
	unmake(&name);
}

/* Extended attributes can be read without being written; a file system without them says
 * so. */
static bool attributes_are_read(const struct fs_root *root)
{
	char byte;

	return file_attr_get(root->fd, "user.prefork.probe", &byte, 1) != -EOPNOTSUPP;
}

void fs_probe(struct fs_root *root, bool plain)
{
	struct statx st;

	root->can.shadowed = file_stat(root->fd, FS_RESERVED, &st) == 0;
	root->can.case_blind = root->private >= 0
			       && file_stat(root->fd, ".PREFORK", &st) == 0
			       && st.stx_ino == root->private_inode;
	if (root->can.writable)
		probe_by_writing(root, plain);
	else
		root->can.attributes = attributes_are_read(root);
}
