"""One person: head shape, skin, eyes, brows, lashes and hair, all drawn from the subject's seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fevbench.data.fevsynth.render.assets import Assets
from fevbench.data.fevsynth.render.mesh import BaseMesh, Part, Targets, read_base, read_part
from fevbench.data.fevsynth.render.population import Subject
from fevbench.data.fevsynth.render.shape import draw_shape
from fevbench.data.fevsynth.render.skin import Skins
from fevbench.data.fevsynth.render.trajectory import Style, draw_style

Floats = NDArray[np.float64]
Texture = NDArray[np.float32]

_HAIR = {
    "female": ("long01", "long01", "ponytail01"),
    "male": ("short01", "short02", "short04"),
}
_AFRO = "afro01"
_HAIR_COLOURS = {  # sRGB
    "african": ((0.09, 0.07, 0.06), (0.14, 0.10, 0.08)),
    "asian": ((0.08, 0.07, 0.07), (0.15, 0.11, 0.09)),
    "caucasian": (
        (0.18, 0.13, 0.10),
        (0.36, 0.27, 0.19),
        (0.55, 0.44, 0.31),
        (0.11, 0.09, 0.08),
        (0.29, 0.19, 0.14),
    ),
}
_GREY = np.array([0.50, 0.49, 0.48])
_EYE_COLOURS = {
    "african": ("brown",),
    "asian": ("brown", "brownlight"),
    "caucasian": ("brown", "blue", "green", "grey", "brownlight", "deepblue", "lightblue", "bluegreen"),
}
_EYE_BRIGHTNESS, _EYE_SATURATION = 0.85, 0.6  # of the modelled eyes, whose irises glow
_LASHES = {
    "female": "eyelashes/eyelashes02/eyelashes02.json",
    "male": "eyelashes/eyelashes04/eyelashes04.json",
}
# Brows 2, 3 and 8 are drawn as if frowning, and 11 is too thin to show at 128 pixels.
_BROWS = (1, 4, 5, 6, 7, 9, 10, 12)


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
        hair: The hair, a transparent layer.
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
        hair_colour = _draw_hair_colour(rng, subject)
        return Person(
            base=self._base,
            targets=self._targets,
            neutral=neutral,
            skin=skin,
            eyes=self._draw_eyes(rng, subject),
            teeth=self._part("teeth/Teeth_Base/Teeth_Base.json"),
            tongue=self._part("tongue/tongue01/tongue01.json"),
            brows=self._draw_brows(rng, hair_colour),
            lashes=self._part(_LASHES[subject.sex]),
            hair=self._draw_hair(rng, subject, hair_colour),
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

    def _draw_hair(self, rng: np.random.Generator, subject: Subject, colour: Floats) -> Part:
        styles = list(_HAIR[subject.sex])
        if subject.ancestry == "african" and subject.age != "old":  # grey, its fine curls sparkle
            styles += [_AFRO, _AFRO]
        style = str(rng.choice(styles))
        hair = self._part(f"hair/{style}/{style}.json")
        # The texture gives only the strands' light and dark; the person's colour replaces its own.
        light = hair.texture[..., :3].mean(2, keepdims=True) ** (1 / 2.2)
        alpha = hair.texture[..., 3:]
        mean = (light * alpha).sum() / (alpha.sum() + 1e-6)
        coloured = np.clip(light / mean * colour, 0, 1) ** 2.2
        return replace(hair, texture=np.concatenate([coloured, alpha], 2).astype(np.float32))


def _draw_hair_colour(rng: np.random.Generator, subject: Subject) -> Floats:
    """Return an sRGB colour; old people's is mixed with grey."""
    palette = _HAIR_COLOURS[subject.ancestry]
    colour = np.array(palette[rng.integers(len(palette))]) * np.exp(rng.normal(0, 0.1))
    grey = {"young": 0.0, "middle": rng.uniform(0, 0.2), "old": rng.uniform(0.4, 0.9)}[subject.age]
    mixed: Floats = np.clip((1 - grey) * colour + grey * _GREY, 0, 1)
    return mixed
