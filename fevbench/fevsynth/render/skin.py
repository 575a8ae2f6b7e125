"""The skin of one subject: painted skins, and the finer map of the face on top.

The skins' own texture coordinates leave the face some 75 by 100 texels. Detail that has to be finer
(wrinkles, stubble, freckles) is drawn on this map instead. Every vertex keeps its place on it however a
subject is shaped or moves, so what is drawn there moves with the skin. Coordinates are those of the unshaped
base mesh in decimetres: x to the subject's left, y up; the eyes are near (+-0.31, 7.28), the mouth's corners
near (+-0.27, 6.61).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.mesh import BaseMesh, read_texture, vertex_normals
from fevbench.fevsynth.render.plan import AGES, ANCESTRIES, Subject

Floats = NDArray[np.float64]
Map = NDArray[np.float32]

SIZE = 400
"""Rows and columns of a map."""
_WIDTH = 1.8
_LEFT, _BOTTOM = -0.9, 6.05
# The map fades out over these depths, dm, and directions of the skin: on the sides of the head and below
# the jaw it would smear.
_DEPTHS, _FACING = (0.55, 0.85), (0.05, 0.3)


def coordinates(base: BaseMesh) -> Floats:
    """Return where each vertex of the unshaped base mesh lies on the map, (V, 3).

    Texture coordinates u and v in [0, 1] with v up, and how much the map counts there, 0 to 1.
    """
    facing = vertex_normals(base.vertices, base.faces)[:, 2]
    uv = (base.vertices[:, :2] - (_LEFT, _BOTTOM)) / _WIDTH
    inside = (uv > 0.01).all(1) & (uv < 0.99).all(1)
    counts = inside * smooth_step(*_DEPTHS, base.vertices[:, 2]) * smooth_step(*_FACING, facing)
    return np.concatenate([uv, counts[:, None]], 1)


def grid() -> tuple[Floats, Floats]:
    """Return x and y, dm, of every texel, each (SIZE, SIZE); the first row is the highest."""
    centre = (np.arange(SIZE) + 0.5) / SIZE * _WIDTH
    return np.broadcast_to(_LEFT + centre, (SIZE, SIZE)), np.broadcast_to(
        (_BOTTOM + centre)[::-1, None], (SIZE, SIZE)
    )


def distance(points: Sequence[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Return how far every texel is from a line (two or more corners, dm), and where its nearest point is.

    Both are (SIZE, SIZE): distances in dm, and places from 0 at the line's start to 1 at its end.
    """
    x, y = grid()
    corners = np.array(points, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    nearest, along, walked = np.full((SIZE, SIZE), np.inf), np.zeros((SIZE, SIZE)), 0.0
    for (ax, ay), (bx, by), length in zip(corners[:-1], corners[1:], lengths, strict=True):
        share = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length**2, 0, 1)
        far = np.hypot(x - ax - share * (bx - ax), y - ay - share * (by - ay))
        closer = far < nearest
        nearest = np.where(closer, far, nearest)
        along = np.where(closer, (walked + share * length) / lengths.sum(), along)
        walked += length
    return nearest, along


def smooth_step(low: float, high: float, values: NDArray[np.floating[Any]]) -> Floats:
    """Return a rise from 0 at ``low`` to 1 at ``high`` without corners; falling if ``high < low``."""
    share = np.clip((values - low) / (high - low), 0, 1).astype(np.float64)
    rise: Floats = share * share * (3 - 2 * share)
    return rise


Texture = NDArray[np.float32]

_SIZE = 512  # of the modelled skins, pixels
_FOLDERS = {"young": "young", "middle": "middleage", "old": "old"}
_SATURATION = 0.78  # of the modelled skins', which are painted redder than skin photographs
_MAX_REDNESS = 2.35  # mean linear red over green
# A camera exposes dark skin longer; half of the way (in stops) keeps it dark but readable.
_REFERENCE, _EXPOSURE_SHARE, _MIN_EXPOSURE, _MAX_EXPOSURE = 0.42, 0.5, 0.8, 2.0


class Skins:
    """Draws skins from the modelled ones."""

    def __init__(self, assets: Assets) -> None:
        self._folder = assets.head / "skins"
        with Image.open(assets.body / "mpfb2/textures/mpfb_lips.jpg") as mask:
            self._lips = np.asarray(mask.convert("L").resize((_SIZE, _SIZE)), np.float32)[..., None] / 255

    def draw(self, rng: np.random.Generator, subject: Subject) -> Texture:
        """Draw a skin of the subject's sex, ancestry and age: (512, 512, 4) linear colour, alpha 1."""
        toned = self._mix(rng, subject)
        tone = np.exp(np.clip(rng.normal(0, 0.16), -0.3, 0.3) + rng.normal(0, 0.035, 3))
        contrast = np.exp(rng.normal(0, 0.06))
        blotches = 1 + 0.05 * _smooth_noise(rng, 64) + 0.05 * _smooth_noise(rng, 256)
        lips = np.exp(rng.uniform(-0.5, 0.1)) ** (0.4 if subject.sex == "male" else 1.0)
        toned = toned**contrast * tone * blotches[..., None]
        toned = toned.mean(2, keepdims=True) * (1 - _SATURATION) + toned * _SATURATION
        red, green, _ = self._cheek_colour(toned)
        excess = max(1.0, red / green / _MAX_REDNESS)
        toned *= np.array([1, excess, excess**0.5])
        toned *= 1 - self._lips * (1 - np.array([1, lips, lips]))
        opaque = np.ones((*toned.shape[:2], 1))
        return np.concatenate([np.clip(toned, 0, 1), opaque], 2).astype(np.float32)

    def exposure(self, skin: Texture) -> float:
        """Return the factor on all light by which a camera would expose a face of this skin."""
        brightness = float(self._cheek_colour(skin[..., :3]).mean())
        return float(np.clip((_REFERENCE / brightness) ** _EXPOSURE_SHARE, _MIN_EXPOSURE, _MAX_EXPOSURE))

    def _mix(self, rng: np.random.Generator, subject: Subject) -> NDArray[np.floating[Any]]:
        """Mix the subject's skin with that of another age and perhaps of a parent of other ancestry."""
        age = AGES.index(subject.age)
        other_age = AGES[int(np.clip(age + rng.choice([-1, 1]), 0, 2))]
        share = rng.uniform(0.0, 0.4)
        first, second = (self._read(rng, subject, name) for name in (subject.age, other_age))
        mixed = (1 - share) * first + share * second
        if rng.random() < 0.5:
            other = str(rng.choice([name for name in ANCESTRIES if name != subject.ancestry]))
            share = rng.uniform(0.05, 0.3)
            parent = replace(subject, ancestry=other)
            mixed = (1 - share) * mixed + share * self._read(rng, parent, subject.age)
        return mixed

    def _read(self, rng: np.random.Generator, subject: Subject, age: str) -> Texture:
        folder = f"{_FOLDERS[age]}_{subject.ancestry}_{subject.sex}"
        files = sorted((self._folder / folder / "textures").glob("*.png"))
        return read_texture(files[rng.integers(len(files))])[..., :3]

    def _cheek_colour(self, skin: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the (3,) mean colour of the lower face of a (512, 512, 3) skin."""
        # The lips' mask is the one place of the texture known to be face; around it are cheek and chin.
        rows, columns = np.nonzero(self._lips[..., 0] > 0.5)
        height, width = rows.max() - rows.min(), columns.max() - columns.min()
        patch = skin[
            max(0, rows.min() - 2 * height) : rows.max() + 2 * height,
            max(0, columns.min() - 2 * width) : columns.max() + width,
        ]
        colour: NDArray[np.floating[Any]] = patch.mean((0, 1))
        return colour


def _smooth_noise(rng: np.random.Generator, cells: int) -> Texture:
    coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((_SIZE, _SIZE), Image.Resampling.BICUBIC))


_FRECKLED = {"african": 0.05, "asian": 0.12, "caucasian": 0.35}
_BEARDS = {"young": 0.2, "middle": 0.35, "old": 0.35}
_SPARSE = 0.12
_LIPS = ((0.0, 6.69), (0.08, 6.7), (0.27, 6.61), (0.12, 6.5), (0.0, 6.48))


def draw_complexion(rng: np.random.Generator, subject: Subject, hair: Floats) -> Map:
    """Draw the detail of a subject's skin: (SIZE, SIZE, 3) factors on its linear colour.

    ``hair`` is its (3,) sRGB colour, which a beard shares.
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
    """Freckles over nose and cheeks, a few moles, an old subject's age spots."""
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
