"""Identity metrics by hand, and the rule that a vanishing face never improves a number."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fevbench.metrics.identity import InputFaces, acd, acd_i, csim, csim_min, face_rate, rank_1
from fevbench.metrics.measurement import ClipView, Measurement

SQRT2 = 2**0.5
X, Y = np.eye(2, 4, dtype=np.float32)
NONE = np.full(4, np.nan, np.float32)


def view(*faces: np.ndarray, anchor: np.ndarray = X) -> ClipView:
    return ClipView(np.stack(faces), anchor[None], "", "", ())


def toward(cosine: float) -> np.ndarray:
    """A unit vector at this cosine to X."""
    return np.array([cosine, np.sqrt(1 - cosine**2), 0, 0], np.float32)


def test_values_by_hand() -> None:
    clip = view(X, toward(0.5), Y)
    assert csim(clip).value == pytest.approx((1 + 0.5 + 0) / 3)
    assert acd_i(clip).value == pytest.approx((0 + 1 + SQRT2) / 3)
    # Pairs: X and 60 degrees, X and 90 degrees, 60 and 90 degrees.
    assert acd(clip).value == pytest.approx((1 + SQRT2 + np.sqrt(2 - np.sqrt(3))) / 3, rel=1e-6)
    assert face_rate(clip).value == 1


def test_a_frozen_clip_is_perfect() -> None:
    clip = view(X, X, X)
    assert [m(clip).value for m in (csim, acd, acd_i)] == [1, 0, 0]


def test_a_frozen_clip_is_perfect_in_float32_too() -> None:
    """The length of a float32 embedding is 1 to seven digits; distances near 0 are its square root."""
    face = np.random.default_rng(0).normal(size=512).astype(np.float32)
    face /= np.linalg.norm(face)
    clip = view(face, face, face, anchor=face)
    assert csim(clip).value == pytest.approx(1, abs=1e-12)
    assert csim(clip).value <= 1  # type: ignore[operator]
    assert acd(clip).value == pytest.approx(0, abs=1e-7)
    assert acd_i(clip).value == pytest.approx(0, abs=1e-7)


def test_missing_faces_count_as_unrelated_ones() -> None:
    clip = view(X, NONE)
    assert csim(clip).value == pytest.approx(0.5)
    assert acd_i(clip).value == pytest.approx(SQRT2 / 2)
    assert acd(clip).value == pytest.approx(SQRT2)
    assert face_rate(clip).value == 0.5


def test_missing_faces_count_as_the_worst_observed_if_that_is_worse() -> None:
    assert csim(view(toward(-0.5), NONE)).value == pytest.approx(-0.5)
    assert acd_i(view(toward(-0.5), NONE)).value == pytest.approx(np.sqrt(3))


@pytest.mark.parametrize("metric", [csim, acd, acd_i])
def test_no_face_is_no_score(metric: Callable[[ClipView], Measurement]) -> None:
    measured = metric(view(NONE, NONE))
    assert measured == Measurement(None, "no face in any frame")
    assert face_rate(view(NONE, NONE)).value == 0


@pytest.mark.parametrize("metric", [csim, acd_i])
def test_no_input_face_is_no_fault_of_the_model(metric: Callable[[ClipView], Measurement]) -> None:
    measured = metric(view(X, X, anchor=NONE))
    assert measured.value is None
    assert measured.excused


@given(st.lists(st.floats(0, 1), min_size=3, max_size=8), st.data())
def test_losing_a_face_never_helps(cosines: list[float], data: st.DataObject) -> None:
    """For faces at least as close as unrelated ones, which score the floor."""
    faces = [toward(cosine) for cosine in cosines]
    lost = data.draw(st.integers(0, len(faces) - 1))
    whole, damaged = view(*faces), view(*[NONE if i == lost else face for i, face in enumerate(faces)])

    def value(metric: Callable[[ClipView], Measurement], clip: ClipView) -> float:
        measured = metric(clip).value
        assert measured is not None
        return measured

    assert value(csim, damaged) <= value(csim, whole) + 1e-6
    assert value(acd_i, damaged) >= value(acd_i, whole) - 1e-6
    assert value(acd, damaged) >= value(acd, whole) - 1e-6
    assert value(face_rate, damaged) < value(face_rate, whole)


def test_the_worst_frame_by_hand() -> None:
    assert csim_min(view(X, toward(0.5), toward(0.8))).value == pytest.approx(0.5)
    assert csim_min(view(X, NONE)).value == 0, "a frame without a face is a stranger's"
    assert csim_min(view(X, toward(-0.5), NONE)).value == pytest.approx(-0.5), "unless another is worse"
    assert csim_min(view(NONE, NONE)).value is None
    assert csim_min(view(X, anchor=NONE)).excused


def among(*faces: np.ndarray, who: str = "x", **people: np.ndarray) -> ClipView:
    """A clip of ``who``, when these people are scored."""
    known = InputFaces({name: face[None] for name, face in people.items()})
    return ClipView(np.stack(faces), X[None], "", who, (), X[None], known)


def test_identification_is_among_all_people() -> None:
    assert rank_1(among(toward(0.8), x=X, y=Y)).value == 1
    assert rank_1(among(toward(0.5), x=X, y=Y)).value == 0, "60 degrees from X is nearer to Y"
    assert rank_1(among(toward(0.5), x=X)).value == 1
    # Two frames of 60 degrees are outvoted by three that are exact.
    assert rank_1(among(*[X] * 3, *[toward(0.5)] * 2, x=X, y=Y)).value == 1
    assert rank_1(among(X, NONE, x=X, y=Y)).value == 1


def test_identification_without_faces() -> None:
    lost = rank_1(among(NONE, x=X, y=Y))
    assert (lost.value, lost.excused) == (None, False)
    assert rank_1(among(X, x=NONE, y=Y)).excused, "nobody knows what this person looks like"
    assert rank_1(among(X, x=X, y=NONE)).value == 1, "who cannot be found is no candidate"


def test_mean_input_faces_are_computed_once() -> None:
    faces = InputFaces(x=X[None], y=np.stack([Y, NONE]), z=NONE[None])
    subjects, means = faces.means
    assert subjects == ["x", "y"], "who cannot be found has no mean"
    assert np.allclose(means, [X, Y])
    assert faces.means[1] is means
