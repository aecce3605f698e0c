/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/result.h"

#include <errno.h>

enum fs_result fs_result_of(int err)
{
	if (err >= 0)
		return FS_OK;

	errno = -err;
	switch (-err) {
	case ENOENT:
	case ENOTDIR: /* a file in the middle of the path: below it there is nothing */
	case ESTALE: return FS_NOT_FOUND;
	case EISDIR: return FS_IS_DIRECTORY;
	case ENOTEMPTY: return FS_NOT_EMPTY;
	case EEXIST: return FS_EXISTS;
	case EACCES:
	case EPERM:
	case ENXIO: /* opened a socket, or a device without a driver */
	case ENODEV: return FS_FORBIDDEN;
	case EXDEV:
	case ELOOP: return FS_OUTSIDE;
	case EROFS: return FS_READ_ONLY;
	case ENOSPC:
	case EDQUOT: return FS_NO_SPACE;
	case EFBIG:
	case EOVERFLOW: return FS_TOO_LARGE;
	case ENAMETOOLONG: return FS_TOO_LONG;
	case EBUSY:
	case ETXTBSY:
	case EAGAIN: return FS_BUSY;
	case EMFILE:
	case ENFILE: return FS_NO_DESCRIPTORS;
	case ENOMEM: return FS_NO_MEMORY;
	case EOPNOTSUPP:
	case ENOSYS: return FS_UNSUPPORTED;
	case EINVAL:
		return FS_FORBIDDEN; /* a name the file system will not have (vfat,
					casefold) */
	default: return FS_IO;
	}
}

const char *fs_result_name(enum fs_result result)
{
	static const char *const names[FS_N_RESULTS] = {
		[FS_OK] = "ok",
		[FS_END] = "end",
		[FS_NOT_FOUND] = "not-found",
		[FS_NO_PARENT] = "no-parent",
		[FS_NOT_DIRECTORY] = "not-directory",
		[FS_IS_DIRECTORY] = "is-directory",
		[FS_NOT_EMPTY] = "not-empty",
		[FS_EXISTS] = "exists",
		[FS_CHANGED] = "changed",
		[FS_LOCKED] = "locked",
		[FS_FORBIDDEN] = "forbidden",
		[FS_OUTSIDE] = "outside",
		[FS_READ_ONLY] = "read-only",
		[FS_NO_SPACE] = "no-space",
		[FS_TOO_LARGE] = "too-large",
		[FS_TOO_LONG] = "too-long",
		[FS_TOO_DEEP] = "too-deep",
		[FS_SAME] = "same",
		[FS_INSIDE_ITSELF] = "inside-itself",
		[FS_BUSY] = "busy",
		[FS_NO_DESCRIPTORS] = "no-descriptors",
		[FS_NO_MEMORY] = "no-memory",
		[FS_UNSUPPORTED] = "unsupported",
		[FS_PARTIAL] = "partial",
		[FS_CANCELLED] = "cancelled",
		[FS_IO] = "io",
	};

	return (unsigned)result < FS_N_RESULTS ? names[result] : "unknown";
}
