/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * result - how every call of this room ends.
 *
 * One list, because the errors of a file system are one list whatever was
 * asked of it; the drive maps it to statuses in one place.
 */

enum fs_result {
	FS_OK = 0,
	FS_END,           /* of a listing or a walk: there is no more */
	FS_NOT_FOUND,     /* nothing has that name, or the name is not for strangers */
	FS_NO_PARENT,     /* the directory it would stand in is missing, or is a file */
	FS_NOT_DIRECTORY, /* a file, where a directory was meant */
	FS_IS_DIRECTORY,  /* a directory, where a file was meant */
	FS_NOT_EMPTY,     /* a directory that still holds something */
	FS_EXISTS,        /* the name is taken, and it had to be free */
	FS_CHANGED,       /* the caller's condition does not hold (any more) */
	FS_LOCKED, /* the caller's fence does not allow it: somebody's lock is in the way */
	FS_FORBIDDEN,     /* by permissions, by our name rules, or it is a device, FIFO or
			     socket */
	FS_OUTSIDE,       /* the path leads out of the root, or round in a loop of links */
	FS_READ_ONLY,     /* the file system, or the root by option */
	FS_NO_SPACE,      /* the disk or a quota is full */
	FS_TOO_LARGE,     /* for the file system */
	FS_TOO_LONG,      /* the path or a name in it */
	FS_TOO_DEEP,      /* below the last level a walk goes to */
	FS_SAME,          /* source and destination are one thing */
	FS_INSIDE_ITSELF, /* source and destination contain one another */
	FS_BUSY,          /* in use: a mount point, a lease, or renames that never rested */
	FS_NO_DESCRIPTORS, /* the process or the machine has none left */
	FS_NO_MEMORY,
	FS_UNSUPPORTED, /* by this file system: attributes above all */
	FS_PARTIAL,     /* some of a tree: the caller's `failed` was told which */
	FS_CANCELLED,   /* by the caller's go_on */
	FS_IO,          /* the disk, or an error that should not happen; errno says which */
	FS_N_RESULTS,
};

/**
 * fs_result_of - the result for what os/file returned.
 *
 * @err is 0 or positive (FS_OK) or -errno. Leaves errno saying it, so that who
 * logs an FS_IO can name it. -EXDEV is FS_OUTSIDE: callers of rename and link
 * see to theirs before they ask.
 */
[[nodiscard]] enum fs_result fs_result_of(int err);

/* For logs: "not-found". */
const char *fs_result_name(enum fs_result result);
