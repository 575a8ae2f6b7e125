"""Wrinkles of expression: grooves on the face map, as deep as the face units that fold the skin there.

Which action units make which lines follows the descriptions in Ekman, Friesen and Hager, *Facial Action
Coding System: The Manual* (2002): horizontal lines in the forehead for 1 + 2, upright ones between the brows
for 4, across the root of the nose for 9, the nasolabial furrow for 9, 10 and 12, crow's feet for 6, the pouch
under the lid for 6 and 7, lines below the mouth's corners for 15, the dimpled chin and the furrow above it
for 17, and lines beside the mouth for 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.plan import Subject
from fevbench.fevsynth.render.skin import SIZE, Map, distance

Floats = NDArray[np.float64]
Line = tuple[tuple[float, float], ...]

_FOLDING = {"young": (0.5, 0.8), "middle": (0.75, 1.1), "old": (0.9, 1.25)}
_REST = {"young": (0.0, 0.0), "middle": (0.0, 0.12), "old": (0.15, 0.35)}
_JITTER = 0.008  # of a line's corners between subjects, dm
_STRONGEST = 1.3


@dataclass(frozen=True)
class _Furrow:
    """Lines that the same units fold.

    Attributes:
        lines: Their corners on the subject's left half; the right half mirrors them.
        width: Half width of a groove, dm.
        depth: Relative depth.
        units: Share of each unit; paired ones without their side.
        ageing: Share of the lines that stay in an old face at rest.
    """

    lines: tuple[Line, ...]
    width: float
    depth: float
    units: Mapping[str, float]
    ageing: float


_FURROWS = (
    _Furrow(
        (
            ((0.0, 7.535), (0.12, 7.55), (0.2, 7.56)),
            ((0.0, 7.605), (0.13, 7.62), (0.22, 7.63)),
            ((0.0, 7.675), (0.12, 7.69), (0.2, 7.70)),
            ((0.0, 7.745), (0.1, 7.755), (0.17, 7.76)),
        ),
        0.021,
        0.8,
        {"browInnerUp": 1.0},
        0.8,
    ),
    _Furrow(
        (
            ((0.18, 7.56), (0.32, 7.575), (0.46, 7.53)),
            ((0.2, 7.63), (0.34, 7.645), (0.48, 7.60)),
            ((0.18, 7.70), (0.32, 7.71), (0.43, 7.68)),
        ),
        0.021,
        0.75,
        {"browOuterUp": 1.0},
        0.8,
    ),
    _Furrow(
        (((0.06, 7.335), (0.05, 7.42), (0.065, 7.51)), ((0.025, 7.37), (0.02, 7.45))),
        0.019,
        1.15,
        {"browDown": 0.85},
        0.6,
    ),
    _Furrow(
        (
            ((0.0, 7.3), (0.05, 7.3), (0.085, 7.315)),
            ((0.0, 7.235), (0.05, 7.23), (0.085, 7.24)),
            ((0.045, 7.185), (0.085, 7.15), (0.115, 7.09)),
            ((0.06, 7.225), (0.1, 7.19), (0.135, 7.13)),
        ),
        0.016,
        1.0,
        {"noseSneer": 0.9},
        0.2,
    ),
    _Furrow(
        (((0.175, 6.95), (0.23, 6.875), (0.3, 6.77), (0.35, 6.66), (0.365, 6.57)),),
        0.032,
        1.3,
        {"noseSneer": 0.4, "mouthUpperUp": 0.35, "mouthSmile": 0.5, "cheekSquint": 0.2},
        1.0,
    ),
    _Furrow(
        (
            ((0.475, 7.325), (0.53, 7.36), (0.585, 7.40)),
            ((0.485, 7.295), (0.54, 7.30), (0.6, 7.305)),
            ((0.475, 7.265), (0.525, 7.235), (0.58, 7.20)),
        ),
        0.015,
        0.8,
        {"cheekSquint": 0.9, "eyeSquint": 0.25},
        0.7,
    ),
    _Furrow(
        (((0.17, 7.225), (0.24, 7.175), (0.33, 7.155), (0.42, 7.175), (0.48, 7.22)),),
        0.017,
        0.8,
        {"cheekSquint": 0.75, "eyeSquint": 0.4},
        0.9,
    ),
    _Furrow((((0.285, 6.59), (0.325, 6.51), (0.345, 6.41)),), 0.024, 1.0, {"mouthFrown": 0.8}, 0.8),
    _Furrow(
        (
            ((0.0, 6.415), (0.09, 6.415), (0.17, 6.44)),
            ((0.03, 6.34), (0.06, 6.29)),
            ((0.1, 6.36), (0.12, 6.3)),
        ),
        0.017,
        0.8,
        {"mouthShrugLower": 0.9},
        0.2,
    ),
    _Furrow(
        (((0.345, 6.72), (0.375, 6.62), (0.37, 6.5)), ((0.415, 6.69), (0.44, 6.6), (0.43, 6.5))),
        0.016,
        0.7,
        {"mouthStretch": 0.7},
        0.3,
    ),
)


@dataclass(frozen=True)
class Wrinkles:
    """The wrinkles one subject can show.

    Attributes:
        heights: (2 F, SIZE, SIZE) relief of each furrow, left halves first; -1 in the middle of a groove.
        rest: (2 F,) strength of each in the neutral face.
        folding: How strongly this skin folds.
    """

    heights: Map
    rest: Floats
    folding: float

    def relief(self, weights: Mapping[str, float]) -> Map:
        """Return the (SIZE, SIZE) relief of the face that unit ``weights`` make."""
        strength = self.rest.copy()
        for number, furrow in enumerate(_FURROWS):
            for half, side in enumerate(("Left", "Right")):
                pull = sum(
                    share * max(weights.get(unit, 0.0), weights.get(unit + side, 0.0))
                    for unit, share in furrow.units.items()
                )
                strength[half * len(_FURROWS) + number] += self.folding * min(pull, _STRONGEST)
        active = np.flatnonzero(strength > 1e-3)
        relief: Map = np.tensordot(strength[active].astype(np.float32), self.heights[active], 1)
        return relief


def draw_wrinkles(rng: np.random.Generator, subject: Subject) -> Wrinkles:
    """Draw where and how deeply a subject's skin folds; older skin folds more and keeps some lines."""
    folding = rng.uniform(*_FOLDING[subject.age])
    kept = rng.uniform(*_REST[subject.age])
    heights = np.zeros((2 * len(_FURROWS), SIZE, SIZE), np.float32)
    rest = np.zeros(2 * len(_FURROWS))
    for number, furrow in enumerate(_FURROWS):
        depth = furrow.depth * np.exp(rng.normal(0, 0.15))
        for line in furrow.lines:
            corners = np.add(line, rng.normal(0, _JITTER, (len(line), 2)))
            corners[:, 0] = np.maximum(corners[:, 0], 0) if line[0][0] else corners[:, 0]
            corners[0, 0] = (
                0.0 if line[0][0] == 0 else corners[0, 0]
            )  # lines that cross the midline must meet
            heights[number] += depth * _groove(corners, furrow.width * np.exp(rng.normal(0, 0.1)))
        heights[number][:, : SIZE // 2] = 0  # the rounded ends of lines that meet their mirror image
        heights[len(_FURROWS) + number] = heights[number][:, ::-1]
        rest[[number, len(_FURROWS) + number]] = kept * furrow.ageing
    return Wrinkles(heights, rest, folding)


def _groove(corners: Floats, width: float) -> Map:
    """Return the relief of one line: a groove between two soft ridges, fading towards its ends."""
    away, along = distance([(float(x), float(y)) for x, y in corners])
    crosses_midline = corners[0, 0] == 0
    fade = np.clip((1 - along) / 0.3, 0, 1) * (1.0 if crosses_midline else np.clip(along / 0.25, 0.15, 1))
    profile = -np.exp(-((away / width) ** 2)) + 0.4 * np.exp(-(((away - 2.2 * width) / width) ** 2))
    return (fade * profile).astype(np.float32)
