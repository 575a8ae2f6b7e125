"""How a face gets from neutral to the apex: unit weights, blinks and head pose of every frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.expression import APEX, REGIONS, region, side

Floats = NDArray[np.float64]

_MAX_WEIGHT = 1.5
_BLINK_CHANCE = 0.35
_BLINK_HALF_WIDTH = 2.2  # frames from the fully closed lid to none, at 25 frames a second


@dataclass(frozen=True)
class Style:
    """How one person moves.

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
        units: The moving face units, in a fixed order.
        weights: (T, len(units)) weights, 0 in frame 0, never falling, constant from ``apex`` on.
        blink: (T,) closure of both lids on top of the expression, 0 to 1, 0 in frame 0.
        pose: (T, 3) yaw, pitch and roll of the head, radians.
        onset: Last frame that is still neutral.
        apex: First frame at full strength.
    """

    units: tuple[str, ...]
    weights: Floats
    blink: Floats
    pose: Floats
    onset: int
    apex: int


def draw_style(rng: np.random.Generator) -> Style:
    """Draw how a person moves."""
    gain = float(np.clip(rng.normal(1.0, 0.07), 0.88, 1.12))
    mobility = {name: float(np.clip(np.exp(rng.normal(0, 0.1)), 0.85, 1.15)) for name in REGIONS}
    return Style(gain, mobility, float(np.clip(rng.normal(0, 0.06), -0.12, 0.12)))


def draw_trajectory(rng: np.random.Generator, label: str, style: Style, frames: int) -> Trajectory:
    """Draw one performance of an expression.

    The onset falls in the first fifth of the clip and the apex at 58 to 75 % of it. Units start and end at
    slightly different times, paired units together; the head drifts by about a degree.

    Args:
        rng: Source of the timing, the blink and the pose.
        label: One of `expression.LABELS`.
        style: The performer.
        frames: Length of the clip, at least 8.

    Returns:
        The motion; frame 0 is the neutral face.
    """
    onset = int(rng.integers(1, max(2, frames // 6) + 1))
    apex = int(rng.integers(round(0.58 * frames), round(0.75 * frames) + 1))
    span = apex - onset
    time = np.arange(frames)
    units = tuple(APEX[label])
    weights = np.zeros((frames, len(units)))
    timing: dict[str, tuple[float, float]] = {}
    for column, unit in enumerate(units):
        # Left and right of a pair share one draw: a face that starts on one side looks wrong.
        pair = unit.removesuffix("Left").removesuffix("Right")
        if pair not in timing:
            timing[pair] = (onset + rng.uniform(0, 0.2) * span, apex - rng.uniform(0, 0.2) * span)
        begin, end = timing[pair]
        scale = style.gain * style.mobility[region(unit)] * (1 + side(unit) * style.asymmetry)
        weights[:, column] = min(APEX[label][unit] * scale, _MAX_WEIGHT) * _ease(
            (time - begin) / (end - begin)
        )
    return Trajectory(units, weights, _draw_blink(rng, frames), _draw_pose(rng, frames), onset, apex)


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


def _draw_pose(rng: np.random.Generator, frames: int) -> Floats:
    start = np.deg2rad(rng.normal(0, 1, 3) * [4.0, 2.0, 1.5])
    drift = np.deg2rad(rng.normal(0, 1, 3) * [0.7, 0.6, 0.4])
    sway = np.deg2rad(rng.normal(0, 1, 3) * [0.25, 0.2, 0.15])
    phase = rng.uniform(0, 2 * np.pi, 3)
    time = np.linspace(0, 1, frames)[:, None]
    path: Floats = start + drift * _ease(time) + sway * np.sin(2 * np.pi * time + phase)
    return path
