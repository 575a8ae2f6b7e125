"""A recording to prepare, the record of its outcome, and the folder of the prepared set."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fevbench.atomic import check_writable, write_text
from fevbench.data.layouts.folder_walk import legible
from fevbench.data.layouts.layout import Phase, Recording
from fevbench.data.prepared.face import ReadFaces
from fevbench.data.prepared.manifest import CLIPS, FORMAT, MANIFEST, RECORDS, ClipEntry, Recipe, SkipEntry
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.errors import DatasetError
from fevbench.hashing import sha256_of, sha256_of_files
from fevbench.locks import locked
from fevbench.records import Record

SETTINGS_FILE = "prepare.json"
LOCK_FILE = ".lock"


@dataclass(frozen=True)
class Job:
    """A recording to prepare.

    Attributes:
        fps: Frames per second if the files do not tell.
        read_faces: Finds the faces of a frame, with their embeddings.
    """

    recording: Recording
    root: Path
    out: Path
    recipe: Recipe
    phase: Phase
    fps: float
    read_faces: ReadFaces

    @property
    def source(self) -> str:
        """The recording's path below the downloaded folder."""
        path = self.recording.files[0]
        shown = path if len(self.recording.files) == 1 else path.parent
        return printable(shown, self.root)

    @property
    def clip(self) -> Path:
        """The clip's file."""
        return self.out / CLIPS / f"{self.recording.id}{LOSSLESS_SUFFIX}"

    @property
    def record(self) -> Path:
        """The record's file."""
        return self.out / RECORDS / f"{self.recording.id}.json"

    @functools.cached_property
    def origin(self) -> str:
        """The sha256 of what determines the clip: the recipe, and the files by name, size and time."""
        return self._digest([(path.name, *_stamp(path)) for path in self.recording.files], self.source)

    @functools.cached_property
    def likeness(self) -> str:
        """The same without times and the recording's path, which a copy of the download may change."""
        return self._digest([(path.name, _stamp(path)[0]) for path in self.recording.files], "")

    def _digest(self, files: Sequence[tuple[object, ...]], source: str) -> str:
        recording = self.recording
        what = (FORMAT, recording.id, recording.subject, recording.label, source, files, self.phase, self.fps)
        return hashlib.sha256(f"{what!r}{self.recipe!r}".encode(errors="backslashreplace")).hexdigest()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # reading it will raise the error
        return 0, 0
    return status.st_size, status.st_mtime_ns


class JobRecord(Record):
    """The outcome of a recording; ``likeness`` as `Job.likeness`, empty in older records."""

    origin: str
    likeness: str = ""
    clip: ClipEntry | None = None
    skipped: SkipEntry | None = None


def read_record(job: Job) -> JobRecord | None:
    """The record of a finished recording; None if it must be prepared."""
    record = _read(job)
    return record if record and record.origin == job.origin and _is_whole(job, record) else None


def is_known(job: Job) -> bool:
    """Whether an earlier preparation saw the same recording, by its files' names and sizes."""
    record = _read(job)
    return record is not None and (record.origin == job.origin or record.likeness == job.likeness)


def _read(job: Job) -> JobRecord | None:
    try:
        return JobRecord.model_validate_json(job.record.read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def _is_whole(job: Job, record: JobRecord) -> bool:
    """Whether the clip of a record, if any, is unchanged."""
    try:
        return not record.clip or sha256_of(job.clip) == record.clip.sha256
    except OSError:
        return False


def reusable(job: Job) -> ClipEntry | None:
    """The existing clip, if its recording was only moved or copied since."""
    record = _read(job)
    if not record or not record.clip or record.likeness != job.likeness or not _is_whole(job, record):
        return None
    try:
        same = sha256_of_files(job.recording.files) == record.clip.source_sha256
    except OSError:  # preparing it will raise the error
        same = False
    return record.clip.model_copy(update={"source": job.source}) if same else None


def printable(path: Path, root: Path) -> str:
    """A path below the downloaded folder, in Unicode, without that folder's own path."""
    if path.is_absolute():
        path = Path(os.path.relpath(path, root))
    return legible(path.as_posix())


def relative_text(text: str, root: Path) -> str:
    """A text in Unicode that names files by their paths below the downloaded folder."""
    return legible(text.replace(f"{root}{os.sep}", ""))


@contextlib.contextmanager
def hold_folder(out: Path, settings: str, jobs: Iterable[Job]) -> Iterator[None]:
    """Lock the folder of a prepared set for the block.

    ``settings`` is one line that says what the set is and how its clips are made; ``jobs`` are all recordings
    of the source, wanted or not.

    Raises:
        DatasetError: Another process is writing to it, or it holds another set, or one with other settings or
            from another source.
        FevbenchError: It cannot be written.
    """
    check_writable(out / MANIFEST)
    with locked(out / LOCK_FILE, 0) as held:
        if held is False:
            raise DatasetError(
                f"another process is writing to {out}", "wait until it is done, or choose another --out"
            )
        # Some network file systems have no locks. Files are still written atomically.
        _check_settings(out, settings)
        _check_source(out, jobs)
        yield


def _check_settings(out: Path, settings: str) -> None:
    """Refuse other settings, whose clips would not be comparable."""
    file = out / SETTINGS_FILE
    if file.exists():
        before = file.read_text(encoding="utf-8")
        if before == settings.partition(" ")[2]:  # format 1 did not store its number
            raise DatasetError(
                f"{out} holds a set prepared by an earlier fevbench, whose rules gave other pixels",
                "choose another --out, or delete it (this version can still read it)",
            )
        if before != settings:
            raise DatasetError(
                f"{out} holds a set prepared with other settings", "choose another --out, or delete it"
            )
    elif any(not path.name.startswith(".") for path in out.iterdir()):
        raise DatasetError(f"{out} is not empty and holds no prepared set", "choose another --out")
    write_text(file, settings)


def _check_source(out: Path, jobs: Iterable[Job]) -> None:
    """Refuse another source, whose clips must neither be replaced nor mixed with these.

    A source is recognised by its recordings, not by its path: it may be mounted elsewhere, have grown or
    have been tidied. One that shares no recording with the earlier source is another.
    """
    if any((out / CLIPS).glob(f"*{LOSSLESS_SUFFIX}")) and not any(map(is_known, jobs)):
        raise DatasetError(
            f"{out} holds a set prepared from another source", "choose another --out, or delete it"
        )
