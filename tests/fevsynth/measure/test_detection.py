"""Distances are to the true point, and a frame without a face counts as missed and not as far off."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.measure.detection import detection

TRUE = np.tile(np.array([[10, 12], [30, 12], [20, 20], [12, 30], [28, 30]], np.float32), (4, 8, 1, 1))
PEOPLE, CLIPS = ["a", "a", "b", "b"], ["a-0", "a-1", "b-0", "b-1"]


def test_a_shift_is_found_in_pixels_and_in_percent_of_the_eyes() -> None:
    """The nose is 3 right and 4 down, of eyes 20 apart; the other points are right."""
    seen = TRUE.copy()
    seen[:, :, 2] += (3, 4)
    found = detection(seen, TRUE, PEOPLE, CLIPS, np.zeros((2, 10), np.float32), ["a", "b"])
    errors = {error.point: error for error in found.errors}
    assert errors["nose"].pixels.value == pytest.approx(5)
    assert errors["nose"].percent.value == pytest.approx(25)
    assert errors["nose"].offset == pytest.approx((3, 4))
    assert errors["mouth left"].pixels.value == 0
    assert errors["all"].pixels.value == pytest.approx(1)
    assert errors["all"].pixels.n == 32
    assert found.found.value == 1
    assert found.missed == {}


def test_the_95th_percentile_is_that_of_the_worst_frames() -> None:
    seen = TRUE.copy()
    seen[:1, :4, 0, 0] += 40  # 4 of 32 frames
    errors = {e.point: e for e in detection(seen, TRUE, PEOPLE, CLIPS, np.zeros((0, 10)), []).errors}
    assert errors["eye left"].pixels.value == pytest.approx(40 * 4 / 32)
    assert errors["eye left"].pixels_p95 == 40
    assert errors["eye right"].pixels_p95 == 0


def test_frames_without_a_face_are_missed_and_measured_by_nothing() -> None:
    seen = TRUE.copy()
    seen[1, 3:5] = np.nan
    neutral = np.zeros((4, 10), np.float32)
    neutral[0] = np.nan
    found = detection(seen, TRUE, PEOPLE, CLIPS, neutral, PEOPLE)
    assert found.found.value == pytest.approx(30 / 32)
    assert found.missed == {"a-1": 2}
    assert found.found_neutral.value == 0.75
    assert found.errors[0].pixels.n == 30
    assert found.errors[0].pixels.value == 0


def test_no_face_anywhere_is_no_distance() -> None:
    found = detection(np.full_like(TRUE, np.nan), TRUE, PEOPLE, CLIPS, np.zeros((0, 10), np.float32), [])
    assert found.found.value == 0
    assert {error.pixels.value for error in found.errors} == {None}
    assert found.found_neutral.reason == "no neutral images"
