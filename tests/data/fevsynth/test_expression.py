"""The expressions are made of real face units and act on both halves of the face alike."""

from __future__ import annotations

import pytest

from fevbench.data.fevsynth.render.expression import APEX, ARKIT_UNITS, LABELS, REGIONS, region, side


def test_there_are_52_units() -> None:
    assert len(ARKIT_UNITS) == 52


def test_labels_are_the_six_basic_emotions() -> None:
    assert LABELS == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


@pytest.mark.parametrize("label", LABELS)
def test_units_exist_and_have_sane_weights(label: str) -> None:
    assert set(APEX[label]) <= ARKIT_UNITS
    assert all(0 < weight <= 1.5 for weight in APEX[label].values())
    assert all(region(unit) in REGIONS for unit in APEX[label])


@pytest.mark.parametrize("label", LABELS)
def test_both_halves_move_alike(label: str) -> None:
    weights = APEX[label]
    for unit, weight in weights.items():
        if side(unit) > 0:
            assert weights[unit.removesuffix("Left") + "Right"] == weight
    assert sum(side(unit) for unit in weights) == 0


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("anger", "browDownLeft"),  # AU 4
        ("disgust", "noseSneerLeft"),  # AU 9
        ("fear", "mouthStretchLeft"),  # AU 20
        ("happiness", "mouthSmileLeft"),  # AU 12
        ("sadness", "mouthFrownLeft"),  # AU 15
        ("surprise", "jawOpen"),  # AU 26
    ],
)
def test_each_label_has_its_tell_tale_unit(label: str, unit: str) -> None:
    """EMFACS: the action unit that sets the emotion apart is stronger there than in any other."""
    assert APEX[label][unit] > max(APEX[other].get(unit, 0) for other in LABELS if other != label)
