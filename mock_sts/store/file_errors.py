"""What errors of files mean: of a database that is one, and of those that are kept beside it."""

import errno

#: Why a file cannot be used, and what to do.
FULL = ("the disk is full", "make room; nothing is lost, and a server that is running goes on by itself")
READ_ONLY = ("it may not be written to", "change the rights of file and folder, or how it is mounted")
BROKEN = (
    "the disk refuses to read or write",
    "see whether it is full or broken; a server that is running goes on by itself when it is mended",
)

#: There are too many files open, here or in the whole machine: no fault of this one.
_TOO_MANY = ("too many files are open", "raise the limit on open files (ulimit -n)")

_MEANINGS = {
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _TOO_MANY),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), READ_ONLY),
}


def meaning_of_file_error(error: OSError) -> tuple[str, str]:
    """Why a file beside the database cannot be used, and what to do."""
    return _MEANINGS.get(error.errno or 0, BROKEN)
