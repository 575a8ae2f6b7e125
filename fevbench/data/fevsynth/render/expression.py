"""The six expressions as weights of ARKit face units.

Each set follows the action units of the Facial Action Coding System that EMFACS reads as that emotion
(Ekman & Friesen, *Facial Action Coding System*, 1978; *EMFACS-7: Emotional Facial Action Coding System*,
1983); the units' names are those of ARKit's blend shapes.

| emotion   | action units                | what moves                                              |
|-----------|-----------------------------|---------------------------------------------------------|
| anger     | 4 + 5 + 7 + 10 + 23/24      | brows down, lids up and tight, lip raised and pressed   |
| disgust   | 9 + 10 + 15 + 17 (+ 6)      | nose wrinkled, upper lip up, corners down, chin up      |
| fear      | 1 + 2 + 4 + 5 + 20 + 25/26  | inner brows up, eyes wide, lips stretched and parted    |
| happiness | 6 + 12 (+ 25)               | cheeks up, lip corners pulled                           |
| sadness   | 1 + 4 + 15 + 17             | inner brows up, lip corners down, chin up               |
| surprise  | 1 + 2 + 5 + 26/27           | whole brows up, eyes wide, jaw dropped                  |

A weight of 1 is the unit at its modelled full strength; an apex goes somewhat beyond it where the modelled
unit is weaker than a posed face.
"""

from __future__ import annotations

from collections.abc import Mapping

_PAIRED_BY_REGION = {
    "brow": ("Down", "OuterUp"),
    "cheek": ("Squint",),
    "eye": ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide"),
    "mouth": ("Dimple", "Frown", "LowerDown", "Press", "Smile", "Stretch", "UpperUp"),
    "nose": ("Sneer",),
}
_SINGLE_BY_REGION = {
    "brow": ("InnerUp",),
    "cheek": ("Puff",),
    "jaw": ("Forward", "Left", "Open", "Right"),
    "mouth": (
        "Close",
        "Funnel",
        "Left",
        "Pucker",
        "Right",
        "RollLower",
        "RollUpper",
        "ShrugLower",
        "ShrugUpper",
    ),
    "tongue": ("Out",),
}
_PAIRED = frozenset(region + move for region, moves in _PAIRED_BY_REGION.items() for move in moves)
_SINGLE = frozenset(region + move for region, moves in _SINGLE_BY_REGION.items() for move in moves)

ARKIT_UNITS = _SINGLE | {f"{name}{side}" for name in _PAIRED for side in ("Left", "Right")}
"""The 52 face units."""


def _symmetric(**weights: float) -> dict[str, float]:
    both: dict[str, float] = {}
    for name, weight in weights.items():
        if name in _PAIRED:
            both |= {f"{name}Left": weight, f"{name}Right": weight}
        else:
            both[name] = weight
    return both


APEX: Mapping[str, Mapping[str, float]] = {
    "anger": _symmetric(
        browDown=1.5,
        eyeSquint=0.5,
        eyeWide=0.65,
        noseSneer=0.85,
        mouthUpperUp=0.35,
        mouthPress=0.9,
        mouthFrown=0.6,
        mouthRollUpper=0.35,
        mouthRollLower=0.35,
        jawForward=0.5,
    ),
    "disgust": _symmetric(
        noseSneer=1.35,
        mouthUpperUp=1.1,
        browDown=0.55,
        cheekSquint=0.6,
        eyeSquint=0.45,
        mouthFrown=0.5,
        mouthShrugLower=0.5,
    ),
    "fear": _symmetric(
        browInnerUp=1.3,
        browOuterUp=0.4,
        browDown=0.25,
        eyeWide=1.25,
        mouthStretch=1.2,
        mouthLowerDown=0.4,
        jawOpen=0.3,
    ),
    "happiness": _symmetric(
        mouthSmile=1.0,
        cheekSquint=0.85,
        eyeSquint=0.4,
        mouthDimple=0.2,
        mouthUpperUp=0.4,
        mouthLowerDown=0.1,
        jawOpen=0.14,
    ),
    "sadness": _symmetric(
        browInnerUp=1.4,
        browDown=0.2,
        mouthFrown=1.3,
        mouthShrugLower=0.8,
        mouthRollLower=0.15,
        eyeSquint=0.3,
        eyeBlink=0.2,
    ),
    "surprise": _symmetric(
        browInnerUp=1.2,
        browOuterUp=1.2,
        eyeWide=1.1,
        jawOpen=0.8,
        mouthFunnel=0.2,
    ),
}
"""Full-strength unit weights of each label; a unit not listed is 0."""

LABELS = tuple(sorted(APEX))
"""The set's labels, in the order used everywhere."""

REGIONS = ("brow", "cheek", "eye", "jaw", "mouth", "nose")
"""The parts of the face whose mobility differs between people."""


def region(unit: str) -> str:
    """Return which of `REGIONS` a face unit moves: the lower-case start of its name."""
    return next(name for name in REGIONS if unit.startswith(name))


def side(unit: str) -> int:
    """Return +1 for a unit of the left half of the face, -1 for the right, 0 for both."""
    return 1 if unit.endswith("Left") else -1 if unit.endswith("Right") else 0
