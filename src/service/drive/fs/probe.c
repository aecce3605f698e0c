/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/probe.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

#define PROBE_MTIME_NS \
	1'000'000'000'123'456'789 /* a moment with a fraction of every length */

struct name {
	char text[FS_NAME_MAX];
};

static struct name unique_name(void)
{
	struct name name;
	char digits[FILE_UNIQUE_MAX];

	file_unique(digits);
	(void)snprintf(name.text, sizeof(name.text), FS_TEMP_PREFIX "%s", digits);
	return name;
}

static int make(const struct fs_root *root, const struct name *name)
{
	return file_open(root->tmp, name->text, O_RDWR | O_CREAT | O_EXCL, 0600);
}

/* Whether an open file of ours can be given @flags when it is renamed. Both names are gone
 * after. */
static bool renames_with(const struct fs_root *root, unsigned flags)
{
	struct name from = unique_name(), to = unique_name();
	AUTO_CLOSE int a = make(root, &from);
	AUTO_CLOSE int b = flags == RENAME_EXCHANGE ? make(root, &to) : -1;

	bool can =
		a >= 0 && file_rename(root->tmp, from.text, root->tmp, to.text, flags) == 0;
	(void)file_unlink(root->tmp, from.text); /* one of them may be there, or both */
	(void)file_unlink(root->tmp, to.text);
	return can;
}

static bool makes_unnamed(const struct fs_root *root)
{
	struct name name = unique_name();
	AUTO_CLOSE int fd = file_open(root->tmp, ".", O_RDWR | O_TMPFILE, 0600);

	if (fd < 0 || file_link_unnamed(fd, root->tmp, name.text) < 0)
		return false;
	return file_unlink(root->tmp, name.text) == 0;
}

static bool shares_blocks(const struct fs_root *root, int from)
{
	struct name name = unique_name();
	AUTO_CLOSE int to = make(root, &name);
	if (to < 0)
		return false;

	bool can = file_clone(from, to) == 0;
	(void)file_unlink(root->tmp, name.text); /* what remains the sweep takes */
	return can;
}

static bool clock_is_coarse(int fd)
{
	struct statx st;

	return file_set_mtime(fd, PROBE_MTIME_NS) == 0 && file_stat(fd, "", &st) == 0
	       && st.stx_mtime.tv_nsec != PROBE_MTIME_NS % (int64_t)NS_PER_SEC;
}

static void probe_by_writing(struct fs_root *root, bool plain)
{
	struct name name = unique_name();
	AUTO_CLOSE int fd = make(root, &name);
	if (fd < 0)
		return;

	root->can.attributes = file_attr_set(fd, "user.prefork.probe", "1", 1, 0) == 0;
	root->can.coarse_clock = clock_is_coarse(fd);
	if (!plain) {
		root->can.unnamed = makes_unnamed(root);
		root->can.noreplace = renames_with(root, RENAME_NOREPLACE);
		root->can.exchange = renames_with(root, RENAME_EXCHANGE);
		root->can.reflink =
			file_write_at(fd, "x", 1, 0) == 0 && shares_blocks(root, fd);
	}
	(void)file_unlink(root->tmp, name.text); /* what remains the sweep takes */
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
