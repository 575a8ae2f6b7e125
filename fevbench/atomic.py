"""Atomic file writes: a reader sees the old file or the new one, never half of either.

Pattern: write to a temporary file in the target's own folder (a rename is atomic only within one
file system), flush it to the disk, rename it over the target. A kill leaves at most a file called
``.NAME.PID.*.part``, which the next write of the same target removes once process PID is gone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fevbench.errors import FevbenchError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces ``path`` when the block ends without an exception.

    Args:
        path: The file to write. Its folder is created if need be.

    Yields:
        A path in the same folder, with the same suffix, for the block to write to.

    Raises:
        OSError: The folder cannot be written, or the disk is full; ``path`` is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part_of_path = re.compile(rf"\.{re.escape(path.stem)}\.(\d+)\.[^.]+\.part{re.escape(path.suffix)}")
    for sibling in path.parent.iterdir():
        if (match := part_of_path.fullmatch(sibling.name)) and not _is_alive(int(match[1])):
            sibling.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(f".part{path.suffix}", f".{path.stem}.{os.getpid()}.", path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces the folder ``path`` when the block ends without an exception.

    A folder cannot be replaced in one step: a kill between two leaves none. What a killed process left is
    removed as by `replacing`.

    Args:
        path: The folder to write. The one it is in is created if need be.

    Yields:
        An empty folder beside it for the block to fill.

    Raises:
        OSError: The folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part_of_path = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.[^.]+\.part")
    for sibling in path.parent.iterdir():
        if (match := part_of_path.fullmatch(sibling.name)) and not _is_alive(int(match[1])):
            shutil.rmtree(sibling, ignore_errors=True)
    part = Path(tempfile.mkdtemp(".part", f".{path.name}.{os.getpid()}.", path.parent))
    try:
        yield part
        part.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        part.replace(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, atomically."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def check_writable(path: Path) -> None:
    """See that a file can be written, before the work that is to fill it.

    Raises:
        FevbenchError: It cannot.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise FevbenchError(f"{path} cannot be written ({error.strerror})", "choose another --out") from error
