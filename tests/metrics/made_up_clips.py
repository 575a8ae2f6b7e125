"""Clips, and what networks would see in them, for any metric of the catalogue: no network is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pixel_features import pixel_rows
from scipy.ndimage import uniform_filter

from fevbench.data.clip import EXPRESSIONS, Clip
from fevbench.engine.score import ClipSet, measure
from fevbench.extractors.base import extractors, sample_count
from fevbench.extractors.face_mesh import MESH, POSE, SCORES
from fevbench.metrics.catalog import Metric
from fevbench.results.schema import MetricResult

Array = np.ndarray
T, SIZE, DIM = 4, 46, 24
PEOPLE = ("ann", "bob")
FACES = ("arcface", "arcface-r50", "face-mesh", "fer-xception", "face-api", "hsemotion")
"""Networks that say NaN where they find no face."""


@dataclass(frozen=True)
class World:
    """Made clips beside true ones, for one metric.

    Attributes:
        metric: Which.
        clips: All clips, two people's.
        made: Pixels of the made clips, and features by network, one array a clip.
        true: The same of the true clips.
    """

    metric: Metric
    clips: tuple[Clip, ...]
    made: dict[str, list[Array]]
    true: dict[str, list[Array]]

    def value(self) -> float:
        found = self.measure().value
        assert found is not None
        return found

    def measure(self) -> MetricResult:
        return measure(self.metric, self.clips, self._side(self.made), self._side(self.true))

    def some(self, chosen: Sequence[int]) -> World:
        """Some of the clips, in this order."""
        made, true = (
            {name: [of_clip[i] for i in chosen] for name, of_clip in side.items()}
            for side in (self.made, self.true)
        )
        return World(self.metric, tuple(self.clips[i] for i in chosen), made, true)

    def swapped(self) -> World:
        return replace(self, made=self.true, true=self.made)

    def with_features(self, change: Callable[[Array], Array], of_true: bool = False) -> World:
        """Every feature of one side changed."""
        side = self.true if of_true else self.made
        changed = {
            name: rows if name == "pixels" else [change(of_clip) for of_clip in rows]
            for name, rows in side.items()
        }
        return replace(self, **{"true" if of_true else "made": changed})

    def with_pixels(self, made: Array, true: Array) -> World:
        """The same pixels in all clips."""
        count = len(self.clips)
        return replace(
            self,
            made={**self.made, "pixels": [made] * count},
            true={**self.true, "pixels": [true] * count},
        )

    def _side(self, side: dict[str, list[Array]]) -> ClipSet:
        name = self.metric.computation.extractor
        if of_pixels(self.metric):
            pairs = zip(side["pixels"], self.true["pixels"], strict=True)
            rows = [pixel_rows(name, *pair) for pair in pairs]
        else:
            rows = side[name]
        ids = [clip.id for clip in self.clips]
        labels = self.metric.computation.classes or EXPRESSIONS
        return ClipSet(labels, T, {name: dict(zip(ids, rows, strict=True))})


def world(metric: Metric, seed: int = 0, damage: float = 0.0, least: bool = False) -> World:
    """Clips of moving pictures, and features; at a damage of 0 the made ones are the true ones.

    Args:
        metric: Whose networks' features are made up.
        seed: Of the clips.
        damage: From 0 to 1: noise in the pixels, and features further away.
        least: Only as many clips as the metric asks for, and not some more.
    """
    wanted = metric.sampling
    per_clip = T - wanted.first_frame if wanted.counts == "frames" else 1
    fewest = max(
        -(-wanted.least // per_clip), wanted.least_per_label * len(EXPRESSIONS), wanted.least_subjects
    )
    count = fewest if least else fewest + 2
    rng = np.random.default_rng(seed)
    clips = tuple(
        Clip(f"{i}", _person(i, wanted.least_subjects), EXPRESSIONS[i % 6], "test", Path(f"{i}"))
        for i in range(count)
    )
    names = [] if of_pixels(metric) else [metric.computation.extractor]
    true: dict[str, list[Array]] = {"pixels": [], **{name: [] for name in names}}
    made: dict[str, list[Array]] = {name: [] for name in true}
    for clip in clips:
        pixels = _moving(rng) if metric.kind == "clip" else np.zeros((T, 1, 1, 3), np.uint8)
        noisy = pixels + 60 * damage * rng.normal(size=pixels.shape)
        true["pixels"].append(pixels)
        made["pixels"].append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
        for name in names:
            for side, features in zip((made, true), _features(name, clip, damage, rng), strict=True):
                side[name].append(features.astype(np.float32))
    return World(metric, clips, made, true)


def of_pixels(metric: Metric) -> bool:
    """Whether it is computed from measures of pixels, and from no network."""
    return not extractors.get(metric.computation.extractor).weights


def _person(i: int, people: int) -> str:
    """Two people, one with more clips than the other, unless more are needed."""
    return f"p{i % people}" if people > len(PEOPLE) else PEOPLE[i % 3 % 2]


def _moving(rng: np.random.Generator) -> Array:
    """``uint8[T, SIZE, SIZE, 3]``: a window that slides over a smooth picture."""
    coarse = rng.uniform(20, 235, (10, 10, 3))
    picture = uniform_filter(np.kron(coarse, np.ones((8, 8, 1))), (9, 9, 0))
    step = rng.integers(1, 4)
    frames = [picture[8 + step * t : 8 + step * t + SIZE, 8 : 8 + SIZE] for t in range(T)]
    return np.rint(np.stack(frames)).astype(np.uint8)


def _features(name: str, clip: Clip, damage: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """What a network sees in a made clip and in its true one."""
    network = extractors.get(name)
    shape = sample_count(network.unit, T), min(network.dim, DIM)
    if name.startswith("arcface"):
        person = np.random.default_rng(PEOPLE.index(clip.subject)).normal(size=shape[1])
        true = person + 0.2 * rng.normal(size=shape)
        made = true + damage * rng.normal(size=shape)
        return _unit(made), _unit(true)
    if name == "face-mesh":
        return _face(rng, damage)
    if name in ("fer-xception", "face-api", "hsemotion"):
        return rng.dirichlet(np.ones(shape[1]), shape[0]), rng.dirichlet(np.ones(shape[1]), shape[0])
    if network.unit == "true pair":
        return damage * rng.uniform(0.1, 1, shape), np.zeros(shape)
    true = np.abs(rng.normal(size=shape))
    return true + damage, true


def _face(rng: np.random.Generator, damage: float) -> tuple[Array, Array]:
    """A face that smiles, somehow; damage is trembling and another strength of everything."""
    rise = np.linspace(0, 1, T)[:, None]
    true = np.zeros((T, MESH.stop))
    true[:, SCORES] = rise * rng.uniform(0.1, 0.6, SCORES.stop)
    true[:, POSE].reshape(T, 3, 4)[..., :3] = np.eye(3)
    rest = np.random.default_rng(5).normal(size=MESH.stop - MESH.start)
    true[:, MESH] = rest + 0.1 * rise * rng.normal(size=rest.shape)
    made = true.copy()
    made[1:, SCORES] *= 1 - 0.5 * damage
    made[1:, MESH] += 0.1 * damage * rng.normal(size=(T - 1, len(rest)))
    return made, true


def _unit(x: Array) -> Array:
    return x / np.linalg.norm(x, axis=1, keepdims=True)
