"""One take to one clip, and the record of what came of it."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from fevbench.atomic import write_text
from fevbench.data.framing import cut_out
from fevbench.data.layouts.layout import Phase, Take
from fevbench.data.layouts.tree import legible
from fevbench.data.prepared.duplicates import perceptual_hash
from fevbench.data.prepared.manifest import CLIPS, FORMAT, RECORDS, ClipEntry, Recipe, SkipEntry
from fevbench.data.prepared.sampling import choose, rate, stillest, strongest
from fevbench.data.prepared.source import Source, sha256_of_all
from fevbench.data.prepared.square import CANVASES, look
from fevbench.data.video import LOSSLESS_SUFFIX, content_digest, write_clip
from fevbench.errors import VideoError
from fevbench.extractors.faces import FaceFinder
from fevbench.hashing import sha256_of

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

DAMAGED = 0.1
"""Part of a take's frames that may be damaged; the nearest whole one then stands for each."""
LEAST_FACES = 0.5
"""Part of the frames looked at in which there must be a face; half is not enough."""


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
        detector: The face detector's file.
    """

    take: Take
    root: Path
    out: Path
    recipe: Recipe
    phase: Phase
    fps: float
    detector: Path

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


class NoClip(Exception):
    """A take that gives no clip."""

    def __init__(self, why: str, detail: str = "") -> None:
        self.why = why
        self.detail = detail
        super().__init__(why)


def read_record(job: Job) -> Record | None:
    """The record of a take whose clip, if any, is there; None if it must be prepared."""
    record = _read(job)
    return record if record and record.origin == job.origin and _is_whole(job, record) else None


def is_alike(job: Job) -> bool:
    """Whether an earlier preparation saw the same take: its files by name and size, whatever came of it."""
    record = _read(job)
    return record is not None and (record.origin == job.origin or record.likeness == job.likeness)


def prepare_take(job: Job) -> Record:
    """Prepare one take, and write its clip and its record.

    Raises:
        OSError: The disk is full or the folder cannot be written.
    """
    try:
        clip, skipped = _copied(job) or _prepare(job), None
    except NoClip as no:
        detail = told(no.detail, job.root)
        clip, skipped = None, SkipEntry(what=job.source, why=no.why, detail=detail)
        job.clip.unlink(missing_ok=True)
    record = Record(origin=job.origin, likeness=job.likeness, clip=clip, skipped=skipped)
    write_text(job.record, record.model_dump_json(indent=1) + "\n")
    return record


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


def _copied(job: Job) -> ClipEntry | None:
    """The clip that is there, if its take was but moved or copied since."""
    record = _read(job)
    if not record or not record.clip or record.likeness != job.likeness or not _is_whole(job, record):
        return None
    try:
        same = sha256_of_all(job.take.files) == record.clip.source_sha256
    except OSError:  # it is told of when it is prepared
        same = False
    return record.clip.model_copy(update={"source": job.source}) if same else None


def _prepare(job: Job) -> ClipEntry:
    try:
        source = Source(job.take.files)
        if source.count < 2:
            raise NoClip("too short", f"{source.count} frame")
        return _clip(job, source)
    except VideoError as error:
        raise NoClip("cannot be decoded", error.what) from error
    except OSError as error:
        if error.filename and Path(os.fsdecode(error.filename)).is_relative_to(job.root):
            raise NoClip("cannot be read", f"{error.filename}: {error.strerror}") from error
        raise  # of the prepared folder: no other take would fare better


def _clip(job: Job, source: Source) -> ClipEntry:
    recipe = job.recipe
    moments = {int(i) for i in np.linspace(0, source.count - 1, recipe.looks).round()}
    seen = [frame for _, frame in source.frames(moments.__contains__)]
    _check_sizes(seen)
    looked = look(seen, _finder(job.detector), recipe.align)
    if looked.placement is None or looked.faces <= LEAST_FACES * looked.looks:
        if not seen:
            raise NoClip("cannot be decoded", next(iter(source.damaged.values())))
        raise NoClip("no face", f"a face in {looked.faces} of {looked.looks} frames looked at")
    size: tuple[int, int] = (seen[0].shape[1], seen[0].shape[0])
    cut: dict[int, Frames] = {}
    for i, frame in source.frames():
        if (frame.shape[1], frame.shape[0]) != size:
            raise _mixed([size, (frame.shape[1], frame.shape[0])])
        cut[i] = cut_out(frame, looked.placement, recipe.size)
    notes = [*job.take.notes, *source.notes, *_damage(source, job.root)]
    whole = _filled(cut, source.count)
    neutral = stillest(whole) if recipe.neutral == "stillest" else 0
    apex = _apex(job, whole, neutral)
    taken = choose(len(whole), neutral, apex, recipe.frames, recipe.sampling, recipe.short)
    if not taken:
        raise NoClip(
            "too short", f"{(apex or source.count - 1) - neutral + 1} frames from the neutral one on"
        )
    if len(set(taken)) < len(taken):
        notes.append(f"{len(set(taken))} different frames of {len(taken)}")
    if looked.faces < looked.looks:
        notes.append(f"a face in {looked.faces} of {looked.looks} frames looked at")
    if looked.several:
        notes.append(
            f"several faces in {looked.several} of {looked.looks} frames looked at; the largest counts"
        )
    clip = np.ascontiguousarray(whole[taken])
    fps = rate(source.fps or job.fps, taken)
    write_clip(job.clip, clip, fps)
    return ClipEntry(
        id=job.take.id,
        subject=job.take.subject,
        label=job.take.label,
        native_label=job.take.native_label,
        source=job.source,
        source_sha256=sha256_of_all(job.take.files),
        source_frames=source.count,
        source_size=size,
        neutral=neutral,
        apex=apex,
        taken=taken,
        fps=round(fps, 3),
        faces=looked.faces,
        looks=looked.looks,
        placement=np.round(looked.placement, 3).tolist(),
        sha256=sha256_of(job.clip),
        bytes=job.clip.stat().st_size,
        pixels_sha256=content_digest(clip),
        hashes=[perceptual_hash(clip[i]) for i in (0, len(clip) // 2, len(clip) - 1)],
        notes=notes,
    )


@functools.lru_cache(maxsize=1)
def _finder(detector: Path) -> FaceFinder:
    return FaceFinder("cpu", detector, CANVASES)


def _apex(job: Job, whole: Frames, neutral: int) -> int | None:
    if job.recipe.sampling != "onset-apex":
        return None
    return len(whole) - 1 if job.phase == "neutral-apex" else strongest(whole, neutral)


def _check_sizes(frames: list[Frames]) -> None:
    sizes = {(frame.shape[1], frame.shape[0]) for frame in frames}
    if len(sizes) > 1:
        raise _mixed(sorted(sizes))


def _mixed(sizes: list[tuple[int, int]]) -> NoClip:
    return NoClip("mixed frame sizes", ", ".join(f"{width}x{height}" for width, height in sizes))


def _damage(source: Source, root: Path) -> list[str]:
    """What to say of damaged frames; more than a few are no take."""
    damaged = source.damaged
    if len(damaged) > DAMAGED * source.count:
        first = next(iter(damaged.values()))
        raise NoClip("cannot be decoded", f"{len(damaged)} of {source.count} frames are damaged; {first}")
    return [f"its nearest stands for frame {i}: {told(why, root)}" for i, why in sorted(damaged.items())]


def _filled(cut: dict[int, Frames], count: int) -> Frames:
    """All frames of the take: the nearest whole one stands for each that is damaged, so that time is kept."""
    there = np.array(sorted(cut))
    return np.stack([cut[int(there[np.abs(there - i).argmin()])] for i in range(count)])


def printable(path: Path, root: Path) -> str:
    """A path below the downloaded folder, in Unicode; where that folder is, concerns nobody else."""
    if path.is_absolute():
        path = Path(os.path.relpath(path, root))
    return legible(path.as_posix())


def told(text: str, root: Path) -> str:
    """A text in Unicode that names files by their paths below the downloaded folder."""
    return legible(text.replace(f"{root}{os.sep}", ""))
