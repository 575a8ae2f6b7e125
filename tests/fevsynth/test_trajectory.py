"""Every performance starts neutral, rises once, holds, and follows from its seed."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.render.expression import APEX, ARKIT_UNITS, LABELS
from fevbench.fevsynth.render.trajectory import Trajectory, draw_style, draw_trajectory


def draw(seed: int, label: str = "fear", frames: int = 32) -> Trajectory:
    rng = np.random.default_rng(seed)
    return draw_trajectory(rng, label, draw_style(rng), frames)


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("frames", [8, 16, 32, 75])
def test_starts_neutral_rises_once_and_holds(label: str, frames: int) -> None:
    for seed in range(30):
        motion = draw(seed, label, frames)
        assert 0 < motion.onset < motion.apex < frames
        assert motion.weights.shape == (frames, len(motion.units))
        assert not motion.weights[: motion.onset + 1].any()
        held = frames - 1 if motion.offset is None else motion.offset
        assert motion.apex <= held
        assert (np.diff(motion.weights[: held + 1], axis=0) >= 0).all()
        assert (motion.weights[motion.apex : held + 1] == motion.weights[held]).all()
        assert (motion.weights[-1] > 0).all()
        if motion.offset is not None:
            assert (motion.weights[-1] < motion.weights[held]).all()


def test_some_faces_relax_again_but_never_fully() -> None:
    motions = [draw(seed) for seed in range(400)]
    relaxing = [motion for motion in motions if motion.offset is not None]
    assert 0.1 < len(relaxing) / len(motions) < 0.25
    left = [float((motion.weights[-1] / motion.weights[motion.offset]).max()) for motion in relaxing]
    assert min(left) >= 0.19
    assert np.median(left) < 0.9


@pytest.mark.parametrize("label", LABELS)
def test_every_variant_is_drawn(label: str) -> None:
    assert {draw(seed, label).variant for seed in range(60)} == {variant.name for variant in APEX[label]}


def test_apex_comes_at_50_to_72_percent() -> None:
    apexes = [draw(seed).apex / 32 for seed in range(200)]
    assert 0.5 <= min(apexes) < 0.55
    assert 0.68 < max(apexes) <= 0.72


def test_curves_hold_every_unit_and_the_blinks() -> None:
    motion = next(motion for motion in map(draw, range(50)) if motion.blink.max() > 0.9)
    curves, names = motion.curves(), sorted(ARKIT_UNITS)
    closed = int(motion.blink.argmax())
    assert curves.shape == (32, 52)
    assert curves[closed, names.index("eyeBlinkLeft")] == pytest.approx(motion.blink[closed])
    assert curves[closed, names.index("eyeWideLeft")] < 0.1 * motion.weights[-1].max()
    jaw = motion.units.index("jawOpen")
    assert np.array_equal(curves[:, names.index("jawOpen")], motion.weights[:, jaw])
    still = [k for k, name in enumerate(names) if name not in motion.units and "Blink" not in name]
    assert not curves[:, still].any()


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
