"""Units are matched by name, ranked, and those that cannot be judged are named apart."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.measure.blendshapes import blendshapes

UNITS = ["browDown", "jawOpen", "mouthPucker", "noseSneer", "tongueOut"]
COLUMNS = ["noseSneer", "mouthPucker", "jawOpen", "browDown"]
PEOPLE = [f"p{i % 5}" for i in range(100)]


def test_units_are_told_apart() -> None:
    """The jaw is seen, the sneer is seen inverted, the brow is not seen, the pucker never moves."""
    rng = np.random.default_rng(0)
    true = rng.random((100, 5))
    true[:, 2] = 0
    scores = rng.random((100, 4)).astype(np.float32)
    scores[:, 2] = true[:, 1] ** 3
    scores[:, 0] = -true[:, 3]
    found = blendshapes(scores, COLUMNS, true, UNITS, PEOPLE, 4)
    assert [row.unit for row in found.units] == ["jawOpen", "browDown", "noseSneer"]
    assert found.units[0].spearman == pytest.approx(1)
    assert 0.8 < (found.units[0].pearson.value or 0) < 1
    assert found.units[2].pearson.value == pytest.approx(-1)
    assert (found.weak, found.still, found.unscored) == (
        ["browDown", "noseSneer"],
        ["mouthPucker"],
        ["tongueOut"],
    )


def test_frames_without_a_face_are_left_out_and_counted() -> None:
    true = np.linspace(0, 1, 100)[:, None]
    scores = true.astype(np.float32)
    scores[::4] = np.nan
    found = blendshapes(scores, ["jawOpen"], true, ["jawOpen"], PEOPLE, 1)
    assert found.found.value == 0.75
    assert (found.units[0].pearson.value, found.units[0].pearson.n) == (pytest.approx(1), 75)


def test_a_score_that_never_changes_is_weak_and_spoils_no_mean() -> None:
    true = np.random.default_rng(1).random((100, 2))
    scores = np.stack([true[:, 0], np.zeros(100)], axis=1).astype(np.float32)
    found = blendshapes(scores, ["jawOpen", "cheekPuff"], true, ["jawOpen", "cheekPuff"], PEOPLE, 1)
    assert found.weak == ["cheekPuff"]
    assert found.units[1].pearson.value is None
    assert found.mean_pearson == pytest.approx(1)
