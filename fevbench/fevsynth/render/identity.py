"""One person: head shape, skin, eyes, brows, lashes and hair, all drawn from the subject's seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.complexion import draw_complexion
from fevbench.fevsynth.render.facemap import Map
from fevbench.fevsynth.render.hair import draw_hair, draw_hair_colour
from fevbench.fevsynth.render.mesh import BaseMesh, Part, Targets, read_base, read_part
from fevbench.fevsynth.render.population import Subject
from fevbench.fevsynth.render.shape import draw_shape
from fevbench.fevsynth.render.skin import Skins
from fevbench.fevsynth.render.trajectory import Style, draw_style
from fevbench.fevsynth.render.wrinkles import Wrinkles, draw_wrinkles

Floats = NDArray[np.float64]
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
    """A person, ready to be posed.

    Attributes:
        base: The mesh all persons share.
        targets: The shape targets their expressions are made of.
        neutral: (V, 3) base vertices of the neutral face, dm.
        skin: (h, w, 4) linear skin colour.
        eyes: Both eyes.
        teeth: Both rows of teeth.
        tongue: The tongue.
        brows: The brows, a transparent layer.
        lashes: The lashes, a transparent layer.
        hair: The hair, a transparent layer; without faces if the head is shaved.
        hair_opacity: (P,) opacity of its vertices, 0 where it is cut off.
        brow_density: Opacity of the brows.
        lash_density: Opacity of the upper lashes.
        wrinkles: The lines that expressions fold.
        complexion: (SIZE, SIZE, 3) detail of the skin on the face map.
        style: How the person moves.
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
    """Makes persons from the assets, reading what they share once.

    Args:
        assets: The unpacked archives.
    """

    def __init__(self, assets: Assets) -> None:
        self._assets = assets
        self._base = read_base(assets)
        self._targets = Targets(assets)
        self._skins = Skins(assets)

    def person(self, subject: Subject) -> Person:
        """Make the person a subject's attributes and seed describe."""
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
