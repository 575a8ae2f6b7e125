"""A rendered set in a folder: pictures, manifest and ground truth, joined by clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fevbench.data.clip import Clip, Frames, Subject
from fevbench.data.corpus import FrameStore
from fevbench.data.datasets import SPLITS
from fevbench.errors import DatasetError
from fevbench.fevsynth import Performance
from fevbench.fevsynth.adapter import RENDER_AGAIN, FEVSynth
from fevbench.fevsynth.truth import Truth


@dataclass(frozen=True)
class Shot:
    """One clip with its entry in the manifest.

    Attributes:
        row: Its row in the arrays of the ground truth.
        repetition: Which performance of this label by this subject, counted from 0.
        psnr: Of the stored frames against the rendered ones, dB.
    """

    clip: Clip
    row: int
    repetition: int
    performance: Performance
    psnr: float

    def peak(self, length: int) -> int:
        """The frame in the middle of the apex of a clip of ``length`` frames."""
        end = length if self.performance.offset is None else self.performance.offset
        return (self.performance.apex + end - 1) // 2


@dataclass(frozen=True)
class Neutral:
    """One neutral image, with its subject and take."""

    subject: str
    repetition: int


class RenderedSet:
    """A set with its ground truth.

    Attributes:
        length: Frames of a clip.
        size: Height and width of a frame.

    Raises:
        DatasetError: A file is missing or broken, or the truth is not that of the manifest's clips.
    """

    def __init__(self, data: FEVSynth) -> None:
        self.data = data
        self.truth: Truth = data.truth()
        self.manifest_file, self.truth_file, *_ = data.files()
        manifest: dict[str, Any] = json.loads(self.manifest_file.read_text(encoding="utf-8"))
        rows = {str(name): row for row, name in enumerate(self.truth.clips)}
        clips = {clip.id: clip for split in SPLITS for clip in data.clips(split)}
        try:
            self.length, self.size = int(manifest["frames"]), int(manifest["size"])
            self.shots = tuple(
                Shot(clips[e["id"]], rows[e["id"]], e["take"], data.performance(clips[e["id"]]), e["psnr"])
                for e in manifest["clips"]
            )
        except (KeyError, TypeError, ValueError) as error:
            what = f"{self.manifest_file} and the ground truth do not fit ({type(error).__name__}: {error})"
            raise DatasetError(what, RENDER_AGAIN) from error
        self.neutrals = tuple(Neutral(entry["subject"], entry["take"]) for entry in manifest["neutrals"])
        self.subjects: Mapping[str, Subject] = {subject.id: subject for subject in data.subjects()}
        self.labels = data.labels
        self.repetitions = tuple(range(data.repetitions))
        self._store: FrameStore[Frames] = FrameStore()

    def frames(self, shot: Shot) -> Frames:
        """The clip as stored: ``uint8[T, H, W, 3]``, read-only."""
        return self._store.get(shot.clip.id, lambda: self.data.frames(shot.clip))

    def at(self, shot: Shot, frames: Sequence[int]) -> Callable[[], Frames]:
        """A function that reads some frames of a clip."""
        return lambda: self.frames(shot)[list(frames)]

    def image(self, neutral: Neutral) -> Callable[[], Frames]:
        """A function that reads a neutral image: ``uint8[1, H, W, 3]``."""
        return lambda: self.data.neutral(neutral.subject, neutral.repetition)[None]
