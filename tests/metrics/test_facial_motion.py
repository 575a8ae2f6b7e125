"""Facial motion by hand: known answers, worse with every damage, and no advantage from a lost face."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from fevbench.extractors.face_mesh import BLENDSHAPES, MESH, POSE, SCORES
from fevbench.metrics.catalog import metrics
from fevbench.metrics.facial_motion import (
    apex_intensity,
    expression_error,
    intensity_corr,
    landmark_distance,
    mesh_jitter,
    mesh_motion,
    mesh_rate,
    peak_time,
    peak_timing,
    pose_error,
)
from fevbench.metrics.measurement import ClipView, Measurement
from fevbench.metrics.tracked import EXPRESSIVE, EYES, RIGID, mesh_at_rest

Compute = Callable[[ClipView], Measurement]
T = 16
RISE = np.r_[0, 0, np.linspace(0, 1, 9), np.ones(5)]
"""Still, then rising to an apex that is held."""
FACE = np.random.default_rng(5).normal(size=(478, 3))
MOUTH = [i for i in range(300) if i not in RIGID]
PAIRED = {
    "expression-error": expression_error,
    "intensity-corr": intensity_corr,
    "peak-timing": peak_timing,
    "apex-intensity": apex_intensity,
    "mesh-motion": mesh_motion,
    "mesh-jitter": mesh_jitter,
    "pose-error": pose_error,
    "lmd": landmark_distance,
}


def clip(strength: Any = RISE, turn: Any = 0.0, tremble: float = 0.0, seed: int = 0) -> np.ndarray:
    """A face that smiles, turns its head by ``turn`` degrees about the vertical axis, and trembles."""
    strength = np.asarray(strength, float)
    features = np.zeros((len(strength), MESH.stop))
    for name in ("mouthSmileLeft", "mouthSmileRight"):
        features[:, BLENDSHAPES.index(name)] = 0.1 + 0.8 * strength
    turns = np.broadcast_to(turn, len(strength))[:, None]
    head = Rotation.from_euler("y", turns, degrees=True).as_matrix()
    features[:, POSE].reshape(-1, 3, 4)[..., :3] = head
    mesh = np.tile(FACE, (len(strength), 1, 1))
    mesh[:, MOUTH, 1] += 0.3 * strength[:, None]
    mesh[:, MOUTH] += tremble * np.random.default_rng(seed).normal(size=(len(mesh), len(MOUTH), 3))
    features[:, MESH] = (mesh @ head.swapaxes(1, 2)).reshape(len(mesh), -1)
    return features.astype(np.float32)


def view(made: np.ndarray, true: np.ndarray | None = None) -> ClipView:
    true = clip() if true is None else true
    return ClipView(made, true, "", "", ())


def value(metric: Compute, made: np.ndarray, true: np.ndarray | None = None) -> float:
    measured = metric(view(made, true))
    assert measured.value is not None, measured
    assert np.isfinite(measured.value)
    return measured.value


def without(features: np.ndarray, *frames: int) -> np.ndarray:
    features = features.copy()
    features[list(frames)] = np.nan
    return features


def score(name: str, made: np.ndarray, true: np.ndarray | None = None) -> float:
    """What the metric counts for in a mean: its value, or its floor where there is none."""
    measured = PAIRED[name](view(made, true))
    floor = metrics.get(name).sampling.missing_value
    assert floor is not None
    return floor if measured.value is None else measured.value


def test_the_true_clip_is_perfect() -> None:
    true = clip(turn=np.linspace(0, 5, T))
    best = {"intensity-corr": 1, "apex-intensity": 1, "mesh-motion": 1}
    for name in PAIRED.keys() - {"mesh-jitter"}:
        assert score(name, true, true) == pytest.approx(best.get(name, 0), abs=1e-9), name
    assert value(mesh_rate, true) == 1


def test_values_by_hand() -> None:
    """Two of 41 scores move, by up to 0.8 of a strength."""
    assert not any(BLENDSHAPES[i].startswith(("eyeBlink", "eyeLook")) for i in EXPRESSIVE)
    assert len(EXPRESSIVE) == 41
    half = clip(RISE / 2)
    assert value(expression_error, half) == pytest.approx(2 / 41 * 0.4 * RISE.mean(), rel=1e-5)
    assert value(apex_intensity, half) == pytest.approx(0.5, rel=1e-5)
    assert value(intensity_corr, half) == pytest.approx(1)
    assert value(intensity_corr, clip(1 - RISE)) == pytest.approx(-1)
    assert value(mesh_motion, half) == pytest.approx(0.5, rel=1e-4)
    assert value(pose_error, clip(turn=np.linspace(0, 30, T))) == pytest.approx(15, rel=1e-5)
    assert value(peak_timing, half) == 0


def test_the_apex_is_judged_alike_above_and_below() -> None:
    assert value(apex_intensity, clip(RISE), clip(RISE / 2)) == pytest.approx(0.5, rel=1e-5)


def test_the_peak_is_the_middle_of_the_apex() -> None:
    assert peak_time(np.array([0, 1, 2, 9.5, 10, 9.2, 1, 0, 0, 0, 0])) == pytest.approx(0.4)
    assert peak_time(np.array([5, 5.5, 6.0])) == 1
    early, late = np.zeros(T), np.zeros(T)
    early[3], late[9] = 1, 1
    assert value(peak_timing, clip(early), clip(late)) == pytest.approx(6 / 15)


def test_jitter_is_the_third_difference_in_distances_between_the_eyes() -> None:
    """Points that jump to and fro by 2 d have third differences of 8 d; an even motion has none."""
    sway = 0.01 * (-1.0) ** np.arange(T)
    sway[0] = 0
    features = clip(sway)
    eyes = np.linalg.norm(FACE[EYES[0]] - FACE[EYES[1]])
    jerk = np.abs(np.diff(0.3 * sway, n=3)).mean() * len(MOUTH) / 468 / eyes
    assert value(mesh_jitter, features) == pytest.approx(jerk, rel=1e-3)
    assert value(mesh_jitter, clip(np.linspace(0, 1, T))) == pytest.approx(0, abs=1e-5)


def test_landmarks_are_compared_where_they_are_in_the_picture() -> None:
    """All points (3, 4) away are 5 away; depth is no distance; a mouth counts by its share of the points."""
    eyes = np.linalg.norm(FACE[EYES[0]] - FACE[EYES[1]])
    moved = clip()
    moved[:, MESH] += np.tile(np.array([3, 4, 12], np.float32), 478)
    assert value(landmark_distance, moved) == pytest.approx(5 / eyes, rel=1e-5)
    smile = 0.3 * (1 - RISE).mean() * len(MOUTH) / 468 / eyes
    assert value(landmark_distance, clip(np.ones(T))) == pytest.approx(smile, rel=1e-5)


def test_landmark_distance_is_of_the_inputs_eyes() -> None:
    """Whatever frames are looked at: here the input is not among them, and twice as large."""
    large = 2 * FACE
    given = np.zeros((1, MESH.stop))
    given[0, MESH] = large.ravel()
    made, true = clip(np.ones(T)), clip()
    by_itself = landmark_distance(ClipView(made, true, "", "", ())).value
    by_input = landmark_distance(ClipView(made, true, "", "", (), given)).value
    assert by_itself is not None
    assert by_input == pytest.approx(by_itself / 2, rel=1e-5)


@given(st.floats(-40, 40), st.floats(0.5, 2), st.floats(-1, 1), st.integers(0, 2**32 - 1))
def test_the_heads_place_is_no_motion(turn: float, scale: float, shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = rng.normal(size=(478, 3))
    features = np.zeros((2, MESH.stop))
    moved = (
        scale * face @ Rotation.from_euler("zyx", [turn, turn / 2, turn], degrees=True).as_matrix() + shift
    )
    features[:, MESH] = np.stack([face, moved]).reshape(2, -1)
    rest, back = mesh_at_rest(features, features[0])
    assert np.abs(back - rest).max() < 1e-9
    assert np.linalg.norm(rest[EYES[0]] - rest[EYES[1]]) == pytest.approx(1)


def test_a_mirrored_face_is_not_turned_inside_out() -> None:
    features = np.zeros((1, MESH.stop))
    features[0, MESH] = (FACE * (-1, 1, 1)).ravel()
    rest = clip([0.0])[0].astype(float)
    assert np.abs(mesh_at_rest(features, rest)[0] - FACE[:468]).max() > 0.1


def test_a_frozen_face_is_the_worst_in_motion() -> None:
    frozen = np.repeat(clip()[:1], T, axis=0)
    assert value(intensity_corr, frozen) == 0
    assert value(peak_timing, frozen) == 1
    assert value(apex_intensity, frozen) == 0
    assert value(mesh_motion, frozen) == 0
    assert value(mesh_jitter, frozen) == 0, "which is why it is read beside the others"


def test_more_damage_is_worse() -> None:
    true = clip()
    for scales in ((0.9, 0.6, 0.3, 0.1), (1.05, 1.1, 1.15, 1.2)):
        scaled = [clip(scale * RISE) for scale in scales]
        for metric, sign in (
            (apex_intensity, -1), (expression_error, 1), (mesh_motion, -1), (landmark_distance, 1),
        ):  # fmt: skip
            values = np.array([value(metric, made, true) for made in [true, *scaled]])
            assert (np.diff(sign * values) > 0).all(), metric
    # A pulse that comes later and later.
    at = np.arange(T)
    pulses = [clip(np.exp(-((at - centre) ** 2) / 8)) for centre in (5, 6, 7, 8, 9, 10)]
    assert (np.diff([value(peak_timing, made, pulses[0]) for made in pulses]) > 0).all()
    assert (np.diff([value(intensity_corr, made, pulses[0]) for made in pulses]) < 0).all()
    trembling = [value(mesh_jitter, clip(tremble=t)) for t in (0, 0.01, 0.03, 0.1)]
    assert (np.diff(trembling) > 0).all()
    turned = [value(pose_error, clip(turn=turn)) for turn in (0, 1, 5, 60, 150)]
    assert (np.diff(turned) > 0).all()


def test_shuffling_is_seen() -> None:
    order = np.random.default_rng(0).permutation(T)
    true, shuffled = clip(), clip()[order]
    assert value(intensity_corr, shuffled) < 0.7
    assert value(mesh_motion, shuffled) < 0.7
    assert value(mesh_jitter, shuffled) > 5 * value(mesh_jitter, true)
    assert value(expression_error, shuffled) > 0
    assert value(apex_intensity, shuffled) == pytest.approx(1), "the same frames"


NAMES = st.sampled_from(sorted(PAIRED))


@given(NAMES, st.integers(0, 2**32 - 1), st.sets(st.integers(0, T - 1), min_size=1), st.integers(0, T - 1))
def test_losing_a_face_never_helps(name: str, seed: int, gone: set[int], more: int) -> None:
    """Whatever the frames show that are lost, and however many are lost already."""
    rng = np.random.default_rng(seed)
    made = clip(rng.uniform(0, 1.1, T), turn=rng.uniform(-40, 40, T), tremble=0.02, seed=seed)
    better = -1 if metrics.get(name).higher_is_better else 1
    values = [better * score(name, m) for m in (made, without(made, *gone), without(made, *gone, more))]
    assert values[0] <= values[1] + 1e-12
    assert values[1] <= values[2] + 1e-12
    assert value(mesh_rate, without(made, *gone)) == pytest.approx(1 - len(gone) / T)


@settings(max_examples=50)
@given(NAMES, st.sets(st.integers(1, T - 1)), st.integers(0, 2**32 - 1))
def test_frames_without_a_true_face_count_for_nobody(name: str, gone: set[int], seed: int) -> None:
    made, true = clip(np.random.default_rng(seed).uniform(0, 1, T)), without(clip(), *gone)
    assert score(name, made, true) == score(name, without(made, *gone), true)


@pytest.mark.parametrize("name", sorted(PAIRED))
def test_clips_without_faces(name: str) -> None:
    no_face, no_input = np.full_like(clip(), np.nan), without(clip(), 0)
    assert PAIRED[name](view(no_face)).value is None
    assert not PAIRED[name](view(no_face)).excused
    assert PAIRED[name](view(clip(), no_input)).excused


@pytest.mark.parametrize("metric", [intensity_corr, peak_timing, apex_intensity, mesh_motion])
def test_a_true_face_that_stays_still_excuses(metric: Compute) -> None:
    still = np.repeat(clip()[:1], T, axis=0)
    for made in (clip(), still, np.full_like(still, np.nan)):
        measured = metric(view(made, still))
        assert measured.value is None
        assert measured.excused


def test_blinks_and_glances_are_no_expression() -> None:
    made = clip()
    for name in BLENDSHAPES:
        if name.startswith(("eyeBlink", "eyeLook")):
            made[::3, BLENDSHAPES.index(name)] = 1
    assert value(expression_error, made) == 0
    assert value(intensity_corr, made) == pytest.approx(1)
    assert made[:, SCORES].max() == 1
