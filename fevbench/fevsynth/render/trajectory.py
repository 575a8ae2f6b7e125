"""How a face gets from neutral to the apex: unit weights, blinks and head pose of every frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.expression import APEX, ARKIT_UNITS, REGIONS, region, side

Floats = NDArray[np.float64]

LIDS = ("eyeWide", "eyeSquint", "eyeBlink")
"""How the names of the units start that a blink overrides."""
_MAX_WEIGHT = 1.6
_TAKE_SPREAD = 0.06  # of a unit's strength between performances of one subject, as a ratio
_OFFSET_CHANCE, _RELAXED_TO, _RELAX_FRAMES = 0.22, (0.2, 0.6), 0.3
_BLINK_CHANCE = 0.35
_BLINK_HALF_WIDTH = 2.2  # frames from the fully closed lid to none, at 25 frames a second


@dataclass(frozen=True)
class Style:
    """How one subject moves.

    Attributes:
        gain: Strength of all apexes; 1 is the modelled one.
        mobility: Factor of each region of the face.
        asymmetry: Relative surplus of the left half of the face over the right.
    """

    gain: float
    mobility: Mapping[str, float]
    asymmetry: float


@dataclass(frozen=True)
class Trajectory:
    """The motion of one clip of T frames.

    Attributes:
        variant: Name of the way the label is shown.
        units: The moving face units, in a fixed order.
        weights: (T, len(units)) weights: 0 in frame 0, rising to the apex, falling after ``offset``.
        blink: (T,) closure of both lids on top of the expression, 0 to 1, 0 in frame 0.
        pose: (T, 3) yaw, pitch and roll of the head, radians.
        onset: Last frame that is still neutral.
        apex: First frame at full strength.
        offset: Last frame at full strength, or None if that is held to the end.
    """

    variant: str
    units: tuple[str, ...]
    weights: Floats
    blink: Floats
    pose: Floats
    onset: int
    apex: int
    offset: int | None

    def curves(self) -> Floats:
        """Return the (T, 52) weight of every face unit, sorted by name, blinks included."""
        columns = dict(zip(self.units, self.weights.T, strict=True))
        still = np.zeros(len(self.blink))
        # A closing lid takes over from the expression, as in the picture.
        closing = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), self.blink)
        return np.stack(
            [
                columns.get(unit, still) * (1 - self.blink if unit.startswith(LIDS) else 1.0)
                + closing.get(unit, still)
                for unit in sorted(ARKIT_UNITS)
            ],
            1,
        )


def draw_style(rng: np.random.Generator) -> Style:
    """Draw how a subject moves."""
    gain = float(np.clip(rng.normal(1.0, 0.07), 0.88, 1.12))
    mobility = {name: float(np.clip(np.exp(rng.normal(0, 0.1)), 0.85, 1.15)) for name in REGIONS}
    return Style(gain, mobility, float(np.clip(rng.normal(0, 0.06), -0.12, 0.12)))


def draw_trajectory(rng: np.random.Generator, label: str, style: Style, frames: int) -> Trajectory:
    """Draw one performance of an expression; frame 0 is the neutral face.

    The onset falls in the first sixth of the clip and the apex at 50 to 72 % of it. In one clip of five the
    face relaxes again before the end, towards a fifth to three fifths of the apex. Units start and end at
    slightly different times, paired units together; the head drifts by about a degree.
    """
    variant = APEX[label][rng.integers(len(APEX[label]))]
    onset = int(rng.integers(1, max(2, frames // 6) + 1))
    apex = int(rng.integers(round(0.5 * frames), round(0.72 * frames) + 1))
    offset = _draw_offset(rng, apex, frames)
    units = tuple(variant.weights)
    time, span = np.arange(frames), apex - onset
    weights = np.zeros((frames, len(units)))
    timing: dict[str, tuple[float, float, float]] = {}
    relaxed = rng.uniform(*_RELAXED_TO)
    for column, unit in enumerate(units):
        # Left and right of a pair share one draw: a face that starts on one side looks wrong.
        pair = unit.removesuffix("Left").removesuffix("Right")
        if pair not in timing:
            begin, end = onset + rng.uniform(0, 0.2) * span, apex - rng.uniform(0, 0.2) * span
            timing[pair] = begin, end, float(np.exp(rng.normal(0, _TAKE_SPREAD)))
        begin, end, effort = timing[pair]
        scale = effort * style.gain * style.mobility[region(unit)] * (1 + side(unit) * style.asymmetry)
        course = _ease((time - begin) / (end - begin))
        if offset is not None:
            course *= 1 - (1 - relaxed) * _ease((time - offset) / (_RELAX_FRAMES * frames))
        weights[:, column] = min(variant.weights[unit] * scale, _MAX_WEIGHT) * course
    blink, pose = _draw_blink(rng, frames), draw_pose(rng, frames)
    return Trajectory(variant.name, units, weights, blink, pose, onset, apex, offset)


def _draw_offset(rng: np.random.Generator, apex: int, frames: int) -> int | None:
    """Return the last frame of the apex, or None if it is held to the end; it is held for some frames."""
    starts = rng.random() < _OFFSET_CHANCE
    held = rng.uniform(0.12, 0.2) * frames
    return int(apex + held) if starts and apex + held < frames - 2 else None


def _ease(progress: NDArray[np.floating[Any]]) -> Floats:
    """Minimum-jerk rise from 0 to 1 over [0, 1] (Flash & Hogan, 1985)."""
    x = np.clip(progress, 0, 1).astype(np.float64)
    rise: Floats = x * x * x * (10 + x * (6 * x - 15))
    return rise


def _draw_blink(rng: np.random.Generator, frames: int) -> Floats:
    # Never near either end: the first frame is the model's input, the last ones show the apex.
    centre = rng.uniform(0.2, 0.8) * frames
    if rng.random() > _BLINK_CHANCE:
        return np.zeros(frames)
    distance = np.abs(np.arange(frames) - centre) / (2 * _BLINK_HALF_WIDTH)
    closure: Floats = np.cos(np.pi * np.clip(distance, 0, 0.5)) ** 2
    return closure


def draw_pose(rng: np.random.Generator, frames: int) -> Floats:
    """Draw (T, 3) yaw, pitch and roll, radians: a pose of the clip's own, a slow drift and a faint sway."""
    start = np.deg2rad(rng.normal(0, 1, 3) * [4.0, 2.2, 1.6])
    drift = np.deg2rad(rng.normal(0, 1, 3) * [0.7, 0.6, 0.4])
    sway = np.deg2rad(rng.normal(0, 1, 3) * [0.25, 0.2, 0.15])
    phase = rng.uniform(0, 2 * np.pi, 3)
    time = np.linspace(0, 1, frames)[:, None]
    path: Floats = start + drift * _ease(time) + sway * np.sin(2 * np.pi * time + phase)
    return path
