"""What is rendered: expressions as blend shape weights, their timing, and the subjects, all from numbers.

The action units of an expression are those that EMFACS reads as that emotion (Friesen & Ekman, *EMFACS-7*,
1983). Each unit is one or more of ARKit's blend shapes, named as in the head's file. Strengths were chosen by
eye and by what `fer-xception` reads in the apexes of subjects 11 to 14 and 16, who are in no result.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FRAMES, FPS = 32, 25

UNITS: Mapping[int, Mapping[str, float]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp_L": 1.0, "browOuterUp_R": 1.0},
    4: {"browDown_L": 1.3, "browDown_R": 1.3},
    5: {"eyeWide_L": 1.0, "eyeWide_R": 1.0},
    6: {"cheekSquint_L": 1.0, "cheekSquint_R": 1.0},
    7: {"eyeSquint_L": 1.0, "eyeSquint_R": 1.0},
    9: {"noseSneer_L": 1.3, "noseSneer_R": 1.3},
    10: {"mouthUpperUp_L": 1.0, "mouthUpperUp_R": 1.0},
    12: {"mouthSmile_L": 1.0, "mouthSmile_R": 1.0},
    15: {"mouthFrown_L": 1.0, "mouthFrown_R": 1.0},
    16: {"mouthLowerDown_L": 1.0, "mouthLowerDown_R": 1.0},
    17: {"mouthShrugLower": 1.0},
    20: {"mouthStretch_L": 1.0, "mouthStretch_R": 1.0},
    23: {"mouthRollUpper": 0.7, "mouthRollLower": 0.7},
    25: {"mouthLowerDown_L": 0.5, "mouthLowerDown_R": 0.5, "mouthUpperUp_L": 0.3, "mouthUpperUp_R": 0.3},
    26: {"jawOpen": 0.5},
    27: {"jawOpen": 0.9},
    43: {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0},
}
"""Blend shape weights of each action unit at full strength; above 1 where the head's shape is weak."""

RECIPES: Mapping[str, tuple[Mapping[int, float], ...]] = {
    "anger": (
        {4: 1.5, 5: 1, 7: 0.7, 9: 0.6, 17: 0.3, 23: 0.8},
        {4: 1.5, 5: 1, 7: 0.7, 9: 0.5, 10: 0.5, 16: 1},
    ),
    "disgust": ({4: 0.5, 7: 1, 9: 1.1, 10: 1, 15: 0.6, 17: 0.6}, {4: 0.5, 7: 1, 9: 1.1, 10: 1, 25: 0.3}),
    "fear": ({1: 1, 2: 0.4, 4: 0.3, 5: 1, 20: 1, 25: 1}, {1: 1, 2: 0.4, 4: 0.3, 5: 1, 20: 1, 26: 0.7}),
    "happiness": ({6: 1.2, 12: 1.2}, {6: 1.2, 12: 1.2, 25: 1}),
    "sadness": (
        {1: 0.8, 4: 0.5, 15: 1.3, 17: 0.5, 43: 0.25},
        {1: 0.8, 4: 0.5, 7: 0.5, 15: 1.3, 17: 0.8, 43: 0.15},
    ),
    "surprise": ({1: 1, 2: 1, 5: 1, 26: 1}, {1: 1, 2: 1, 5: 1, 27: 1}),
}
"""Action units of each expression and how strong each is: two ways to show it."""

REST: Mapping[str, float] = {"eyeBlink_L": 0.18, "eyeBlink_R": 0.18}
"""Weights of the neutral face: without them the head stares."""


def apex(label: str, way: int, strength: float) -> dict[str, float]:
    """What an expression adds at its apex to the blend shape weights at rest."""
    weights: dict[str, float] = {}
    for unit, share in RECIPES[label][way].items():
        for shape, weight in UNITS[unit].items():
            weights[shape] = weights.get(shape, 0.0) + strength * share * weight
    return weights


def mixed(added: Mapping[str, float], far: float) -> dict[str, float]:
    """The blend shape weights ``far`` (0 to 1) on the way from rest to an apex."""
    return {shape: REST.get(shape, 0.0) + far * added.get(shape, 0.0) for shape in {**REST, **added}}


def rise(frame: int, onset: int, apex_at: int) -> float:
    """How far frame ``frame`` is from neutral (0) to the apex (1): a minimum-jerk curve."""
    at = min(1.0, max(0.0, (frame - onset) / (apex_at - onset)))
    return at**3 * (10 - 15 * at + 6 * at * at)


@dataclass(frozen=True)
class Subject:
    """One identity: a shape and looks, the same in all its clips.

    Attributes:
        name: ``s01``, ``s02``, …
        shape: Strength of each of `SHAPES`, and the factors of width, height and depth.
        skin: Linear red, green and blue of the skin, 0 to 1; likewise ``hair``, ``iris`` and ``cloth``.
        lips: How much redder than the skin the lips are, 0 to 1.
        length: 0 shaved, 1 short hair, 2 hair down to the neck.
        brow: Thickness of the eyebrows as a factor.
        seed: Of the skin's mottling.
    """

    name: str
    shape: Mapping[str, float]
    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    cloth: tuple[float, float, float]
    lips: float
    length: int
    brow: float
    seed: float


SHAPES: Mapping[str, float] = {
    "jawWidth": 0.16,
    "chinLength": 0.16,
    "chinForward": 0.10,
    "cheekWidth": 0.10,
    "cheekFull": 0.10,
    "noseWidth": 0.06,
    "noseLength": 0.10,
    "noseBridge": 0.07,
    "noseTip": 0.09,
    "eyeSpacing": 0.04,
    "browRidge": 0.05,
    "foreheadForward": 0.10,
    "mouthWidth": 0.06,
    "lipsFull": 0.05,
}
"""The largest displacement of each local change of the head's shape, in the head's units (it is 3.3 high)."""

_SKINS = (
    (0.62, 0.37, 0.27),
    (0.52, 0.29, 0.19),
    (0.36, 0.19, 0.12),
    (0.26, 0.135, 0.08),
    (0.17, 0.085, 0.052),
)
_HAIRS = (
    (0.012, 0.01, 0.009),
    (0.05, 0.025, 0.014),
    (0.13, 0.07, 0.035),
    (0.32, 0.21, 0.1),
    (0.28, 0.27, 0.26),
)
_IRISES = ((0.05, 0.025, 0.012), (0.12, 0.09, 0.04), (0.1, 0.16, 0.24), (0.1, 0.17, 0.1))


def subject(number: int) -> Subject:
    """Subject ``number``, counted from 1; the same on every machine."""
    rng = random.Random(f"second-renderer-{number}")
    shape = {name: most * rng.uniform(-1, 1) for name, most in SHAPES.items()}
    shape |= {
        "width": rng.uniform(0.92, 1.08),
        "height": rng.uniform(0.95, 1.06),
        "depth": rng.uniform(0.95, 1.05),
    }
    tone = (number - 1) % len(_SKINS)
    dark = tone >= 2
    return Subject(
        name=f"s{number:02d}",
        shape=shape,
        skin=_varied(_SKINS[tone], rng, 0.12),
        hair=_varied(_HAIRS[rng.randrange(2 if dark else len(_HAIRS))], rng, 0.2),
        iris=_IRISES[0 if dark else rng.randrange(len(_IRISES))],
        cloth=(rng.uniform(0.03, 0.5), rng.uniform(0.03, 0.5), rng.uniform(0.03, 0.5)),
        lips=rng.uniform(0.25, 0.7),
        length=number % 3,
        brow=rng.uniform(0.7, 1.4),
        seed=rng.uniform(0, 100),
    )


def _varied(colour: tuple[float, float, float], rng: random.Random, by: float) -> tuple[float, float, float]:
    gain = 1 + rng.uniform(-by, by)
    red, green, blue = (min(1.0, part * gain * (1 + rng.uniform(-by, by) / 3)) for part in colour)
    return red, green, blue


def clip(who: Subject, label: str, take: int) -> list[dict[str, Any]]:
    """What the page draws per frame: weights, head pose, and the clip's light, camera and background."""
    rng = random.Random(f"{who.name}-{label}-{take}")
    weights = apex(label, rng.randrange(len(RECIPES[label])), rng.uniform(0.8, 1.0))
    onset, apex_at = rng.randint(0, 5), rng.randint(15, 22)
    # As a camera's automatic one, but weak: the skin's tone stays visible.
    exposure = (0.3 / (sum(who.skin) / 3)) ** 0.3
    scene = {
        "background": _background(rng),
        "light": [rng.uniform(-2.5, 2.5), rng.uniform(0.5, 3), 4.0],
        "warmth": rng.uniform(-0.12, 0.12),
        "key": exposure * rng.uniform(1.2, 2.2),
        "fill": exposure * rng.uniform(0.9, 1.5),
        "distance": rng.uniform(10.0, 12.0),
    }
    start = [rng.uniform(-0.07, 0.07), rng.uniform(-0.05, 0.05), rng.uniform(-0.03, 0.03)]
    drift = [rng.uniform(-0.03, 0.03) for _ in range(3)]
    frames = []
    for frame in range(FRAMES):
        far = rise(frame, onset, apex_at)
        time = frame / (FRAMES - 1)
        frames.append(
            {
                "weights": mixed(weights, far),
                "pose": [at + by * math.sin(math.pi / 2 * time) for at, by in zip(start, drift, strict=True)],
                "scene": scene,
            }
        )
    return frames


def _background(rng: random.Random) -> list[float]:
    grey = rng.uniform(0.05, 0.6)
    return [grey * rng.uniform(0.8, 1.2) for _ in range(3)]
