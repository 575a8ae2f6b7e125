"""A subject's hair: a modelled style, perhaps cut shorter, in a colour of the subject's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.mesh import Part, read_part
from fevbench.fevsynth.render.plan import Subject

Floats = NDArray[np.float64]

# A style, and the height on the base mesh below which it is cut off, dm; the chin is at 6.2.
_UNCUT = -np.inf
_STYLES = {
    "female": (
        ("long01", _UNCUT),
        ("long01", 5.75),
        ("long01", 6.25),
        ("ponytail01", _UNCUT),
        ("short04", _UNCUT),
    ),
    "male": (
        ("short01", _UNCUT),
        ("short02", _UNCUT),
        ("short04", _UNCUT),
        ("short01", _UNCUT),
        ("short02", np.inf),
    ),
}
_AFRO = ("afro01", _UNCUT)
_RAGGED = 0.05  # of a cut, dm
_CONTRAST = 0.6  # between strands; the modelled textures sparkle at small sizes
_COLOURS = {  # sRGB
    "african": ((0.09, 0.07, 0.06), (0.14, 0.10, 0.08), (0.22, 0.13, 0.09)),
    "asian": ((0.08, 0.07, 0.07), (0.15, 0.11, 0.09), (0.26, 0.17, 0.11)),
    "caucasian": (
        (0.18, 0.13, 0.10),
        (0.36, 0.27, 0.19),
        (0.55, 0.44, 0.31),
        (0.66, 0.55, 0.39),
        (0.11, 0.09, 0.08),
        (0.29, 0.19, 0.14),
        (0.35, 0.24, 0.17),
    ),
}
_GREY = np.array([0.54, 0.53, 0.52])


def draw_hair_colour(rng: np.random.Generator, subject: Subject) -> Floats:
    """Return an sRGB colour; old subjects' is mixed with grey."""
    palette = _COLOURS[subject.ancestry]
    colour = np.array(palette[rng.integers(len(palette))]) * np.exp(rng.normal(0, 0.12))
    grey = {"young": 0.0, "middle": rng.uniform(0, 0.25), "old": rng.uniform(0.4, 0.95)}[subject.age]
    mixed: Floats = np.clip((1 - grey) * colour + grey * _GREY, 0, 1)
    return mixed


def draw_hair(
    rng: np.random.Generator, assets: Assets, subject: Subject, colour: Floats, base: Floats
) -> tuple[Part, Floats]:
    """Draw a subject's hair of an sRGB colour (3,) on the (V, 3) vertices of the base mesh, dm.

    Returns:
        The hair, which has no faces if the head is shaved, and the (P,) opacity of its vertices.
    """
    styles = list(_STYLES[subject.sex])
    if subject.ancestry == "african" and subject.age != "old":  # grey, its fine curls sparkle
        styles += [_AFRO, _AFRO]
    style, cut = styles[rng.integers(len(styles))]
    hair = read_part(assets, f"hair/{style}/{style}.json")
    # The texture gives only the strands' light and dark; the subject's colour replaces its own.
    light = hair.texture[..., :3].mean(2, keepdims=True) ** (_CONTRAST / 2.2)
    alpha = hair.texture[..., 3:]
    mean = (light * alpha).sum() / (alpha.sum() + 1e-6)
    coloured = np.clip(light / mean * colour, 0, 1) ** 2.2
    height = hair.fit(base)[:, 1] + rng.uniform(-_RAGGED, _RAGGED, len(hair.anchors))
    opacity = np.clip((height - cut) / _RAGGED, 0, 1) if np.isfinite(cut) else np.ones(len(height))
    kept = (opacity[hair.faces] > 0).any(1) & (cut < np.inf)
    texture = np.concatenate([coloured, alpha], 2).astype(np.float32)
    return replace(hair, faces=hair.faces[kept], corners=hair.corners[kept], texture=texture), opacity
