"""What a close look at a person's skin shows: pores, freckles, moles, flush, shadowed lids, a beard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.fevsynth.render.facemap import SIZE, Map, distance, grid, smooth_step
from fevbench.fevsynth.render.population import Subject

Floats = NDArray[np.float64]

_FRECKLED = {"african": 0.05, "asian": 0.12, "caucasian": 0.35}
_BEARDS = {"young": 0.2, "middle": 0.35, "old": 0.35}
_SPARSE = 0.12
_LIPS = ((0.0, 6.69), (0.08, 6.7), (0.27, 6.61), (0.12, 6.5), (0.0, 6.48))


def draw_complexion(rng: np.random.Generator, subject: Subject, hair: Floats) -> Map:
    """Draw the detail of a person's skin.

    Args:
        rng: Source of everything the attributes leave open.
        subject: The attributes.
        hair: (3,) sRGB colour of the hair, which a beard shares.

    Returns:
        (SIZE, SIZE, 3) factors on the skin's linear colour.
    """
    factor = np.ones((SIZE, SIZE, 3))
    pores = rng.uniform(0.02, 0.05) * (1.3 if subject.age == "old" else 1.0)
    factor *= 1 + (pores * _noise(rng, 1.2))[..., None] + (0.03 * _noise(rng, 5.0))[..., None]
    factor *= _flush(rng)
    factor *= _lids(rng, subject)
    factor *= _spots(rng, subject)
    if subject.sex == "male":
        factor *= _beard(rng, subject, hair)
    return np.clip(factor, 0.02, 1.6).astype(np.float32)


def _noise(rng: np.random.Generator, texels: float) -> Floats:
    """Return (SIZE, SIZE) noise of standard deviation 1 that varies over about so many texels."""
    cells = max(2, int(SIZE / texels))
    coarse = Image.fromarray(rng.normal(0, 1, (cells, cells)).astype(np.float32))
    fine = np.asarray(coarse.resize((SIZE, SIZE), Image.Resampling.BICUBIC), np.float64)
    unit: Floats = fine / fine.std()
    return unit


def _flush(rng: np.random.Generator) -> Floats:
    """Redness of cheeks and nose."""
    x, y = grid()
    cheeks = np.exp(-(((np.abs(x) - 0.36) / 0.16) ** 2) - ((y - 6.98) / 0.15) ** 2)
    nose = np.exp(-((x / 0.09) ** 2) - ((y - 6.93) / 0.1) ** 2)
    amount = rng.uniform(0, 0.16) * cheeks + rng.uniform(0, 0.14) * nose
    factor: Floats = 1 - amount[..., None] * np.array([0.0, 0.8, 0.7])
    return factor


def _lids(rng: np.random.Generator, subject: Subject) -> Floats:
    """Dark rings, and perhaps a woman's eye shadow."""
    x, y = grid()
    eye = np.hypot((np.abs(x) - 0.31) / 0.17, (y - 7.28) / 0.11)
    ring = smooth_step(1.5, 0.7, eye) * rng.uniform(0.02, 0.2 if subject.age == "young" else 0.32)
    factor: Floats = 1 - ring[..., None] * np.array([0.7, 1.0, 0.85])
    if subject.sex == "female" and rng.random() < 0.5:
        upper = smooth_step(1.35, 0.8, eye) * smooth_step(7.26, 7.33, y) * rng.uniform(0.15, 0.45)
        factor = factor * (1 - upper[..., None] * rng.uniform(0.6, 1.0, 3))
    return factor


def _spots(rng: np.random.Generator, subject: Subject) -> Floats:
    """Freckles over nose and cheeks, a few moles, an old person's age spots."""
    x, y = grid()
    dark = np.zeros((SIZE, SIZE))
    count = int(rng.integers(60, 200)) if rng.random() < _FRECKLED[subject.ancestry] else 0
    freckles = np.stack([rng.normal(0, 0.26, count), rng.normal(7.02, 0.12, count)], 1)
    moles = np.stack([rng.uniform(-0.5, 0.5, 5), rng.uniform(6.25, 7.6, 5)], 1)[: rng.integers(0, 5)]
    aged = rng.integers(4, 12) if subject.age == "old" else 0
    patches = np.stack([rng.uniform(-0.55, 0.55, aged), rng.uniform(6.7, 7.7, aged)], 1)
    for places, radius, depth in ((freckles, 0.008, 0.3), (moles, 0.013, 0.75), (patches, 0.025, 0.22)):
        for px, py in places:
            size, strength = radius * rng.uniform(0.7, 1.4), depth * rng.uniform(0.5, 1.0)
            spot = strength * np.exp(-(((x - px) ** 2 + (y - py) ** 2) / size**2))
            dark = np.maximum(dark, spot)
    factor: Floats = 1 - dark[..., None] * np.array([0.6, 0.95, 1.0])
    return factor


def _beard(rng: np.random.Generator, subject: Subject, hair: Floats) -> Floats:
    """Nothing but a shaved shadow, stubble, or a moustache and beard."""
    x, y = grid()
    across = np.abs(x)
    jaw = smooth_step(0.0, 0.09, 6.62 + 1.5 * np.clip(across - 0.36, 0, None) - y)
    moustache = smooth_step(0.0, 0.05, 6.815 - 0.35 * across - y) * smooth_step(0.38, 0.3, across)
    away, _ = distance(_LIPS)
    mirrored = np.minimum(away, away[:, ::-1])
    inside_lips = (across / 0.275) ** 1.4 + (np.abs(y - 6.6) / 0.105) ** 1.6 < 1
    lips = np.where(inside_lips, 0.0, smooth_step(0.0, 0.03, mirrored))
    kind = rng.random()
    if kind < (_SPARSE if subject.ancestry == "asian" else _BEARDS[subject.age]):
        shape = np.maximum(jaw * (1.0 if rng.random() < 0.7 else smooth_step(0.3, 0.2, across)), moustache)
        density, grain = rng.uniform(0.5, 0.85), 0.35
    elif kind < 0.6:
        shape, density, grain = np.maximum(jaw, 0.9 * moustache), rng.uniform(0.12, 0.35), 0.5
    else:
        shape, density, grain = np.maximum(jaw, moustache), rng.uniform(0.0, 0.1), 0.3
    grown = np.clip(shape * lips * density * (1 + grain * _noise(rng, 1.5)), 0, 0.95)[..., None]
    colour = np.clip(1.3 * hair, 0, 1) ** 2.2 / 0.35  # against skin of middling brightness
    factor: Floats = 1 - grown * (1 - np.minimum(colour, 0.9))
    return factor
