"""The shape of a person's neutral face: macro targets, then many small detail targets."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.mesh import Targets
from fevbench.fevsynth.render.population import ANCESTRIES, Subject

Floats = NDArray[np.float64]

_AGE_RANGE = {"young": (0.0, 0.2), "middle": (0.3, 0.55), "old": (0.7, 1.0)}
_SPREAD, _LIMIT = 0.36, 0.9
# Outlines soon look like a caricature, so they vary less than features.
_CALM_FOLDERS, _CALM = ("head/", "ears/", "neck/", "chin/", "eyebrows/"), 0.7

_SIZE, _HEIGHT = ("decr", "incr"), ("down", "up")
# Targets come in opposite pairs: how their names start (* stands for each half of the face), go on, and end.
_DETAILS = (
    ("nose/nose-", ("flaring", "hump", "point-width", "scale-depth", "scale-horiz", "scale-vert"), _SIZE),
    ("nose/nose-", ("volume", "width1", "width2", "width3", "greek", "nostrils-width"), _SIZE),
    ("mouth/mouth-", ("scale-horiz", "scale-vert", "lowerlip-height", "upperlip-height"), _SIZE),
    ("mouth/mouth-", ("lowerlip-volume", "upperlip-volume", "cupidsbow", "philtrum-volume"), _SIZE),
    ("chin/chin-", ("height", "width", "prominent", "bones", "jaw-drop", "cleft"), _SIZE),
    ("head/head-", ("fat", "scale-horiz", "scale-vert", "age"), _SIZE),
    ("forehead/forehead-", ("scale-vert", "temple", "nubian"), _SIZE),
    ("cheek/*-cheek-", ("bones", "volume", "inner"), _SIZE),
    ("eyes/*-eye-", ("scale", "height1", "height2", "height3", "bag"), _SIZE),
    ("ears/*-ear-", ("scale", "wing", "lobe"), _SIZE),
    ("neck/neck-", ("scale-horiz", "double"), _SIZE),
    ("nose/nose-", ("base", "point", "trans"), _HEIGHT),
    ("mouth/mouth-", ("trans",), _HEIGHT),
    ("eyebrows/eyebrows-", ("trans",), _HEIGHT),
    ("eyes/*-eye-", ("trans", "corner1", "corner2", "eyefold"), _HEIGHT),
    ("cheek/*-cheek-", ("trans",), _HEIGHT),
    ("nose/nose-", ("curve",), ("concave", "convex")),
    ("eyes/*-eye-", ("eyefold",), ("concave", "convex")),
    ("forehead/forehead-", ("trans",), ("backward", "forward")),
    ("eyes/*-eye-", ("trans", "epicanthus"), ("in", "out")),
)
_HEAD_SHAPES = ("oval", "round", "rectangular", "square", "triangular", "invertedtriangular", "diamond")
_ASYMMETRIES = ("brown-1", "cheek-1", "eye-1", "jaw-1", "mouth-1", "nose-1", "nose-2")

# What tells women's faces from men's besides the macro targets: the mean of a detail for women; men's is
# opposite and weaker.
_SEX_MEANS = {
    "eye-scale": 0.3,
    "eye-height2": 0.15,
    "eyebrows-trans": 0.25,
    "chin-width": -0.3,
    "chin-bones": -0.3,
    "chin-jaw-drop": -0.2,
    "chin-prominent": -0.15,
    "nose-scale-horiz": -0.2,
    "nose-volume": -0.25,
    "nose-hump": -0.15,
    "mouth-lowerlip-volume": 0.2,
    "mouth-upperlip-volume": 0.25,
    "head-scale-horiz": -0.1,
    "neck-scale-horiz": -0.3,
    "forehead-nubian": 0.1,
}

# The modelled rest pose reads as stern: its brows sit low and slant inwards, its mouth droops.
_RELAXED = {
    "browDownLeft": -0.42,
    "browDownRight": -0.42,
    "browInnerUp": 0.4,
    "eyebrows/eyebrows-angle-up": 0.5,
    "mouthSmileLeft": 0.1,
    "mouthSmileRight": 0.1,
}


def draw_shape(rng: np.random.Generator, subject: Subject, base: Floats, targets: Targets) -> Floats:
    """Draw a neutral face.

    Args:
        rng: Source of everything the attributes leave open.
        subject: The attributes.
        base: (V, 3) vertices of the base mesh.
        targets: The shape targets.

    Returns:
        (V, 3) vertices, dm.
    """
    vertices: Floats = base.copy()
    _add_macro(rng, subject, vertices, targets)
    _add_details(rng, subject, vertices, targets)
    for name, weight in _RELAXED.items():
        targets.add(vertices, name, weight)
    return vertices


def _add_macro(rng: np.random.Generator, subject: Subject, vertices: Floats, targets: Targets) -> None:
    """Sex, age, build and ancestry: targets blended by the product of their shares."""
    masculine = np.clip((0.93 if subject.sex == "male" else 0.07) + rng.normal(0, 0.06), 0, 1)
    aged = rng.uniform(*_AGE_RANGE[subject.age])
    sexes = {"male": masculine, "female": 1 - masculine}
    ages = {"young": 1 - aged, "old": aged}
    weight = dict(zip(("averageweight", "minweight", "maxweight"), rng.dirichlet([3, 1, 1]), strict=True))
    muscle = dict(zip(("averagemuscle", "minmuscle", "maxmuscle"), rng.dirichlet([3, 1, 1]), strict=True))
    main = rng.uniform(0.7, 1.0)
    others = [name for name in ANCESTRIES if name != subject.ancestry]
    ancestry = dict(zip(others, (1 - main) * rng.dirichlet([1, 1]), strict=True)) | {subject.ancestry: main}
    for (sex, a), (age, b) in itertools.product(sexes.items(), ages.items()):
        for (muscled, c), (heavy, d) in itertools.product(muscle.items(), weight.items()):
            targets.add(vertices, f"macrodetails/universal-{sex}-{age}-{muscled}-{heavy}", a * b * c * d)
        for name, c in ancestry.items():
            targets.add(vertices, f"macrodetails/{name}-{sex}-{age}", a * b * c)


def _add_details(rng: np.random.Generator, subject: Subject, vertices: Floats, targets: Targets) -> None:
    sex = 1.0 if subject.sex == "female" else -0.6
    for start, names, (low, high) in _DETAILS:
        calm = _CALM if start.startswith(_CALM_FOLDERS) else 1.0
        for name in names:
            mean = sex * _SEX_MEANS.get(f"{start.rpartition('/')[2].removeprefix('*-')}{name}", 0.0)
            drawn = calm * np.clip(rng.normal(mean, _SPREAD), -_LIMIT, _LIMIT)
            for half in ("l", "r") if "*" in start else ("",):
                weight = float(drawn + (rng.normal(0, 0.05) if half else 0))
                ending = high if weight > 0 else low
                targets.add(vertices, f"{start.replace('*', half)}{name}-{ending}", abs(weight))
    targets.add(vertices, f"head/head-{rng.choice(_HEAD_SHAPES)}", rng.uniform(0, 0.4))
    for name in _ASYMMETRIES:
        targets.add(vertices, f"asym/asym-{name}-{rng.choice(['l', 'r'])}", rng.uniform(0, 0.25))
