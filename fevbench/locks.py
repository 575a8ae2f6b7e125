"""Locks between processes, on files: held while their process lives, on this machine or on another.

A lock is a locked, empty file. The system releases it when its process dies. Process ids are not used,
because another container or machine that shares the folder has different ones.
"""

from __future__ import annotations

import contextlib
import errno
import warnings
from collections.abc import Iterator
from pathlib import Path

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""Errors of file systems that do not support locks."""


@contextlib.contextmanager
def locked(file: Path, patience: float = -1) -> Iterator[bool | None]:
    """Hold a lock while the block runs, and remove its file afterwards.

    Yields whether it is held: False if another process held it for longer than ``patience`` seconds (a
    negative number waits for ever), None if the file system does not support locks.
    """
    # Only for those who write: not for `fevbench --help`.
    from filelock import FileLock, Timeout

    lock = FileLock(file, timeout=patience)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a file system needs another kind of lock
            lock.acquire()
            while not file.exists():  # removed by its last holder, so nobody else would find it locked
                lock.release()
                lock.acquire()
    except Timeout:
        yield False
        return
    except NotImplementedError:
        yield None
        return
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        yield None
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # on a disk that became read-only, say; it is let go all the same
            file.unlink()
        lock.release()
