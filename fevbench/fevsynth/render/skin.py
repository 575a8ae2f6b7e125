"""A person's skin: a mixture of the modelled skins, varied in tone, mottling and lips."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.fevsynth.render.assets import Assets
from fevbench.fevsynth.render.mesh import read_texture
from fevbench.fevsynth.render.population import AGES, ANCESTRIES, Subject

Floats = NDArray[np.float64]
Texture = NDArray[np.float32]

_SIZE = 512  # of the modelled skins, pixels
_FOLDERS = {"young": "young", "middle": "middleage", "old": "old"}
_SATURATION = 0.78  # of the modelled skins', which are painted redder than skin photographs
_MAX_REDNESS = 2.35  # mean linear red over green
# A camera exposes dark skin longer; half of the way (in stops) keeps it dark but readable.
_REFERENCE, _EXPOSURE_SHARE, _MIN_EXPOSURE, _MAX_EXPOSURE = 0.42, 0.5, 0.8, 2.0


class Skins:
    """Draws skins from the modelled ones.

    Args:
        assets: The unpacked archives.
    """

    def __init__(self, assets: Assets) -> None:
        self._folder = assets.head / "skins"
        with Image.open(assets.body / "mpfb2/textures/mpfb_lips.jpg") as mask:
            self._lips = np.asarray(mask.convert("L").resize((_SIZE, _SIZE)), np.float32)[..., None] / 255

    def draw(self, rng: np.random.Generator, subject: Subject) -> Texture:
        """Draw a skin of the subject's sex, ancestry and age.

        Returns:
            (512, 512, 4) linear colour in [0, 1], and an alpha of 1.
        """
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
