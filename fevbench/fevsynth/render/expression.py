"""The six expressions as weights of ARKit face units.

Each set follows the action units of the Facial Action Coding System that EMFACS reads as that emotion
(Ekman & Friesen, *Facial Action Coding System*, 1978; *EMFACS-7: Emotional Facial Action Coding System*,
1983); the units' names are those of ARKit's blend shapes.

| emotion   | action units                        | what moves                                            |
|-----------|-------------------------------------|-------------------------------------------------------|
| anger     | 4+5+7+23/24, or +10+25/26           | brows down, lids tight, lips pressed, or teeth bared  |
| disgust   | 6+9+10+15+17, or +16+25+26           | nose wrinkled, upper lip up, chin up, or mouth gaping |
| fear      | 1+2+4+5+20+25, or +26               | inner brows up, eyes wide, lips stretched and parted  |
| happiness | 6+12, or +25, or +25+26             | cheeks up, lip corners pulled, lips shut to laughing  |
| sadness   | 1+4+15+17, or 1+4+15+64             | inner brows up, lip corners down, chin up or eyes low |
| surprise  | 1+2+5+26, or +27                    | whole brows up, eyes wide, jaw dropped                |

A weight of 1 is the unit at its modelled full strength; an apex goes somewhat beyond it where the modelled
unit is weaker than a posed face.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Variant:
    """One way to show an expression.

    Attributes:
        name: Unique among the variants of its label.
        action_units: FACS action units, as FACS coders write them.
        weights: Full-strength weight of each unit; a unit not listed is 0.
    """

    name: str
    action_units: str
    weights: Mapping[str, float]


APEX: Mapping[str, tuple[Variant, ...]] = {
    "anger": (
        Variant(
            "pressed",
            "4+5+7+23+24",
            _symmetric(
                browDown=1.6,
                eyeSquint=0.45,
                eyeWide=0.9,
                noseSneer=0.75,
                mouthPress=0.7,
                mouthFrown=0.28,
                mouthRollUpper=0.55,
                mouthRollLower=0.5,
                mouthShrugLower=0.6,
                jawForward=0.5,
            ),
        ),
        Variant(
            "bared",
            "4+5+7+10+23+25+26",
            _symmetric(
                browDown=1.55,
                eyeSquint=0.4,
                eyeWide=0.9,
                noseSneer=0.55,
                mouthUpperUp=0.45,
                mouthLowerDown=1.0,
                mouthStretch=0.2,
                mouthFunnel=0.35,
                jawOpen=0.3,
                jawForward=0.4,
            ),
        ),
    ),
    "disgust": (
        Variant(
            "wrinkled",
            "6+9+10+15+17",
            _symmetric(
                noseSneer=1.55,
                mouthUpperUp=1.2,
                browDown=0.3,
                cheekSquint=1.0,
                eyeSquint=0.75,
                mouthFrown=0.75,
                mouthShrugLower=0.5,
            ),
        ),
        Variant(
            "gaping",
            "6+9+10+16+25+26",
            _symmetric(
                noseSneer=1.45,
                mouthUpperUp=1.3,
                browDown=0.3,
                cheekSquint=0.95,
                eyeSquint=0.75,
                mouthFrown=0.25,
                mouthLowerDown=0.5,
                jawOpen=0.25,
                tongueOut=0.12,
            ),
        ),
    ),
    "fear": (
        Variant(
            "stretched",
            "1+2+4+5+20+25",
            _symmetric(
                browInnerUp=1.35,
                browOuterUp=0.35,
                browDown=0.3,
                eyeWide=1.3,
                mouthStretch=1.3,
                mouthLowerDown=0.55,
                mouthFrown=0.25,
                jawOpen=0.15,
            ),
        ),
        Variant(
            "open",
            "1+2+4+5+20+26",
            _symmetric(
                browInnerUp=1.4,
                browOuterUp=0.3,
                browDown=0.35,
                eyeWide=1.3,
                mouthStretch=1.3,
                mouthLowerDown=0.5,
                mouthFrown=0.25,
                jawOpen=0.42,
            ),
        ),
    ),
    "happiness": (
        Variant(
            "smile",
            "6+12+25",
            _symmetric(
                mouthSmile=1.05,
                cheekSquint=0.9,
                eyeSquint=0.35,
                mouthDimple=0.15,
                mouthUpperUp=0.5,
                mouthLowerDown=0.25,
                jawOpen=0.12,
            ),
        ),
        Variant(
            "laugh",
            "6+12+25+26",
            _symmetric(
                mouthSmile=1.1,
                cheekSquint=1.0,
                eyeSquint=0.45,
                mouthUpperUp=0.55,
                mouthLowerDown=0.3,
                jawOpen=0.42,
            ),
        ),
        Variant(
            "closed", "6+12", _symmetric(mouthSmile=1.05, cheekSquint=0.95, eyeSquint=0.35, mouthDimple=0.2)
        ),
    ),
    "sadness": (
        Variant(
            "pouting",
            "1+4+15+17",
            _symmetric(
                browInnerUp=1.6,
                browDown=0.35,
                mouthFrown=1.5,
                mouthShrugLower=1.0,
                mouthRollLower=0.1,
                eyeSquint=0.3,
                eyeBlink=0.2,
            ),
        ),
        Variant(
            "downcast",
            "1+4+15+64",
            _symmetric(
                browInnerUp=1.55,
                browDown=0.35,
                mouthFrown=1.55,
                mouthShrugLower=0.6,
                eyeLookDown=0.5,
                eyeBlink=0.25,
                cheekSquint=0.2,
            ),
        ),
    ),
    "surprise": (
        Variant(
            "dropped",
            "1+2+5+26",
            _symmetric(browInnerUp=1.1, browOuterUp=1.3, eyeWide=1.15, jawOpen=0.75, mouthFunnel=0.4),
        ),
        Variant(
            "agape",
            "1+2+5+27",
            _symmetric(browInnerUp=1.15, browOuterUp=1.35, eyeWide=1.2, jawOpen=1.0, mouthFunnel=0.5),
        ),
    ),
}
"""The ways to show each label."""

LABELS = tuple(sorted(APEX))
"""The set's labels, in the order used everywhere."""

REGIONS = ("brow", "cheek", "eye", "jaw", "mouth", "nose", "tongue")
"""The parts of the face whose mobility differs between subjects."""


def region(unit: str) -> str:
    """Return which of `REGIONS` a face unit moves: the lower-case start of its name."""
    return next(name for name in REGIONS if unit.startswith(name))


def side(unit: str) -> int:
    """Return +1 for a unit of the left half of the face, -1 for the right, 0 for both."""
    return 1 if unit.endswith("Left") else -1 if unit.endswith("Right") else 0
