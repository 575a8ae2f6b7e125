"""The detail of the skin follows from the seed, leaves lips free of beard, and gives women none."""

from __future__ import annotations

import numpy as np

from fevbench.fevsynth.render.plan import Subject
from fevbench.fevsynth.render.skin import SIZE, Map, draw_complexion, grid

DARK = np.array([0.1, 0.08, 0.07])


def complexion(sex: str, seed: int) -> Map:
    subject = Subject("p", "train", sex, "caucasian", "middle", seed)
    return draw_complexion(np.random.default_rng(seed), subject, DARK)


def test_shape_range_and_seed() -> None:
    factor = complexion("female", 1)
    assert factor.shape == (SIZE, SIZE, 3)
    assert factor.min() > 0
    assert factor.max() < 1.7
    assert np.array_equal(factor, complexion("female", 1))
    assert not np.array_equal(factor, complexion("female", 2))


def test_only_men_grow_beards_and_never_on_the_lips() -> None:
    x, y = grid()
    chin = (np.abs(x) < 0.1) & (y > 6.2) & (y < 6.35)
    lips = (np.abs(x) < 0.1) & (np.abs(y - 6.6) < 0.04)
    chins = {sex: [complexion(sex, seed)[chin].mean() for seed in range(20)] for sex in ("female", "male")}
    bearded = [seed for seed, brightness in enumerate(chins["male"]) if brightness < 0.75]
    assert min(chins["female"]) > 0.85
    assert 2 <= len(bearded) <= 12
    for seed in bearded:
        assert complexion("male", seed)[lips].mean() > 0.85
