"""One clip or neutral image to render, and what rendering it gives."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth import VERSION, Performance
from fevbench.fevsynth.render.expression import ARKIT_UNITS, LABELS
from fevbench.fevsynth.render.population import Subject

Floats = NDArray[np.float64]

LICENCE = "CC0-1.0"
UNITS = tuple(sorted(ARKIT_UNITS))
"""The face units in the order of the columns of `Rendered.weights`."""


@dataclass(frozen=True)
class Job:
    """One clip, or one neutral image, to render.

    Attributes:
        subject: The person.
        label: The expression; None for a neutral image.
        take: Number of the performance.
        frames: Length; 1 for a neutral image.
        size: Width and height in pixels.
        folder: Folder of the set.
        assets: Folder of the asset archives.
    """

    subject: Subject
    label: str | None
    take: int
    frames: int
    size: int
    folder: Path
    assets: Path

    @property
    def id(self) -> str:
        """What the clip or image is called: subject, label if any, and take, joined by hyphens."""
        return "-".join(filter(None, (self.subject.id, self.label, str(self.take))))

    @property
    def file(self) -> str:
        """Path of the pixels below the set's folder."""
        return f"neutral/{self.id}.png" if self.label is None else f"clips/{self.id}.mkv"

    @property
    def path(self) -> Path:
        """The file of the pixels."""
        return self.folder / self.file

    @property
    def sidecar(self) -> Path:
        """The file of what is known about the pixels."""
        return self.folder / "truth" / f"{self.id}.npz"

    @property
    def origin(self) -> dict[str, Any]:
        """What the pixels follow from: a file made from the same need not be made again."""
        return {
            "renderer": VERSION,
            "subject": {key: value for key, value in asdict(self.subject).items() if key != "split"},
            "label": self.label,
            "take": self.take,
            "frames": self.frames,
            "size": self.size,
        }

    def rng(self) -> np.random.Generator:
        """The random numbers of this clip or image, independent of those of any other and of the person's.

        A spawn key keeps them apart; with ``default_rng([seed, 0, 0])`` numpy would pad the shorter seed of
        the person with zeros and give both the same numbers.
        """
        kind = 0 if self.label is None else 1 + LABELS.index(self.label)
        return np.random.default_rng(np.random.SeedSequence(self.subject.seed, spawn_key=(kind, self.take)))


@dataclass(frozen=True)
class Rendered:
    """The pixels of T frames, and what is exactly known about them.

    Attributes:
        frames: (T, size, size, 3) uint8, RGB.
        performance: When the face does what; None for a neutral image.
        weights: (T, 52) weight of each of `UNITS`, blinks included; 1 is the modelled full strength.
        pose: (T, 3) yaw, pitch and roll of the head, degrees.
        points: (T, 5, 2) pixels; see `fevbench.fevsynth.truth.Truth`.
        light: (3,) unit vector towards the key light.
        key: (3,) linear RGB strength of the key light.
        ambient: (3,) linear RGB strength of the light from all around.
    """

    frames: NDArray[np.uint8]
    performance: Performance | None
    weights: Floats
    pose: Floats
    points: Floats
    light: Floats
    key: Floats
    ambient: Floats
