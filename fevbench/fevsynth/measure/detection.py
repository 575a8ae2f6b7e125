"""Whether the face detector finds the faces, and where it sees eyes, nose and mouth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors.faces import POINTS
from fevbench.fevsynth.measure.record import Estimate, absent, mean
from fevbench.fevsynth.measure.study import Study, has_face
from fevbench.records import Finite, Record


class PointError(Record):
    """How far the detected point is from the true one."""

    point: str
    """Which of `POINTS`, or ``all`` for the mean of a frame's five."""
    pixels: Estimate
    """Mean distance, pixels."""
    pixels_p95: Finite | None
    """95th percentile of the distance, pixels."""
    percent: Estimate
    """Mean distance, % of the true distance between the eyes."""
    percent_p95: Finite | None
    """95th percentile of the distance, %."""
    offset: tuple[Finite, Finite] | None
    """Mean of detected minus true, pixels to the right and down: what a different definition explains."""


class Detection(Record):
    """The detector on every frame."""

    found: Estimate
    """The share of the clips' frames in which a face is found."""
    found_neutral: Estimate
    """The same of the neutral images."""
    missed: dict[str, int]
    """Frames without a face of each clip that has any."""
    errors: list[PointError]
    """The mean of a frame's five points, then each point, over the clips' frames with a face."""


def measure(study: Study) -> Detection:
    """Detect the face in every frame of every clip and in every neutral image."""
    rendered = study.rendered
    shots, length = rendered.shots, rendered.length
    points = study.networks.features(
        "face-points", "faces", [rendered.at(shot, range(length)) for shot in shots], length
    )
    seen = study.networks.features(
        "face-points", "neutral faces", list(map(rendered.image, rendered.neutrals)), 1
    )
    return detection(
        points.reshape(len(shots), length, 5, 2),
        rendered.truth.points[[shot.row for shot in shots]],
        [shot.clip.subject for shot in shots],
        [shot.clip.id for shot in shots],
        seen[:, 0],
        [image.subject for image in rendered.neutrals],
    )


def detection(
    detected: NDArray[np.float32],
    true: NDArray[np.float32],
    subjects: Sequence[str],
    clips: Sequence[str],
    neutral: NDArray[np.float32],
    neutral_subjects: Sequence[str],
) -> Detection:
    """Compare detected points with true ones.

    Points are ``float32[N, T, 5, 2]``, x and y, pixels; NaN where no face is found. ``neutral`` is anything
    of each neutral image, ``float32[M, D]``, in the same way.
    """
    found = has_face(detected.reshape(-1, 2 * len(POINTS))).reshape(len(detected), -1)
    by_frame = np.repeat(np.asarray(subjects), found.shape[1])
    face = found.ravel()
    off = (detected.astype(np.float64) - true).reshape(-1, 5, 2)[face]
    eyes = true.reshape(-1, 5, 2)[face].astype(np.float64)
    between = np.linalg.norm(eyes[:, 1] - eyes[:, 0], axis=1)
    shown = by_frame[face].tolist()
    distances = np.linalg.norm(off, axis=2)
    parts = {"all": (distances.mean(axis=1), off.mean(axis=1))}
    parts |= {name: (distances[:, i], off[:, i]) for i, name in enumerate(POINTS)}
    return Detection(
        found=mean(face.astype(np.float64), by_frame.tolist(), "frames"),
        found_neutral=mean(has_face(neutral).astype(np.float64), neutral_subjects, "neutral images"),
        missed={clip: int(n) for clip, n in zip(clips, (~found).sum(axis=1), strict=True) if n},
        errors=[_error(name, far, shift, between, shown) for name, (far, shift) in parts.items()],
    )


def _error(
    point: str,
    far: NDArray[np.float64],
    shift: NDArray[np.float64],
    between: NDArray[np.float64],
    shown: list[str],
) -> PointError:
    percent = 100 * far / between
    if not len(far):
        nothing = absent("no face found", "frames")
        return PointError(
            point=point, pixels=nothing, pixels_p95=None, percent=nothing, percent_p95=None, offset=None
        )
    x, y = shift.mean(axis=0)
    return PointError(
        point=point,
        pixels=mean(far, shown, "frames"),
        pixels_p95=float(np.quantile(far, 0.95)),
        percent=mean(percent, shown, "frames"),
        percent_p95=float(np.quantile(percent, 0.95)),
        offset=(float(x), float(y)),
    )
