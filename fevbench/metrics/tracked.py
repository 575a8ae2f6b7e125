"""Comparing two clips by the face tracker: frames that count, expression, pose and mesh.

Features are those of `fevbench.extractors.face_mesh.FaceMesh`, ``float[T, 1497]``; a row of NaN is a frame
without a face.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors.face_mesh import BLENDSHAPES, MESH, POSE

Floats = NDArray[np.float64]
EXPRESSIVE = tuple(i for i, name in enumerate(BLENDSHAPES) if not name.startswith(("eyeBlink", "eyeLook")))
"""Columns of the 41 blendshapes of expressions. Blinks and gaze are left out: they do not depend on
the label, and a blink is a larger movement than many expressions."""
FACE_POINTS = 468
"""Points of the mesh without the irises, which follow the gaze."""
EYES = (33, 263)
"""The outer corners of the eyes; their distance in the input face is the unit of length."""
RIGID = (
    1, 4, 5, 195, 197, 6, 168,  # the nose from its tip to between the eyes
    33, 133, 362, 263,  # the corners of the eyes
    127, 162, 21, 54, 103, 67, 109, 10, 338, 297, 332, 284, 251, 389, 356,  # the outline, ear to ear
    234, 454, 93, 323,  # and in front of the ears
)  # fmt: skip
"""Points that follow the skull more than any muscle; the head's pose is computed from them."""


def no_face(features: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of ``float[T, D]`` are of a frame without a face: ``bool[T]``."""
    without: NDArray[np.bool_] = np.isnan(features).any(axis=1)
    return without


def paired_frames(made: NDArray[Any], true: NDArray[Any]) -> tuple[Floats, Floats] | None:
    """Two clips ``float[T, D]``, restricted to frames in which a face is found in the true clip.

    Every other frame is replaced, in both clips, by the nearest of these (of two, the earlier): without a
    true face there is nothing to compare, so the model's frame has no effect. Both are then
    ``float64[T, D]``, the true one without NaN; None if no frame of it shows a face.
    """
    seen = np.flatnonzero(~no_face(true))
    if not len(seen):
        return None
    nearest = seen[np.abs(np.arange(len(true))[:, None] - seen).argmin(axis=1)]
    return made[nearest].astype(np.float64), true[nearest].astype(np.float64)


def expressive(features: Floats) -> Floats:
    """The blendshapes that make an expression, ``float64[T, 41]`` in [0, 1]."""
    return features[:, EXPRESSIVE]


def intensity(features: Floats, neutral: Floats) -> Floats:
    """How much expression each frame shows: the mean change of the blendshapes from the input face.

    Of ``float64[T, D]`` and ``neutral``, ``float64[D]``, it is ``float64[T]`` in [0, 1], and no frame's
    depends on another made frame.
    """
    curve: Floats = np.abs(expressive(features) - expressive(neutral[None])).mean(axis=1)
    return curve


def head_rotation(features: Floats, other: Floats) -> Floats:
    """The angle of the rotation between two heads ``float64[T, D]``: ``float64[T]``, degrees in [0, 180].

    Of rotations A and B it is 2 arcsin(|A - B| / sqrt(8)) (Huynh, 2009), which keeps its digits near 0.
    """
    a, b = (f[:, POSE].reshape(-1, 3, 4)[..., :3] for f in (features, other))
    chord = np.sqrt(((a - b) ** 2).sum(axis=(1, 2)) / 8)
    angles: Floats = np.degrees(2 * np.arcsin(np.clip(chord, 0, 1)))
    return angles


def mesh_at_rest(features: Floats, neutral: Floats) -> Floats:
    """The mesh of each frame, aligned to the head of the input, in distances between its eyes.

    A similarity transform of least squared error (Umeyama, 1991) over `RIGID` aligns every frame
    ``float64[T, D]`` to the input face ``float64[D]``; the remaining motion is that of the face,
    ``float64[T, 468, 3]``, NaN where there is none.
    """
    points, rest = _mesh(features), _mesh(neutral)
    here = ~np.isnan(points).any(axis=(1, 2))
    moved = np.full((len(points), FACE_POINTS, 3), np.nan)
    moved[here] = _aligned(points[here], rest)[:, :FACE_POINTS]
    return moved / _eye_distance(rest)


def mesh_distance(features: Floats, other: Floats, neutral: Floats) -> Floats:
    """The distance of two meshes in the picture, in distances between the input's eyes.

    Nothing is aligned: the position of the head counts. Of two ``float64[T, D]`` it is ``float64[T]``, the
    mean over the points of the Euclidean distance in x and y; NaN without a face.
    """
    apart = (_mesh(features) - _mesh(other))[:, :FACE_POINTS, :2]
    distances: Floats = np.linalg.norm(apart, axis=2).mean(axis=1) / _eye_distance(_mesh(neutral))
    return distances


def _mesh(features: Floats) -> Floats:
    """The mesh ``float64[..., 478, 3]`` of ``float64[..., D]``."""
    return features[..., MESH].reshape(*features.shape[:-1], -1, 3)


def _eye_distance(mesh: Floats) -> float:
    return float(np.linalg.norm(mesh[EYES[0]] - mesh[EYES[1]]))


def _aligned(points: Floats, rest: Floats) -> Floats:
    source, target = points[:, RIGID], rest[list(RIGID)]
    middle, aim = source.mean(axis=1, keepdims=True), target.mean(axis=0)
    source, target = source - middle, target - aim
    u, sizes, v = np.linalg.svd(np.swapaxes(source, 1, 2) @ target)
    sizes[:, 2] *= (mirrored := np.sign(np.linalg.det(u @ v)))
    u[:, :, 2] *= mirrored[:, None]
    scale = sizes.sum(axis=1) / (source**2).sum(axis=(1, 2))
    aligned: Floats = (points - middle) @ (u @ v) * scale[:, None, None] + aim
    return aligned
