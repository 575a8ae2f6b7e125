"""Every performance starts neutral, rises once, holds, and follows from its seed."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.data.fevsynth.render.expression import LABELS
from fevbench.data.fevsynth.render.trajectory import Trajectory, draw_style, draw_trajectory


def draw(seed: int, label: str = "fear", frames: int = 32) -> Trajectory:
    rng = np.random.default_rng(seed)
    return draw_trajectory(rng, label, draw_style(rng), frames)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("frames", [8, 16, 32, 75])
def test_starts_neutral_rises_once_and_holds(label: str, frames: int) -> None:
    for seed in range(20):
        motion = draw(seed, label, frames)
        assert 0 < motion.onset < motion.apex < frames
        assert motion.weights.shape == (frames, len(motion.units))
        assert not motion.weights[: motion.onset + 1].any()
        assert (np.diff(motion.weights, axis=0) >= 0).all()
        assert (motion.weights[motion.apex :] == motion.weights[-1]).all()
        assert (motion.weights[-1] > 0).all()


def test_apex_comes_at_58_to_75_percent() -> None:
    apexes = [draw(seed).apex / 32 for seed in range(200)]
    assert 0.57 <= min(apexes) < 0.62
    assert 0.72 < max(apexes) <= 0.75


def test_blinks_are_sometimes_there_and_never_at_the_ends() -> None:
    blinks = np.stack([draw(seed).blink for seed in range(300)])
    assert 0.25 < (blinks.max(1) > 0.5).mean() < 0.45
    assert blinks[:, [0, -1]].max() < 1e-12
    assert blinks.min() >= 0
    assert blinks.max() <= 1


def test_the_head_hardly_moves() -> None:
    travel = [np.rad2deg(np.ptp(draw(seed).pose, axis=0)) for seed in range(200)]
    assert np.median(travel) < 1
    assert np.max(travel) < 4


def test_the_seed_decides_everything() -> None:
    first, again, other = draw(3), draw(3), draw(4)
    for name in ("weights", "blink", "pose"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.weights, other.weights)
