"""Making a folder one prepared set's: of one source, with one recipe, by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterable, Iterator
from pathlib import Path

from fevbench.atomic import check_writable, write_text
from fevbench.data.prepared.manifest import CLIPS, MANIFEST
from fevbench.data.prepared.record import Job, is_alike
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.errors import DatasetError

SETTINGS_FILE = "prepare.json"
LOCK_FILE = ".lock"


@contextlib.contextmanager
def claimed(out: Path, settings: str, jobs: Iterable[Job]) -> Iterator[None]:
    """Hold the folder of a prepared set while the block runs.

    Args:
        out: The folder.
        settings: One line that says what the set is and how its takes become clips.
        jobs: All takes of the source, wanted or not.

    Raises:
        DatasetError: Another process prepares into it, or it holds something else: another set, one prepared
            with other settings, or one of another source.
        FevbenchError: It cannot be written.
    """
    check_writable(out / MANIFEST)
    with _held(out):
        _check_settings(out, settings)
        _check_source(out, jobs)
        yield


@contextlib.contextmanager
def _held(out: Path) -> Iterator[None]:
    """The lock dies with its process."""
    with (out / LOCK_FILE).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                f"another process prepares into {out}", "wait until it is done, or choose another --out"
            ) from None
        except OSError:
            # Some network file systems have no locks. Files are then still written whole.
            pass
        yield


def _check_settings(out: Path, settings: str) -> None:
    """Other settings would mix clips that do not compare."""
    file = out / SETTINGS_FILE
    if file.exists():
        before = file.read_text(encoding="utf-8")
        if before == settings.partition(" ")[2]:  # format 1 did not say its number
            raise DatasetError(
                f"{out} holds a set that an earlier fevbench prepared, whose rules gave other pixels",
                "choose another --out, or delete it; it can still be opened",
            )
        if before != settings:
            raise DatasetError(
                f"{out} holds a set prepared with other settings", "choose another --out, or delete it"
            )
    elif any(not path.name.startswith(".") for path in out.iterdir()):
        raise DatasetError(f"{out} is not empty and holds no prepared set", "choose another --out")
    write_text(file, settings)


def _check_source(out: Path, jobs: Iterable[Job]) -> None:
    """Clips of another source must not be replaced, nor lie among those of this one.

    A source is known by its takes, not by its path: it may be mounted elsewhere, have grown or have been
    tidied, but one that shares no take with what was prepared before is another.
    """
    if any((out / CLIPS).glob(f"*{LOSSLESS_SUFFIX}")) and not any(map(is_alike, jobs)):
        raise DatasetError(
            f"{out} holds a set prepared from another source", "choose another --out, or delete it"
        )
