"""Motion is told apart from where a face is, and its mean from when each clip moves."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.mean_motion.motion import at_times, displacements, mean_of_aligned, milestones, placed

RNG = np.random.default_rng(0)
FACE = RNG.uniform(0.2, 0.8, (20, 2)).astype(np.float32)
APEX = RNG.normal(0, 0.03, (20, 2)).astype(np.float32)


def transformed(points: np.ndarray, scale: float, angle: float, shift: tuple[float, float]) -> np.ndarray:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (points @ turn.T + shift).astype(np.float32)


def moving(gone: list[float]) -> np.ndarray:
    """A clip's displacements, ``gone`` of the way to the apex."""
    return np.array(gone, np.float32)[:, None, None] * APEX


@pytest.mark.parametrize(("scale", "angle"), [(1, 0), (0.4, 0), (1, 0.5), (2.5, -0.8)])
def test_size_place_and_tilt_of_a_face_do_not_matter(scale: float, angle: float) -> None:
    points = FACE + moving([0, 0.3, 1, 0.7])
    other = transformed(points, scale, angle, (0.3, -0.1))
    assert np.allclose(displacements(other, FACE), displacements(points, FACE), atol=1e-5)


def test_on_its_own_face_a_motion_is_what_it_was() -> None:
    points = transformed(FACE + moving([0, 0.3, 1, 0.7]), 0.6, 0.3, (0.2, 0.1))
    assert np.allclose(placed(displacements(points, FACE), FACE, points[0]), points, atol=1e-5)


def test_a_larger_face_moves_further_and_a_tilted_one_along_its_tilt() -> None:
    motion = moving([0, 1])
    larger = placed(motion, FACE, transformed(FACE, 2, np.pi / 2, (0, 0)))
    assert np.allclose(larger[1] - larger[0], transformed(APEX, 2, np.pi / 2, (0, 0)), atol=1e-5)


def test_milestones_are_start_apex_and_fading() -> None:
    gone = [0, 0, 0.1, 0.5, 1, 1, 0.95, 0.6, 0.4]
    assert milestones(moving(gone)) == pytest.approx([0, 2, 4, 6, 8], abs=0.05)
    assert np.all(np.diff(milestones(moving([0, 1, 1, 1]))) > 0), "time runs forwards"
    assert np.all(np.diff(milestones(moving([0, 0, 0, 0]))) > 0)


def test_a_blink_is_no_apex() -> None:
    """A few points that move another way for a moment do not count as the expression."""
    clip = moving([0, 0, 0, 0, 0.5, 1, 1, 1, 1])
    clip[1, 0] = -0.5 * np.abs(APEX).max() * np.sign(APEX[0])
    assert milestones(clip) == pytest.approx(milestones(moving([0, 0, 0, 0, 0.5, 1, 1, 1, 1])), abs=0.05)


def test_clips_that_move_at_different_times_are_aligned() -> None:
    """Frame by frame, their mean would rise over nine frames what each rises over three."""
    starts = (2, 5, 8)
    clips = [moving(list(np.clip((np.arange(16) - start) / 3, 0, 1))) for start in starts]
    mean = mean_of_aligned(clips)
    assert np.allclose(mean, clips[1], atol=0.05 * np.abs(APEX).max())
    plain = np.mean(clips, axis=0)
    assert np.abs(np.diff(mean, axis=0)).max() > 1.5 * np.abs(np.diff(plain, axis=0)).max()


def test_a_clip_that_relaxes_early_does_not_weaken_the_apex() -> None:
    held = [0, 0, 0.5, 1, 1, 1, 1, 1, 1, 1]
    clips = [moving(held), moving(held), moving([0, 0, 0.5, 1, 1, 0.4, 0.2, 0, 0, 0])]
    mean = mean_of_aligned(clips)
    assert np.abs(mean).max() > 0.97 * np.abs(APEX).max()
    assert np.abs(np.mean(clips, axis=0)[5:]).max() < 0.85 * np.abs(APEX).max()


def test_the_mean_of_equal_clips_is_any_of_them() -> None:
    clip = moving([0, 0.1, 0.4, 0.8, 1, 0.9, 0.5])
    assert np.allclose(mean_of_aligned([clip, clip]), clip, atol=1e-5)
    assert not mean_of_aligned([0 * clip, 0 * clip]).any()


def test_between_frames_motion_is_linear_and_held_after_the_last() -> None:
    clip = moving([0, 0.4, 1])
    expected = moving([0, 0.2, 0.7, 1, 1])
    assert np.allclose(at_times(clip, np.array([0, 0.5, 1.5, 2, 9])), expected, atol=1e-6)
    assert np.array_equal(at_times(clip[:1], np.array([0, 3])), clip[[0, 0]])
