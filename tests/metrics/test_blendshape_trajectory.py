"""The row that `fbd` is computed from: its terms by hand, and a distance that sees motion and lost faces."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.extractors.face_mesh import BLENDSHAPES, MESH
from fevbench.metrics.facial_motion import DIM, GROUPS, ORDERS, trajectory
from fevbench.metrics.frechet import frechet_distance
from fevbench.metrics.tracked import EXPRESSIVE

N, T = 60, 16


def face(change: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    features = np.full((len(change), MESH.stop), 0.2)
    for name in names:
        features[:, BLENDSHAPES.index(name)] += change
    return features


def clips(seed: int, scale: float = 1.0) -> list[np.ndarray]:
    """Faces that do one thing each, sooner or later, more or less."""
    rng, kinds = np.random.default_rng(seed), list(GROUPS.values())
    at = np.linspace(0, 1, T)
    made = []
    for i in range(N):
        rise = np.clip((at - rng.uniform(0, 0.3)) / rng.uniform(0.3, 0.6), 0, 1)
        made.append(face(scale * rng.uniform(0.3, 0.7) * rise * (at > 0), kinds[i % len(kinds)]))
    return made


def rows(made: list[np.ndarray], true: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([trajectory(*pair) for pair in zip(made, true, strict=True)])


def test_the_groups_are_the_expressive_blendshapes() -> None:
    members = [name for group in GROUPS.values() for name in group]
    assert sorted(members) == sorted(BLENDSHAPES[i] for i in EXPRESSIVE)
    assert DIM == 36


@pytest.mark.parametrize("frames", [16, 32, 33])
@pytest.mark.parametrize("k", range(ORDERS))
def test_terms_by_hand(frames: int, k: int) -> None:
    """A change that is one of the waves has its size in that term, of any number of frames."""
    wave = 0.1 * np.cos(np.pi * k * (np.arange(frames) + 0.5) / frames) * (2**0.5 if k else 1)
    neutral = face(np.zeros(1), ())
    clip = face(wave, GROUPS["smile"])
    clip[0] = face(wave[:1], GROUPS["smile"])
    expected = np.zeros((ORDERS, len(GROUPS)))
    expected[k, list(GROUPS).index("smile")] = 0.1
    true = np.concatenate([neutral, clip[1:]])
    assert trajectory(clip, true) == pytest.approx(expected.reshape(1, -1), abs=1e-12)


def test_sees_what_is_wrong_with_motion() -> None:
    true, other = clips(0), clips(1)
    real = rows(true, true)
    order = np.random.default_rng(0).permutation(T)
    frozen, shuffled = [np.repeat(c[:1], T, axis=0) for c in true], [c[order] for c in true]
    distances = {
        name: frechet_distance(rows(made, true), real)
        for name, made in {
            "itself": true,
            "others": other,
            "shuffled": shuffled,
            "backwards": [c[::-1] for c in true],
            "weak": clips(0, 0.5),
            "weaker": clips(0, 0.25),
            "frozen": frozen,
        }.items()
    }
    assert distances["itself"] == pytest.approx(0, abs=1e-12)
    for name in ("shuffled", "backwards", "weak"):
        assert distances[name] > 3 * distances["others"], distances
    assert distances["weak"] < distances["weaker"] < distances["frozen"]


def test_losing_faces_makes_it_worse() -> None:
    """Of good clips and of clips that are noise, which would be better off without their frames."""
    true = clips(0)
    real, rng = rows(true, true), np.random.default_rng(0)
    noise = [np.where(np.isnan(c), c, rng.uniform(0, 1, c.shape)) for c in true]
    for made in (clips(1), noise, [np.repeat(c[:1], T, axis=0) for c in true]):
        distances = []
        lossy = [c.copy() for c in made]
        for count in (0, 1, 4, 8, 16):
            for c in lossy[::3]:
                c[:count] = np.nan
            distances.append(frechet_distance(rows(lossy, true), real))
        assert (np.diff(distances) > 0).all(), distances


def test_true_clips_without_faces() -> None:
    """A frame without a true face counts for nobody; without an input face no side has a row."""
    (true, *_), (made, *_) = clips(0), clips(1)
    holed, lost = true.copy(), made.copy()
    holed[5:7] = lost[5:7] = np.nan
    assert np.isfinite(trajectory(holed, holed)).all()
    assert np.array_equal(trajectory(made, holed), trajectory(lost, holed))
    blind = true.copy()
    blind[0] = np.nan
    assert trajectory(made, blind).shape == trajectory(blind, blind).shape == (0, DIM)
