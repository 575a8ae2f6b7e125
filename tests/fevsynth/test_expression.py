"""The expressions are made of real face units and act on both halves of the face alike."""

from __future__ import annotations

import pytest

from fevbench.fevsynth.render.expression import (
    APEX,
    ARKIT_UNITS,
    LABELS,
    REGIONS,
    Variant,
    region,
    side,
)

# Action units that one face unit stands for alone. 4, 7 and 26 share theirs: a sad brow is drawn together by
# the inner brow's unit, and lips part for other reasons than a dropped jaw.
ACTION_UNITS = {
    "2": "browOuterUpLeft",
    "5": "eyeWideLeft",
    "6": "cheekSquintLeft",
    "12": "mouthSmileLeft",
    "15": "mouthFrownLeft",
    "20": "mouthStretchLeft",
    "64": "eyeLookDownLeft",
}


def test_there_are_52_units() -> None:
    assert len(ARKIT_UNITS) == 52


def test_labels_are_the_six_basic_emotions() -> None:
    assert LABELS == ("anger", "disgust", "fear", "happiness", "sadness", "surprise")


VARIANTS = [pytest.param(v, id=f"{label}-{v.name}") for label in LABELS for v in APEX[label]]


@pytest.mark.parametrize("label", LABELS)
def test_each_label_is_shown_in_more_than_one_way(label: str) -> None:
    assert len({variant.name for variant in APEX[label]}) == len(APEX[label]) >= 2
    assert len({variant.action_units for variant in APEX[label]}) == len(APEX[label])


@pytest.mark.parametrize("variant", VARIANTS)
def test_units_exist_and_have_sane_weights(variant: Variant) -> None:
    assert set(variant.weights) <= ARKIT_UNITS
    assert all(0 < weight <= 1.6 for weight in variant.weights.values())
    assert all(region(unit) in REGIONS for unit in variant.weights)


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_halves_move_alike(variant: Variant) -> None:
    for unit, weight in variant.weights.items():
        if side(unit) > 0:
            assert variant.weights[unit.removesuffix("Left") + "Right"] == weight
    assert sum(side(unit) for unit in variant.weights) == 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_named_action_units_are_the_ones_that_move(variant: Variant) -> None:
    """Every action unit with a face unit of its own is there if and only if it is named."""
    named = set(variant.action_units.split("+"))
    for code, unit in ACTION_UNITS.items():
        assert (code in named) == (variant.weights.get(unit, 0) >= 0.3), (code, unit)


@pytest.mark.parametrize(
    ("label", "unit"),
    [
        ("anger", "browDownLeft"),  # AU 4
        ("disgust", "noseSneerLeft"),  # AU 9
        ("fear", "mouthStretchLeft"),  # AU 20
        ("happiness", "mouthSmileLeft"),  # AU 12
        ("sadness", "mouthFrownLeft"),  # AU 15
        ("surprise", "browOuterUpLeft"),  # AU 2
    ],
)
def test_each_label_has_its_tell_tale_unit(label: str, unit: str) -> None:
    """EMFACS: the action unit that sets the emotion apart is stronger there than in any other."""
    weakest = min(variant.weights[unit] for variant in APEX[label])
    others = [variant for other in LABELS if other != label for variant in APEX[other]]
    assert weakest > max(variant.weights.get(unit, 0) for variant in others)
