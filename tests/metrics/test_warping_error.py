"""The warping error: by hand on still and moving pictures, and on true clips and their damages."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from pixel_features import pixel_view

from fevbench.audit import damages as _  # noqa: F401 - registers them
from fevbench.audit.damages import damage_inputs, damages
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import protocols
from fevbench.extractors import warping
from fevbench.extractors.warping import true_flow
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.metrics.pixels import warping_error


def error(made: np.ndarray, true: np.ndarray) -> float:
    value = warping_error(pixel_view("warping", made, true)).value
    assert value is not None
    return value


def texture(size: int = 96) -> np.ndarray:
    """``float64[size, size, 3]`` in 0..255: smooth, and nowhere flat."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.uniform(0, 255, (size // 8, size // 8, 3)), (size, size))
    return np.clip(picture, 0, 255)


def moving(across: int, down: int, frames: int = 4) -> np.ndarray:
    """``uint8[frames, 64, 64, 3]``: a window on the texture, so that the picture moves the other way."""
    picture = texture().round().astype(np.uint8)
    y, x = ([16 - step * t for t in range(frames)] for step in (down, across))
    return np.stack([picture[y[t] : y[t] + 64, x[t] : x[t] + 64] for t in range(frames)])


STILL = moving(0, 0)


def test_what_leaves_the_picture_is_not_visible() -> None:
    """There is nothing to compare it with; that the way back starts where the border moves proves nothing."""
    wide = np.random.default_rng(0).integers(0, 256, (8, 16, 3)).repeat(8, axis=0).repeat(8, axis=1)
    pan = np.stack([wide[:64, 3 * t : 3 * t + 64] for t in range(4)]).astype(np.uint8)
    visible = true_flow(pan)[..., 2]
    assert visible[:, :, 40:].mean() > visible[:, :, :1].mean(), "what comes in at the right stays"
    assert visible[:, 8:-8, :1].max() < 0.5, "and the left column goes out by three pixels"
    assert error(pan, pan) < 1e-4


def test_the_flow_of_a_shift_is_the_shift() -> None:
    flow = true_flow(moving(2, -1))
    inside = flow[:, 8:-8, 8:-8]
    assert inside[..., 0] == pytest.approx(2, abs=0.1)
    assert inside[..., 1] == pytest.approx(-1, abs=0.1)
    assert (inside[..., 2] == 1).all(), "all of it stays visible"
    assert true_flow(STILL) == pytest.approx(np.broadcast_to([0, 0, 1], (3, 64, 64, 3)), abs=1e-6)


def test_a_still_clip_is_perfect_and_flicker_counts_its_square() -> None:
    assert error(STILL, STILL) == 0
    flicker = STILL // 2
    flicker[1::2] += 51
    assert error(flicker, STILL) == pytest.approx(0.2**2, rel=1e-6)


def test_motion_of_the_true_clip_is_expected_of_the_made_one() -> None:
    true = moving(2, 1)
    perfect, frozen, backwards = error(true, true), error(np.repeat(true[:1], 4, axis=0), true), true[::-1]
    assert frozen > 10 * perfect, "to stand still is an error where the true clip moves"
    assert error(backwards, true) > frozen
    assert error(np.full_like(true, 77), true) == 0, "and what it cannot see: a clip without any picture"


def test_what_the_true_clip_covers_does_not_count() -> None:
    there, back = np.full((1, 3, 2), 3, np.float32), -np.full((1, 3, 2), 3, np.float32)
    back[0, 1] = 0
    assert warping._returns(there, back).tolist() == [[1, 0, 1]]


def test_a_true_clip_that_cannot_be_followed_is_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    true = moving(1, 1)[:3]
    monkeypatch.setattr(warping, "true_flow", lambda clip: np.zeros((len(clip) - 1, 64, 64, 3), np.float32))
    measured = warping_error(pixel_view("warping", true, true))
    assert measured.value is None
    assert measured.excused


@pytest.fixture
def one_and_more_threads() -> Iterator[tuple[int, int]]:
    before = cv2.getNumThreads()
    yield 1, 3
    cv2.setNumThreads(before)


def test_the_flow_does_not_depend_on_threads(one_and_more_threads: tuple[int, int]) -> None:
    found = []
    for threads in one_and_more_threads:
        cv2.setNumThreads(threads)
        found.append(true_flow(moving(3, 1)[:2]))
    assert np.array_equal(*found)


def test_true_clips_are_far_below_shuffled_and_shaken_ones() -> None:
    corpus = Corpus(FEVSynth(), protocols.get("64x16"), "test", 2)
    true = np.mean([error(corpus.frames(clip), corpus.frames(clip)) for clip in corpus.clips])
    for name, times in (("shuffle", 10), ("jitter", 200), ("wrong-expression", 2), ("freeze", 1.2)):
        made = {s.clip.id: damages.get(name).apply(s, 5) for s in damage_inputs(corpus, name)}
        damaged = np.mean([error(made[clip.id], corpus.frames(clip)) for clip in corpus.clips])
        assert damaged > times * true, name
