"""The temporary folder in the cache that files come in through, held by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fevbench.errors import WeightsError, way_out
from fevbench.weights import store

_PREFIX = ".pull-"


@contextlib.contextmanager
def workspace(cache: Path) -> Iterator[Path]:
    """Yield a temporary folder in the cache, held by one process at a time.

    The lock dies with its process, so whoever holds it may remove what a killed one left.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = (cache / ".lock").open("w")
    except OSError as error:
        raise unwritable(error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            # Some network file systems have no locks: then both download, and the last rename wins.
            locked = False
        else:
            locked = True
        if locked:
            for stale in cache.glob(f"{_PREFIX}*"):
                shutil.rmtree(stale, ignore_errors=True)
        try:
            folder = tempfile.mkdtemp(prefix=_PREFIX, dir=cache)
        except OSError as error:
            raise unwritable(error) from error
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def unwritable(error: OSError) -> WeightsError:
    """Return the error for a cache that cannot be written."""
    return WeightsError(
        f"{error.filename or store.cache()} cannot be written: {error.strerror or error}",
        way_out(error, "set FEVBENCH_HOME to another folder"),
    )
