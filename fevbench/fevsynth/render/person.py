"""One subject from a seed: the shape of the head, skin, hair, and how the face moves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.hair import draw_hair, draw_hair_colour
from fevbench.fevsynth.render.mesh import BaseMesh, Part, Targets, read_base, read_part
from fevbench.fevsynth.render.plan import ANCESTRIES, Subject
from fevbench.fevsynth.render.skin import Map, Skins, draw_complexion
from fevbench.fevsynth.render.trajectory import Style, draw_style
from fevbench.fevsynth.render.wrinkles import Wrinkles, draw_wrinkles

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
    """Draw a neutral face: (V, 3) vertices, dm."""
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


Texture = NDArray[np.float32]

_EYE_COLOURS = {
    "african": ("brown",),
    "asian": ("brown", "brownlight"),
    "caucasian": ("brown", "blue", "green", "grey", "brownlight", "deepblue", "lightblue", "bluegreen"),
}
_EYE_BRIGHTNESS, _EYE_SATURATION = 0.85, 0.6  # of the modelled eyes, whose irises glow
_TEETH_YELLOW = {"young": (0.0, 0.1), "middle": (0.03, 0.18), "old": (0.08, 0.3)}
_BROW_DENSITY = {"female": (0.55, 0.95), "male": (0.8, 1.0)}
_LASH_DENSITY = {"female": (0.6, 1.0), "male": (0.15, 0.5)}
_LASHES = {
    "female": "eyelashes/eyelashes02/eyelashes02.json",
    "male": "eyelashes/eyelashes04/eyelashes04.json",
}
# Brows 2, 3, 7 and 8 are drawn as if frowning, and 11 is too thin to show at 128 pixels.
_BROWS = (1, 4, 5, 6, 9, 10, 12)


@dataclass(frozen=True)
class Person:
    """A subject, ready to be posed.

    Attributes:
        base: The mesh all subjects share.
        targets: The shape targets their expressions are made of.
        neutral: (V, 3) base vertices of the neutral face, dm.
        skin: (h, w, 4) linear skin colour.
        brows: The brows, a transparent layer.
        lashes: The lashes, a transparent layer.
        hair: The hair, a transparent layer; without faces if the head is shaved.
        hair_opacity: (P,) opacity of its vertices, 0 where it is cut off.
        brow_density: Opacity of the brows.
        lash_density: Opacity of the upper lashes.
        wrinkles: The lines that expressions fold.
        complexion: (SIZE, SIZE, 3) detail of the skin on the face map.
        style: How the subject moves.
        exposure: Factor on all light on the head, from the skin's brightness.
    """

    base: BaseMesh
    targets: Targets
    neutral: Floats
    skin: Texture
    eyes: Part
    teeth: Part
    tongue: Part
    brows: Part
    lashes: Part
    hair: Part
    hair_opacity: Floats
    brow_density: float
    lash_density: float
    wrinkles: Wrinkles
    complexion: Map
    style: Style
    exposure: float

    @cached_property
    def centre(self) -> Floats:
        """(3,) point the head turns about and the camera aims at, dm."""
        eyes = self.eyes.fit(self.neutral).mean(0)
        return np.array([0.0, eyes[1] - 0.28, eyes[2] - 0.6])


class Studio:
    """Makes subjects from the assets, reading what they share once."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._base = read_base(assets)
        self._targets = Targets(assets)
        self._skins = Skins(assets)

    def person(self, subject: Subject) -> Person:
        """Make the subject a subject's attributes and seed describe."""
        rng = np.random.default_rng(subject.seed)
        neutral = draw_shape(rng, subject, self._base.vertices, self._targets)
        skin = self._skins.draw(rng, subject)
        hair_colour = draw_hair_colour(rng, subject)
        hair, hair_opacity = draw_hair(rng, self._assets, subject, hair_colour, self._base.vertices)
        return Person(
            base=self._base,
            targets=self._targets,
            neutral=neutral,
            skin=skin,
            eyes=self._draw_eyes(rng, subject),
            teeth=self._draw_teeth(rng, subject),
            tongue=self._part("tongue/tongue01/tongue01.json"),
            brows=self._draw_brows(rng, hair_colour),
            lashes=self._part(_LASHES[subject.sex]),
            hair=hair,
            hair_opacity=hair_opacity,
            brow_density=rng.uniform(*_BROW_DENSITY[subject.sex]),
            lash_density=rng.uniform(*_LASH_DENSITY[subject.sex]),
            wrinkles=draw_wrinkles(rng, subject),
            complexion=draw_complexion(rng, subject, hair_colour),
            style=draw_style(rng),
            exposure=self._skins.exposure(skin),
        )

    def _part(self, path: str, texture: str | None = None) -> Part:
        return read_part(self._assets, path, texture)

    def _draw_eyes(self, rng: np.random.Generator, subject: Subject) -> Part:
        colour = str(rng.choice(_EYE_COLOURS[subject.ancestry]))
        eyes = self._part("eyes/HighPolyEyes/HighPolyEyes.json", f"textures/{colour}_eye.png")
        texture = eyes.texture.copy()
        grey = texture[..., :3].mean(2, keepdims=True)
        texture[..., :3] = _EYE_BRIGHTNESS * (grey + _EYE_SATURATION * (texture[..., :3] - grey))
        return replace(eyes, texture=texture).without_transparent_faces()

    def _draw_brows(self, rng: np.random.Generator, hair_colour: Floats) -> Part:
        number = int(rng.choice(_BROWS))
        brows = self._part(f"eyebrows/eyebrow{number:03d}/eyebrow{number:03d}.json")
        texture = brows.texture.copy()
        texture[..., :3] = (0.62 * hair_colour) ** 2.2
        return replace(brows, texture=texture)

    def _draw_teeth(self, rng: np.random.Generator, subject: Subject) -> Part:
        teeth = self._part("teeth/Teeth_Base/Teeth_Base.json")
        texture = teeth.texture.copy()
        yellow = rng.uniform(*_TEETH_YELLOW[subject.age])
        texture[..., :3] *= rng.uniform(0.95, 1.25) * np.array([1.0, 1 - 0.4 * yellow, 1 - yellow])
        return replace(teeth, texture=texture)
