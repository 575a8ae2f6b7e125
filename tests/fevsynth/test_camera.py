"""Directions: the truth file says what positive yaw, pitch and roll do in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from fevbench.fevsynth.render.scene import Camera, draw_scene

CENTRE = np.array([0.0, 7.0, 0.7])
NOSE = np.add(CENTRE, (0, 0, 1.0))
CROWN = np.add(CENTRE, (0, 1.2, 0))


def seen(point: np.ndarray, yaw: float = 0, pitch: float = 0, roll: float = 0) -> np.ndarray:
    camera = Camera(CENTRE, np.deg2rad([yaw, pitch, roll]), draw_scene(np.random.default_rng(0)))
    return camera.project(camera.turn(point[None]), 128)[0]


def test_positive_yaw_turns_the_nose_to_the_right() -> None:
    assert seen(NOSE, yaw=5)[0] > seen(NOSE)[0] + 1


def test_positive_pitch_turns_the_nose_down() -> None:
    assert seen(NOSE, pitch=5)[1] > seen(NOSE)[1] + 1


def test_positive_roll_tilts_the_head_to_the_left() -> None:
    assert seen(CROWN, roll=5)[0] < seen(CROWN)[0] - 1


def test_the_person_s_left_is_on_the_picture_s_right() -> None:
    assert seen(np.add(CENTRE, (0.3, 0, 0.5)))[0] > seen(np.add(CENTRE, (-0.3, 0, 0.5)))[0]


def test_shoulders_do_not_turn() -> None:
    shoulder = np.add(CENTRE, (0.8, -1.9, 0))
    assert seen(shoulder, yaw=10) == pytest.approx(seen(shoulder))
