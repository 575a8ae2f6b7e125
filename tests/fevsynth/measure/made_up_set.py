"""A set of coloured squares with ground truth, written as the renderer writes one, and networks that read it.

The middle of a frame has a colour of the person's; a square in it moves right or down with the label; the
background is drawn anew for every clip, unless it is told to give the person away.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.clip import EXPRESSIONS
from fevbench.extractors.expressions import CLASSES
from fevbench.extractors.face_mesh import BLENDSHAPES, MESH
from fevbench.fevsynth import Performance
from fevbench.fevsynth.render.files import write
from fevbench.fevsynth.render.plan import UNITS, Job, Rendered, Settings, jobs_of
from fevbench.fevsynth.render.sets import write_set

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

SIZE, LENGTH = 32, 32
NOISE = 1.5
ONSET, APEX, OFFSET = 2, 20, 28
POINTS = np.array([[10, 12], [20, 12], [15, 16], [11, 22], [19, 22]], np.float64)
"""True points of every frame; the eyes are 10 pixels apart."""
OFF = (3.0, 4.0)
"""What the made-up detector is wrong by: 5 pixels."""


def write_made_up(folder: Path, people: int, takes: int) -> Path:
    """Write a set."""
    settings = Settings(people=people, takes=takes, frames=LENGTH, size=SIZE, seed=3)
    jobs = list(jobs_of(settings, folder, folder))
    for job in jobs:
        write(job, _render(job))
    write_set(folder, settings, jobs)
    return folder


def strength(length: int = LENGTH) -> NDArray[np.float64]:
    """Of the expression, in each frame."""
    rise = np.clip((np.arange(length) - ONSET) / (APEX - ONSET), 0, 1)
    return np.where(np.arange(length) < OFFSET, rise, 0.5)


def _render(job: Job) -> Rendered:
    rng = job.rng()
    person = np.random.default_rng(job.subject.seed)
    amount = strength() if job.label else np.zeros(1)
    frames = np.empty((len(amount), SIZE, SIZE, 3))
    frames[:] = rng.uniform(40, 200, 3)
    frames[:, 8:24, 8:24] = person.uniform(60, 200, 3)
    label = EXPRESSIONS.index(job.label) if job.label else 0
    for frame, weight in zip(frames, amount, strict=True):
        frame[24:, :8] = 40 * label * weight  # what the made-up networks read
        y, x = (round(8 * weight * part) for part in (label % 2, label // 2 / 2))
        frame[10 + y // 2 : 14 + y // 2, 10 + x : 14 + x] = 255
    weights = np.zeros((len(amount), len(UNITS)))
    weights[:, UNITS.index("jawOpen")] = amount * label / 5
    return Rendered(
        frames=np.clip(frames + rng.normal(0, NOISE, frames.shape), 0, 255).astype(np.uint8),
        performance=Performance(f"way {job.repetition}", ONSET, APEX, OFFSET) if job.label else None,
        weights=weights,
        pose=np.linspace(0, 2, len(amount))[:, None] * [1.0, 0.0, 0.0],
        points=np.broadcast_to(POINTS, (len(amount), 5, 2)),
        light=np.array([0.0, 0.0, 1.0]),
        key=np.ones(3),
        ambient=np.ones(3),
    )


class Reads:
    """What the made-up networks see: the colour of a frame's middle, and of its lower left corner."""

    def __init__(self, device: str, weights: dict[str, Path]) -> None:
        pass

    @staticmethod
    def middle(batch: Frames) -> NDArray[np.float64]:
        side = batch.shape[1]
        return batch[:, side // 4 : side // 2, side * 5 // 8 : side * 3 // 4].mean(axis=(1, 2))

    @staticmethod
    def corner(batch: Frames) -> NDArray[np.float64]:
        side = batch.shape[1]
        return batch[:, side * 7 // 8 :, : side // 8].mean(axis=(1, 2, 3)) / 40


class Points(Reads):
    """Five points, wrong by `OFF`."""

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        return np.tile((POINTS + OFF).ravel(), (len(batch), 1)).astype(np.float32)


class Faces(Reads):
    """An embedding of the colour in the middle."""

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        features = np.zeros((len(batch), 512), np.float32)
        features[:, :3] = self.middle(batch) - 128
        return features / np.linalg.norm(features, axis=1, keepdims=True)


class Tracker(Reads):
    """The corner as ``jawOpen``; the other scores are 0."""

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        scores = np.zeros((len(batch), MESH.stop), np.float32)
        scores[:, BLENDSHAPES.index("jawOpen")] = self.corner(batch)
        return scores


class Feelings(Reads):
    """The label that the corner says."""

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        scores = np.zeros((len(batch), len(CLASSES)), np.float32)
        for row, label in zip(scores, self.corner(batch).round().astype(int), strict=True):
            row[CLASSES.index(EXPRESSIONS[label])] = 1
        return scores
