"""Wrinkles appear where and when the units that fold the skin pull, and older skin shows more of them."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.render.plan import Subject
from fevbench.fevsynth.render.skin import SIZE, grid
from fevbench.fevsynth.render.wrinkles import Wrinkles, draw_wrinkles


def wrinkles(age: str = "young", seed: int = 0) -> Wrinkles:
    return draw_wrinkles(np.random.default_rng(seed), Subject("p", "train", "female", "asian", age, seed))


CHIN, FOREHEAD = (0.1, 6.35), (0.2, 7.7)


@pytest.mark.parametrize(
    ("unit", "folded", "smooth"),
    [
        ("browInnerUp", (0.05, 7.61), CHIN),
        ("browDownLeft", (0.05, 7.42), CHIN),
        ("noseSneerLeft", (0.03, 7.25), FOREHEAD),
        ("cheekSquintLeft", (0.33, 7.16), CHIN),
        ("mouthSmileLeft", (0.3, 6.77), FOREHEAD),
        ("mouthFrownLeft", (0.32, 6.51), FOREHEAD),
    ],
)
def test_a_unit_folds_its_own_place(
    unit: str, folded: tuple[float, float], smooth: tuple[float, float]
) -> None:
    relief = wrinkles().relief({unit: 1.0})
    x, y = grid()
    assert relief.shape == (SIZE, SIZE)
    assert relief[np.hypot(x - folded[0], y - folded[1]) < 0.05].min() < -0.12
    assert np.abs(relief[np.hypot(x - smooth[0], y - smooth[1]) < 0.1]).max() < 0.02


def test_one_side_folds_alone() -> None:
    relief = wrinkles().relief({"mouthSmileLeft": 1.0})
    assert relief[:, SIZE // 2 :].min() < -0.2
    assert not relief[:, : SIZE // 2].any()


def test_a_young_face_at_rest_is_smooth_and_an_old_one_is_not() -> None:
    assert not wrinkles("young").relief({}).any()
    assert wrinkles("old").relief({}).min() < -0.05


def test_lines_across_the_midline_have_no_bump_in_it() -> None:
    """Both halves draw a line's rounded end; added up they would double its depth there."""
    relief = wrinkles().relief({"browInnerUp": 1.0})
    middle = SIZE // 2
    assert relief[:, middle].min() == pytest.approx(relief[:, middle + 6].min(), rel=0.15)


def test_a_stronger_pull_folds_deeper_up_to_a_limit() -> None:
    depths = [wrinkles().relief({"browInnerUp": weight}).min() for weight in (0.3, 0.6, 1.2, 5.0, 9.0)]
    assert depths[0] > depths[1] > depths[2] > depths[3] == depths[4]
