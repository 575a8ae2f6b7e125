"""Facial motion: what the face does in a generated clip, beside what it does in the true one.

Where a metric is a mean over frames, a frame without a face counts `Sampling.missing_value`, or the clip's
worst observed value if that is worse. A curve with a hole could be any curve: in the metrics of whole curves,
a clip that loses a face anywhere has no value, and counts as the worst value. So losing a face never
improves a result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors.face_mesh import BLENDSHAPES, SCORES
from fevbench.metrics.measurement import (
    NO_FACE,
    NO_INPUT_FACE,
    ClipView,
    Measurement,
    agreement,
    mean_over_faces,
)
from fevbench.metrics.tracked import (
    expressive,
    head_rotation,
    intensity,
    mesh_at_rest,
    mesh_distance,
    no_face,
    paired_frames,
)

Floats = NDArray[np.float64]
Compare = Callable[[Floats, Floats], Measurement]
STILL = 0.01
"""An intensity that changes by less is no motion: noise of two grey levels on a frozen face moves it by half
as much, and by as much in the worst of faces."""
PLATEAU = 0.1
"""Frames this close to the peak, as a part of the curve's range, belong to it: an apex is held, and which of
its frames is the highest is chance."""
FAR_TURNED = 90.0
"""Degrees at which a face can no longer be seen: what a lost face counts in `pose_error`."""
FAR_APART = 1.0
"""The same in `landmark_distance`: points off by the distance of the eyes."""
FAR_JITTER = 1.0
"""What a lost face counts in `mesh_jitter`: a face whose points jump as far as its eyes are apart."""

GROUPS: dict[str, tuple[str, ...]] = {
    "brows down": ("browDownLeft", "browDownRight"),
    "brows up": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "eyes narrow": ("cheekSquintLeft", "cheekSquintRight", "eyeSquintLeft", "eyeSquintRight"),
    "eyes wide": ("eyeWideLeft", "eyeWideRight"),
    "nose and upper lip": ("mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight"),
    "smile": ("mouthDimpleLeft", "mouthDimpleRight", "mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight", "mouthShrugLower", "mouthShrugUpper"),
    "mouth open": ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight"),
    "mouth wide": ("mouthStretchLeft", "mouthStretchRight"),
    "lips pressed": ("mouthClose", "mouthPressLeft", "mouthPressRight", "mouthRollLower", "mouthRollUpper"),
    "lips forward": ("cheekPuff", "mouthFunnel", "mouthPucker"),
    "jaw and mouth aside": ("jawForward", "jawLeft", "jawRight", "mouthLeft", "mouthRight"),
}
"""The 41 expressive blendshapes by what moves, left and right together."""
ORDERS = 3
"""Terms of the cosine transform in time: how much, the rise or fall, and the coming and going."""
FULL = 1.0
"""The change of every score in a frame without a face: all movements at once and in full, as in no face."""
DIM = len(GROUPS) * ORDERS


def mesh_rate(view: ClipView) -> Measurement:
    """The share of frames in which the landmarker finds a face."""
    return Measurement(float(1 - no_face(view.generated).mean()))


def expression_error(view: ClipView) -> Measurement:
    """Mean over frames and the 41 expressive blendshapes of the distance to the true clip's same frame."""

    def compare(made: Floats, true: Floats) -> Measurement:
        return mean_over_faces(np.abs(expressive(made) - expressive(true)).mean(axis=1), 1.0, False)

    return _measure(view, compare)


def pose_error(view: ClipView) -> Measurement:
    """Mean over frames of the angle, in degrees, between the head and the true clip's in the same frame."""
    return _measure(view, lambda made, true: mean_over_faces(head_rotation(made, true), FAR_TURNED, False))


def landmark_distance(view: ClipView) -> Measurement:
    """Mean over frames and points of the distance, in the picture, to the true clip's same point."""

    def compare(made: Floats, true: Floats) -> Measurement:
        return mean_over_faces(mesh_distance(made, true, view.input[0]), FAR_APART, False)

    return _measure(view, compare)


def mesh_jitter(view: ClipView) -> Measurement:
    """Mean length of the third difference over time of the mesh's points, in distances between the eyes."""

    def compare(made: Floats, true: Floats) -> Measurement:
        if len(made) < 4:
            return Measurement(None, "fewer than 4 frames", excused=True)
        jerk = np.diff(mesh_at_rest(made, true[0]), n=3, axis=0)
        return mean_over_faces(np.linalg.norm(jerk, axis=2).mean(axis=1), FAR_JITTER, False)

    return _measure(view, compare)


def mesh_motion(view: ClipView) -> Measurement:
    """Ratio, at most 1, of the smaller to the larger mean speed of the mesh's points in the two clips."""

    def compare(made: Floats, true: Floats) -> Measurement:
        return agreement(_speed(mesh_at_rest(made, true[0])), _speed(mesh_at_rest(true, true[0])))

    return _measure(view, compare, whole=True)


def intensity_corr(view: ClipView) -> Measurement:
    """Pearson's correlation of the two clips' intensities over frames; 0 if the made face stays still."""

    def compare(made: Floats, true: Floats) -> Measurement:
        return Measurement(0.0 if _still(made) else float(np.clip(np.corrcoef(made, true)[0, 1], -1, 1)))

    return _curves(view, compare)


def peak_timing(view: ClipView) -> Measurement:
    """The time between the two clips' peaks, as a part of the clip; 1 if the made face stays still."""

    def compare(made: Floats, true: Floats) -> Measurement:
        return Measurement(1.0 if _still(made) else abs(peak_time(made) - peak_time(true)))

    return _curves(view, compare)


def apex_intensity(view: ClipView) -> Measurement:
    """Ratio, at most 1, of the smaller to the larger of the two clips' highest intensities."""
    return _curves(view, lambda made, true: agreement(float(made.max()), float(true.max())))


def peak_time(curve: Floats) -> float:
    """When a curve peaks, in [0, 1]: the mean time of the frames within `PLATEAU` of its highest value."""
    near = np.flatnonzero(curve >= curve.max() - PLATEAU * np.ptp(curve))
    return float(near.mean()) / max(len(curve) - 1, 1)


def _measure(view: ClipView, compare: Compare, whole: bool = False) -> Measurement:
    """Compare two clips' features ``float64[T, 1497]``, if there is something to compare.

    If ``whole``, every frame must show a face, and the true face must move.
    """
    if no_face(view.input).any():
        return Measurement(None, NO_INPUT_FACE, excused=True)
    pair = paired_frames(view.generated, view.true)
    if pair is None:
        return Measurement(None, "no face in the true clip", excused=True)
    made, true = pair
    if whole and _still(intensity(true, true[0])):
        return Measurement(None, "the true face does not move", excused=True)
    if no_face(made).all():
        return Measurement(None, NO_FACE)
    if whole and no_face(made).any():
        return Measurement(None, "a frame without a face")
    return compare(made, true)


def _curves(view: ClipView, compare: Compare) -> Measurement:
    """Compare the two clips' curves of intensity, ``float64[T]``."""
    return _measure(
        view,
        lambda made, true: compare(intensity(made, true[0]), intensity(true, true[0])),
        whole=True,
    )


def _still(curve: Floats) -> bool:
    return float(np.ptp(curve)) < STILL


def _speed(mesh: Floats) -> float:
    return float(np.linalg.norm(np.diff(mesh, axis=0), axis=2).mean())


def trajectory(made: NDArray[Any], true: NDArray[Any]) -> Floats:
    """How a face moves through a clip, for the Fréchet distance of blendshapes (`fbd`).

    The change of each group of blendshapes from the input face, as its first cosine terms over time. The row
    is fixed in advance and short: a Fréchet distance of few samples is mostly bias, the more the more
    features there are, and a basis learnt from the clips would be another one for every set.

    Term k of a change x is w_k / T * sum_t x_t cos(pi k (t + 1/2) / T) with w_0 = 1 and w_k = sqrt(2) (the
    DCT-II): it does not depend on how many frames the clip has, and the squares of all terms add up to the
    mean of x squared (Parseval).

    Args:
        made: ``float[T, 1497]`` of `fevbench.extractors.face_mesh.FaceMesh`, NaN where there is no face.
        true: The same of its true clip, for the input face; for a true clip's own row the clip itself.

    Returns:
        ``float64[1, 36]``, or ``float64[0, 36]`` if the input face is not found.
    """
    pair = None if no_face(true)[0] else paired_frames(made, true)
    if pair is None:
        return np.empty((0, DIM))
    clip, rest = (features[:, SCORES] for features in pair)
    change = np.where(no_face(pair[0])[:, None], FULL, clip - rest[0])
    row: Floats = (_basis(len(change)) @ change @ _means()).reshape(1, DIM)
    return row


def _basis(frames: int) -> Floats:
    """The cosines ``float64[3, T]``."""
    k = np.arange(ORDERS)[:, None]
    waves: Floats = np.cos(np.pi * k * (np.arange(frames) + 0.5) / frames) / frames
    waves[1:] *= np.sqrt(2.0)
    return waves


def _means() -> Floats:
    """``float64[51, 12]``: scores to the mean of each group."""
    shares = [[(name in group) / len(group) for group in GROUPS.values()] for name in BLENDSHAPES]
    return np.array(shares, np.float64)
