"""One clip from its seed: the same subject, label and take always give the same pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.assets import locate
from fevbench.data.fevsynth.render.expression import LABELS
from fevbench.data.fevsynth.render.frame import Painter
from fevbench.data.fevsynth.render.identity import Person, Studio
from fevbench.data.fevsynth.render.population import Subject
from fevbench.data.fevsynth.render.scene import SENSOR_NOISE, draw_scene
from fevbench.data.fevsynth.render.trajectory import draw_trajectory
from fevbench.data.fevsynth.render.writer import VERSION, read_notes, write_clip

Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class Job:
    """One clip to render.

    Attributes:
        subject: The person.
        label: The expression.
        take: Number of the performance.
        frames: Length.
        size: Width and height in pixels.
        path: The file to write.
        assets: Folder of the asset archives.
    """

    subject: Subject
    label: str
    take: int
    frames: int
    size: int
    path: Path
    assets: Path

    @property
    def origin(self) -> dict[str, Any]:
        """What the pixels follow from; a file that notes the same need not be rendered again."""
        return {
            "renderer": VERSION,
            "seed": self.subject.seed,
            "label": self.label,
            "take": self.take,
            "frames": self.frames,
            "size": self.size,
            "licence": "CC0-1.0",
        }

    def done(self) -> bool:
        """Tell whether the file is there and was rendered from the same `origin`."""
        notes = read_notes(self.path) if self.path.exists() else None
        return notes is not None and notes | self.origin == notes


def render(job: Job) -> None:
    """Render a clip and write its file."""
    frames, onset, apex = render_frames(job)
    write_clip(job.path, frames, {**job.origin, "onset": onset, "apex": apex})


def render_frames(job: Job) -> tuple[Frames, int, int]:
    """Render a clip.

    Returns:
        (T, size, size, 3) RGB frames, the last neutral frame, and the first frame at full strength.
    """
    person, painter = _sitting(job.assets, job.subject)
    rng = np.random.default_rng([job.subject.seed, LABELS.index(job.label), job.take])
    motion = draw_trajectory(rng, job.label, person.style, job.frames)
    scene = draw_scene(rng)
    frames = np.empty((job.frames, job.size, job.size, 3), np.uint8)
    for index in range(job.frames):
        weights = dict(zip(motion.units, motion.weights[index].tolist(), strict=True))
        clean = painter.draw(scene, weights, float(motion.blink[index]), motion.pose[index], job.size)
        noisy = clean + rng.normal(0, SENSOR_NOISE, clean.shape)
        frames[index] = np.clip(255 * noisy + 0.5, 0, 255)
    return frames, motion.onset, motion.apex


@lru_cache(maxsize=1)
def _sitting(assets: Path, subject: Subject) -> tuple[Person, Painter]:
    person = _studio(assets).person(subject)
    return person, Painter(person)


@lru_cache(maxsize=1)
def _studio(assets: Path) -> Studio:
    return Studio(locate(assets))
