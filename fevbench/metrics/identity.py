"""Identity metrics on ArcFace embeddings.

Embeddings are ``float32[T, 512]``, L2-normalised; a row of NaN is a frame without a detected face.
A missing face counts what two unrelated faces score (cosine 0, distance sqrt(2)), or the clip's worst
observed value if that is worse: losing a face never improves a number. A clip without any face has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.metrics.declared.faces import SQRT2
from fevbench.metrics.measurement import NO_FACE, NO_INPUT_FACE, ClipView, Measurement, mean_over_faces

Values = NDArray[np.float64]


def csim(view: ClipView) -> Measurement:
    """Mean over frames of the cosine between the frame's face and the input face; higher is better."""
    return _to_input(view, lambda cosines: mean_over_faces(cosines, 0.0, True))


def csim_min(view: ClipView) -> Measurement:
    """Smallest cosine of a frame's face to the input face: detects a single frame with another face."""
    return _to_input(view, lambda cosines: Measurement(float(np.nan_to_num(cosines, nan=0.0).min())))


def rank_1(view: ClipView) -> Measurement:
    """1 if, of all scored subjects, the clip's own is nearest to its mean face, else 0.

    Faces are means of unit embeddings: over the clip's frames with a face, and over the input faces of all of
    a subject's scored clips. Chance is one divided by the number of subjects.
    """
    assert view.input_faces is not None
    subjects, means = view.input_faces.means
    if view.subject not in subjects:
        return Measurement(None, NO_INPUT_FACE, excused=True)
    face = _mean_face(view.generated)
    if face is None:
        return Measurement(None, NO_FACE)
    return Measurement(float(subjects[int((means @ face).argmax())] == view.subject))


class InputFaces(dict[str, "NDArray[Any]"]):
    """Subject to the features of all their input faces, ``float32[N, D]``."""

    @cached_property
    def means(self) -> tuple[list[str], Values]:
        """The subjects with a face, and the mean of each one's faces, ``float64[S, D]``, of length 1.

        Computed once, not for every clip.
        """
        found = {subject: _mean_face(faces) for subject, faces in self.items()}
        known = {subject: face for subject, face in found.items() if face is not None}
        return list(known), np.array(list(known.values()))


def acd_i(view: ClipView) -> Measurement:
    """ACD-I: mean over frames of the L2 distance between the frame's face and the input face."""
    return _to_input(view, lambda cosines: mean_over_faces(_distance(cosines), SQRT2, False))


def acd(view: ClipView) -> Measurement:
    """ACD: mean L2 distance between the faces of all pairs of frames; 0 for a frozen clip."""
    faces = _unit(view.generated)
    first, second = np.triu_indices(len(faces), k=1)
    if np.isnan(faces).all():
        return Measurement(None, NO_FACE)
    distances = _distance((faces[first] * faces[second]).sum(axis=1))
    return mean_over_faces(distances, SQRT2, False)


def face_rate(view: ClipView) -> Measurement:
    """The share of frames in which the detector finds a face."""
    return Measurement(float(1 - np.isnan(view.generated).any(axis=1).mean()))


def _to_input(view: ClipView, mean: Callable[[Values], Measurement]) -> Measurement:
    anchor = _unit(view.input)[0]
    if np.isnan(anchor).any():
        return Measurement(None, NO_INPUT_FACE, excused=True)
    faces = _unit(view.generated)
    if np.isnan(faces).all():
        return Measurement(None, NO_FACE)
    return mean(np.clip(faces @ anchor, -1.0, 1.0))


def _unit(embeddings: NDArray[np.float32]) -> Values:
    # Of length 1 in float32 is not yet 1 in float64: a frozen face would be 3e-4 away from itself.
    faces = embeddings.astype(np.float64)
    unit: Values = faces / np.linalg.norm(faces, axis=1, keepdims=True)
    return unit


def _mean_face(embeddings: NDArray[np.float32]) -> Values | None:
    """The mean over frames with a face, scaled to length 1; None if no frame has a face."""
    faces = _unit(embeddings[~np.isnan(embeddings).any(axis=1)])
    if len(faces) == 0:
        return None
    mean = faces.mean(axis=0)
    unit: Values = mean / np.linalg.norm(mean)
    return unit


def _distance(cosines: Values) -> Values:
    # Of unit vectors: |a - b|^2 = 2 - 2 a.b; rounding can push the cosine past 1.
    return np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0))
