"""Whether a face tracker sees the face units move: correlation of its scores with the true weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fevbench.extractors.face_mesh import BLENDSHAPES, SCORES
from fevbench.fevsynth.measure.record import Estimate, absent, mean, resampled
from fevbench.fevsynth.measure.study import Study, has_face
from fevbench.records import Finite, Record
from fevbench.stats.bootstrap import draw_subjects

Floats = NDArray[np.float64]


def pearson(x: Floats, y: Floats, subjects: Sequence[str], sample: str) -> Estimate:
    """Pearson's correlation of two ``float64[N]``; the interval resamples subjects."""
    if len(x) < 2 or not x.std() or not y.std():
        return absent("one of the two never changes" if len(x) > 1 else f"too few {sample}", sample)
    names, index = np.unique(np.asarray(subjects), return_inverse=True)
    # Centred first: the moments below would lose digits otherwise.
    x, y = x - x.mean(), y - y.mean()
    products = (np.ones_like(x), x, y, x * x, y * y, x * y)
    sums = np.stack([np.bincount(index, weights=p, minlength=len(names)) for p in products], axis=1)
    statistics = _of_moments(draw_subjects(len(names)) @ sums)
    value = float(_of_moments(sums.sum(axis=0)))
    return resampled(value, statistics, len(x), sample, len(names))


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation over all samples, ties at their mean rank; both must vary."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])


def _of_moments(sums: Floats) -> Floats:
    """Pearson's r of ``[..., 6]``: the sums of 1, x, y, x², y² and xy; NaN where one does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        r: Floats = (xy - x * y / n) / np.sqrt((xx - x * x / n) * (yy - y * y / n))
    return r


STILL = 1e-3
"""A unit whose weight never passes this is not moved in the set."""
WEAK = 0.5
"""A correlation below this counts as weak."""


class Unit(Record):
    """One face unit."""

    unit: str
    """Its ARKit name."""
    pearson: Estimate
    """Correlation of the tracker's score with the true weight, over frames."""
    spearman: Finite | None
    """The same of their ranks."""
    strongest: Finite
    """The largest true weight in the set."""


class Blendshapes(Record):
    """The tracker on every ``stride``-th frame."""

    stride: int
    """Every how many frames of a clip one is looked at."""
    found: Estimate
    """The share of those frames in which the tracker finds a face."""
    units: list[Unit]
    """The units that move in the set and that the tracker scores, strongest correlation first."""
    weak: list[str]
    """Those with a correlation below 0.5, or with none."""
    still: list[str]
    """Units that the tracker scores and that never move in the set."""
    unscored: list[str]
    """Units that move in the set and that the tracker does not score."""
    mean_pearson: Finite | None
    """Mean over ``units`` that have a correlation."""


def measure(study: Study) -> Blendshapes:
    """Track the face in every ``stride``-th frame of every clip."""
    rendered, stride = study.rendered, study.stride
    shots, looked_at = rendered.shots, range(0, rendered.length, stride)
    scores = study.networks.features(
        "face-mesh", "blendshapes", [rendered.at(shot, looked_at) for shot in shots], len(looked_at)
    )[..., SCORES]
    true = rendered.truth.weights[[shot.row for shot in shots], ::stride]
    return blendshapes(
        scores.reshape(-1, scores.shape[-1]),
        BLENDSHAPES,
        true.reshape(-1, true.shape[-1]).astype(np.float64),
        [str(unit) for unit in rendered.truth.units],
        [shot.clip.subject for shot in shots for _ in looked_at],
        stride,
    )


def blendshapes(
    scores: NDArray[np.float32],
    columns: Sequence[str],
    true: NDArray[np.float64],
    units: Sequence[str],
    subjects: Sequence[str],
    stride: int,
) -> Blendshapes:
    """Correlate scores ``float32[N, C]`` with true weights ``float64[N, U]``, unit by unit.

    Scores are the tracker's, NaN where it finds no face. ``columns`` and ``units`` name the columns of the
    two.
    """
    found = has_face(scores)
    whose = [subject for subject, seen in zip(subjects, found, strict=True) if seen]
    strongest = dict(zip(units, np.abs(true).max(axis=0, initial=0.0).tolist(), strict=True))
    moved = [unit for unit in units if strongest[unit] > STILL]
    rows = []
    for unit in moved:
        if unit in columns:
            x = scores[found, columns.index(unit)].astype(np.float64)
            y = true[found, units.index(unit)]
            r = pearson(x, y, whose, "frames")
            rho = None if r.value is None else spearman(x, y)
            rows.append(Unit(unit=unit, pearson=r, spearman=rho, strongest=strongest[unit]))
    rows.sort(key=lambda row: (-_value(row), row.unit))
    values = [row.pearson.value for row in rows if row.pearson.value is not None]
    return Blendshapes(
        stride=stride,
        found=mean(found.astype(np.float64), subjects, "frames"),
        units=rows,
        weak=[row.unit for row in rows if _value(row) < WEAK],
        still=[unit for unit in columns if strongest.get(unit, 0.0) <= STILL],
        unscored=[unit for unit in moved if unit not in columns],
        mean_pearson=float(np.mean(values)) if values else None,
    )


def _value(row: Unit) -> float:
    return -2.0 if row.pearson.value is None else row.pearson.value
