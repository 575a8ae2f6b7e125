"""Atomic file writes: a reader sees the old file or the new one, never half of either.

Pattern: write to a temporary file in the target's own folder (a rename is atomic only within one file
system), flush it to the disk, rename it over the target. The writing process keeps the temporary file locked.
If it is killed, an unlocked file ``.NAME.PID.*.part`` remains, which the next process that writes the same
target removes. (A folder is listed once per process, not for each file.) The process id in the name is only
for reading: in another container or on another machine it means nothing. The part itself is locked:
`fevbench.locks` would need another file beside it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fevbench.errors import FevbenchError, suggested_fix

_PART = re.compile(r"\.(?P<stem>.+)\.\d+\.[^.]+\.part(?P<suffix>(\.[^.]*)?)")
_left: dict[tuple[str, int, int], dict[tuple[str, str], list[str]]] = {}
"""Each folder that this process wrote to, and the names of the parts it held at first, by target."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` that replaces it when the block ends without an exception.

    Raises:
        OSError: The folder cannot be written, or the disk is full; ``path`` is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for name in _left_of(path.parent).pop((path.stem, path.suffix), ()):
        _sweep(path.parent / name)
    part = path.parent / f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}.part{path.suffix}"
    try:
        with _made(part):
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.chmod(0o644)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _left_of(folder: Path) -> dict[tuple[str, str], list[str]]:
    """The names of a folder's parts, by what they were to become; listed if it is new to this process."""
    found = folder.stat()
    key = (str(folder.absolute()), found.st_dev, found.st_ino)
    if key not in _left:
        parts: dict[tuple[str, str], list[str]] = {}
        for file in folder.iterdir():
            if part := _PART.fullmatch(file.name):
                parts.setdefault((part["stem"], part["suffix"]), []).append(file.name)
        _left[key] = parts
    return _left[key]


@contextlib.contextmanager
def _made(part: Path) -> Iterator[None]:
    """Make an empty file, for this user alone until it is whole, and keep it locked."""
    while True:
        # Opened for writing: network file systems lock for writing only what is.
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        with contextlib.suppress(OSError):  # some file systems know no locks; there, nothing is swept
            fcntl.flock(handle, fcntl.LOCK_EX)
        if part.exists():
            break
        os.close(handle)  # taken for a leftover before it was locked
    try:
        yield
    finally:
        os.close(handle)


def _sweep(part: Path) -> None:
    """Remove a part unless a process is still writing it and therefore has it locked."""
    with contextlib.suppress(OSError):
        handle = os.open(part, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)  # while it is locked: who has just made it sees that it is gone
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def check_writable(path: Path) -> None:
    """Check that a file can be written, before the work that is to fill it.

    Raises:
        FevbenchError: It cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        what = f"{path} cannot be written ({error.strerror})"
        raise FevbenchError(what, suggested_fix(error, "choose another --out")) from error
