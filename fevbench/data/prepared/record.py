"""What is known of a take before it is prepared, and the record of what came of it."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fevbench.data.layouts.layout import Phase, Take
from fevbench.data.layouts.tree import legible
from fevbench.data.prepared.manifest import CLIPS, FORMAT, RECORDS, ClipEntry, Recipe, SkipEntry
from fevbench.data.prepared.source import sha256_of_all
from fevbench.data.prepared.square import Eyes
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.hashing import sha256_of


@dataclass(frozen=True)
class Job:
    """A take to prepare.

    Attributes:
        take: The take.
        root: The downloaded folder.
        out: The prepared folder.
        recipe: How a take becomes a clip.
        phase: How takes of this data set run.
        fps: Frames a second where the files do not say.
        eyes: Finds the faces of a frame, and tells whose they are.
    """

    take: Take
    root: Path
    out: Path
    recipe: Recipe
    phase: Phase
    fps: float
    eyes: Eyes

    @property
    def source(self) -> str:
        """The take's path below the downloaded folder."""
        path = self.take.files[0]
        shown = path if len(self.take.files) == 1 else path.parent
        return printable(shown, self.root)

    @property
    def clip(self) -> Path:
        """The clip's file."""
        return self.out / CLIPS / f"{self.take.id}{LOSSLESS_SUFFIX}"

    @property
    def record(self) -> Path:
        """The record's file."""
        return self.out / RECORDS / f"{self.take.id}.json"

    @functools.cached_property
    def origin(self) -> str:
        """The sha256 of what the clip follows from: the recipe, and the files by name, size and time."""
        return self._digest([(path.name, *_stamp(path)) for path in self.take.files], self.source)

    @functools.cached_property
    def likeness(self) -> str:
        """The same without times and the take's path, which a copy of the downloaded folder need not keep."""
        return self._digest([(path.name, _stamp(path)[0]) for path in self.take.files], "")

    def _digest(self, files: Sequence[tuple[object, ...]], source: str) -> str:
        take = self.take
        what = (FORMAT, take.id, take.subject, take.label, source, files, self.phase, self.fps)
        return hashlib.sha256(f"{what!r}{self.recipe!r}".encode(errors="backslashreplace")).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # it is told of when it is read
        return 0, 0
    return status.st_size, status.st_mtime_ns


class Record(BaseModel):
    """What came of a take.

    Attributes:
        origin: See `Job.origin`.
        likeness: See `Job.likeness`; empty if it was not kept yet.
        clip: The clip, if there is one.
        skipped: Why there is none.
    """

    model_config = ConfigDict(extra="forbid")

    origin: str
    likeness: str = ""
    clip: ClipEntry | None = None
    skipped: SkipEntry | None = None


def read_record(job: Job) -> Record | None:
    """The record of a take whose clip, if any, is there; None if it must be prepared."""
    record = _read(job)
    return record if record and record.origin == job.origin and _is_whole(job, record) else None


def is_alike(job: Job) -> bool:
    """Whether an earlier preparation saw the same take: its files by name and size, whatever came of it."""
    record = _read(job)
    return record is not None and (record.origin == job.origin or record.likeness == job.likeness)


def _read(job: Job) -> Record | None:
    try:
        return Record.model_validate_json(job.record.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def _is_whole(job: Job, record: Record) -> bool:
    """Whether the clip of a record, if any, is the file that was written."""
    try:
        return not record.clip or sha256_of(job.clip) == record.clip.sha256
    except OSError:
        return False


def reusable(job: Job) -> ClipEntry | None:
    """The clip that is there, if its take was but moved or copied since."""
    record = _read(job)
    if not record or not record.clip or record.likeness != job.likeness or not _is_whole(job, record):
        return None
    try:
        same = sha256_of_all(job.take.files) == record.clip.source_sha256
    except OSError:  # it is told of when it is prepared
        same = False
    return record.clip.model_copy(update={"source": job.source}) if same else None


def printable(path: Path, root: Path) -> str:
    """A path below the downloaded folder, in Unicode; where that folder is, concerns nobody else."""
    if path.is_absolute():
        path = Path(os.path.relpath(path, root))
    return legible(path.as_posix())


def told(text: str, root: Path) -> str:
    """A text in Unicode that names files by their paths below the downloaded folder."""
    return legible(text.replace(f"{root}{os.sep}", ""))
