"""One recording, images or one video, to one clip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from fevbench.atomic import write_text
from fevbench.data.clip import Frames
from fevbench.data.facts import FileFacts
from fevbench.data.framing import cut_out
from fevbench.data.members import frames_of
from fevbench.data.pictures import is_animation, read_picture
from fevbench.data.prepared.face import LEAST_FOUND, search_faces
from fevbench.data.prepared.job import Job, JobRecord, relative_text, reusable
from fevbench.data.prepared.manifest import ClipEntry, SkipEntry
from fevbench.data.prepared.sampling import choose, rate, stillest, strongest
from fevbench.data.prepared.splits import perceptual_hash
from fevbench.data.video import content_digest, examine, is_clip, read_clip, stream_video, write_clip
from fevbench.errors import VideoError
from fevbench.hashing import sha256_of, sha256_of_files

RATES = (1, 500)
"""Plausible frames per second of a camera; some recorders write the ticks of their clock instead."""


class RecordingFrames:
    """The frames of one recording.

    Attributes:
        count: Number of frames: those of a video that decode, or all files of a folder.
        facts: The facts of the files; complete once all frames were read.
        fps: Frames per second, if a video gives a rate in `RATES`.
        times: Second of each frame, if the rate varies; None if it is constant or unknown.
        damaged: Images that could not be decoded, by number, and why; filled while reading.

    Raises:
        VideoError: The video cannot be decoded to its end, or the pictures are not one clip.
    """

    def __init__(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self._video = len(files) == 1 and is_clip(files[0])
        self.fps: float | None = None
        self.times: list[float] | None = None
        self.facts = FileFacts()
        self.damaged: dict[int, str] = {}
        self.count = len(files)
        if not self._video:
            members = frames_of(files[0].parent, files)
            if members.gap:
                self.facts.note(f"numbers of frames jump ({members.gap})")
            return
        self.facts = facts = examine(files[0])
        self.count, self.fps = facts.count, facts.fps
        if facts.uneven:
            self.times = list(facts.times)
            self.fps = (self.count - 1) / (self.times[-1] - self.times[0])
            facts.note("the frame rate varies, so frames were chosen by time")
        if self.fps and not RATES[0] <= self.fps <= RATES[1]:
            facts.note(f"its header says {self.fps:g} frames a second, which cannot be")
            self.fps = self.times = None

    @property
    def notes(self) -> list[str]:
        """Notes on the recording."""
        return self.facts.notes

    def frames(self, wanted: Callable[[int], bool] = lambda i: True) -> Iterator[tuple[int, Frames]]:
        """Yield the number and pixels ``uint8[H, W, 3]`` of the wanted frames that can be decoded."""
        if self._video:
            path = self._files[0]
            shown = read_clip(path) if is_animation(path) else stream_video(path, self.facts)
            for i, frame in enumerate(shown):
                if wanted(i):
                    yield i, frame
            return
        for i, path in enumerate(self._files):
            if wanted(i) and i not in self.damaged:
                try:
                    frame = read_picture(path, self.facts)
                except VideoError as error:
                    self.damaged[i] = error.what
                    continue
                yield i, frame


DAMAGED = 0.1
"""Largest share of damaged frames in a recording; each is replaced by the nearest undamaged one."""


class NoClip(Exception):
    """A recording that gives no clip."""

    def __init__(self, why: str, detail: str = "") -> None:
        self.why = why
        self.detail = detail
        super().__init__(why)


def prepare_recording(job: Job) -> JobRecord:
    """Prepare one recording, and write its clip and its record."""
    try:
        clip, skipped = reusable(job) or _prepare(job), None
    except NoClip as no:
        detail = relative_text(no.detail, job.root)
        clip, skipped = None, SkipEntry(what=job.source, why=no.why, detail=detail)
        job.clip.unlink(missing_ok=True)
    record = JobRecord(origin=job.origin, likeness=job.likeness, clip=clip, skipped=skipped)
    write_text(job.record, record.model_dump_json(indent=1) + "\n")
    return record


def _prepare(job: Job) -> ClipEntry:
    try:
        source = RecordingFrames(job.recording.files)
        if source.count < 2:
            raise NoClip("too short", f"{source.count} frame")
        return _clip(job, source)
    except VideoError as error:
        raise NoClip("cannot be decoded", error.what) from error
    except OSError as error:
        if error.filename and Path(os.fsdecode(error.filename)).is_relative_to(job.root):
            raise NoClip("cannot be read", f"{error.filename}: {error.strerror}") from error
        raise  # an error of the prepared folder, which other recordings would raise, too


def _clip(job: Job, source: RecordingFrames) -> ClipEntry:
    recipe = job.recipe
    numbers = {int(i) for i in np.linspace(0, source.count - 1, recipe.looks).round()}
    seen = dict(source.frames(numbers.__contains__))
    if not seen:
        raise NoClip("cannot be decoded", next(iter(source.damaged.values())))
    size = _size(seen)
    search = search_faces(seen, job.read_faces)
    if search.faces <= LEAST_FOUND * search.looks:
        raise NoClip("no face", search.shown())
    placement = search.placement(recipe.align)
    squares: dict[int, Frames] = {}
    for i, frame in source.frames():
        if (frame.shape[1], frame.shape[0]) != size:
            raise _mixed([size, (frame.shape[1], frame.shape[0])])
        squares[i] = cut_out(frame, placement, recipe.size)
    notes = [*job.recording.notes, *source.notes, *_damage(source, job.root)]
    frames = _filled(squares, source.count)
    neutral = stillest(frames) if recipe.neutral == "stillest" else 0
    shown = _nearest(sorted(squares), neutral)
    if not search.shows(shown, lambda: job.read_faces(dict(source.frames(shown.__eq__))[shown])):
        raise NoClip("no face in frame 0", f"{search.shown()}, none in frame {shown}, which a model is given")
    apex = _apex(job, frames, neutral)
    taken = choose(len(frames), neutral, apex, recipe.frames, recipe.sampling, recipe.short, source.times)
    if not taken:
        raise NoClip(
            "too short", f"{(apex or source.count - 1) - neutral + 1} frames from the neutral one on"
        )
    if len(set(taken)) < len(taken):
        notes.append(f"{len(set(taken))} different frames of {len(taken)}")
    notes += search.notes(placement)
    clip = np.ascontiguousarray(frames[taken])
    fps = rate(source.fps or job.fps, taken, source.times)
    write_clip(job.clip, clip, fps)
    return ClipEntry(
        id=job.recording.id,
        subject=job.recording.subject,
        label=job.recording.label,
        native_label=job.recording.native_label,
        source=job.source,
        source_sha256=sha256_of_files(job.recording.files),
        source_frames=source.count,
        source_size=size,
        source_form=source.facts.form,
        source_lossy=source.facts.lossy,
        source_checked=source.facts.checked,
        neutral=neutral,
        apex=apex,
        taken=taken,
        fps=round(fps, 3),
        faces=search.faces,
        looks=search.looks,
        placement=np.round(placement, 3).tolist(),
        sha256=sha256_of(job.clip),
        bytes=job.clip.stat().st_size,
        pixels_sha256=content_digest(clip),
        hashes=[perceptual_hash(clip[i]) for i in (0, len(clip) // 2, len(clip) - 1)],
        notes=notes,
    )


def _apex(job: Job, frames: Frames, neutral: int) -> int | None:
    if job.recipe.sampling != "onset-apex":
        return None
    return len(frames) - 1 if job.phase == "neutral-apex" else strongest(frames, neutral)


def _size(frames: Mapping[int, Frames]) -> tuple[int, int]:
    """Width and height of all frames."""
    sizes = sorted({(frame.shape[1], frame.shape[0]) for frame in frames.values()})
    if len(sizes) > 1:
        raise _mixed(sizes)
    return sizes[0]


def _mixed(sizes: list[tuple[int, int]]) -> NoClip:
    return NoClip("mixed frame sizes", ", ".join(f"{width}x{height}" for width, height in sizes))


def _damage(source: RecordingFrames, root: Path) -> list[str]:
    """The note on damaged frames; too many of them make a recording unusable."""
    damaged = source.damaged
    if len(damaged) > DAMAGED * source.count:
        first = next(iter(damaged.values()))
        raise NoClip("cannot be decoded", f"{len(damaged)} of {source.count} frames are damaged; {first}")
    return [
        f"its nearest stands for frame {i}: {relative_text(why, root)}" for i, why in sorted(damaged.items())
    ]


def _filled(squares: dict[int, Frames], count: int) -> Frames:
    """All frames, so that the timing is kept: damaged ones are replaced by the nearest undamaged one."""
    there = sorted(squares)
    return np.stack([squares[_nearest(there, i)] for i in range(count)])


def _nearest(there: Sequence[int], i: int) -> int:
    return min(there, key=lambda j: abs(j - i))
