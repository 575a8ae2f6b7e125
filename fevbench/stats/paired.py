"""Paired tests of two models that were scored on the same clips.

Both models see the same subjects, and much of what makes a clip easy or hard is the subject: differences
within subjects are far steadier than the two numbers. Whole subjects are the unit, because clips of one are
not independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from fevbench.stats.bootstrap import LEAST_SUBJECTS, subject_bootstrap, sums_by_subject
from fevbench.stats.jackknife import LEAST_GROUPS, jackknife_error, jackknife_interval
from fevbench.wording import n_subjects

EXACT_SUBJECTS = 24
"""Up to this many subjects every flip is counted; for more, sums are counted on a grid."""
GRID = 2**15
"""Steps of that grid from 0 to the largest possible sum."""
NO_SCATTER = "the difference is the same without any group of subjects, so that nothing says how sure it is"
TIE = 1e-9
"""Numbers nearer than this, absolutely or relatively, are equal: rounding is no evidence."""
ALPHA = 0.05
"""Significant is a corrected p-value below this."""


@dataclass(frozen=True)
class PairedTest:
    """One model compared with another. Fields are None if there is no test; ``reason`` then says why.

    The difference is the first model's value minus the second's. The interval is of 95 % over subjects. p is
    the probability of a difference at least as large if the models are equal.
    """

    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    reason: str = ""


def compare_means(first: ArrayLike, second: ArrayLike, subjects: Sequence[str]) -> PairedTest:
    """Test the difference of two means over the same clips, by sign flips of whole subjects.

    If the models are equals, exchanging the two in all clips of a subject changes nothing, and every choice
    of signs of the subjects' summed differences is as likely as the observed one (Fisher, The Design of
    Experiments, 1935, section 21; Pitman, JRSS Supplement 4, 1937). Sums, because the mean over clips weighs
    a subject by the number of clips. The p-value is exact for any number of subjects and any distribution
    that is the same with the models exchanged. The interval is the subject bootstrap of the difference, too
    narrow with fewer than about 20 subjects: if the two disagree, trust the p-value.

    Args:
        first: One model's value of each clip, as it counts in the mean.
        second: The other model's, in the same order.
        subjects: The subject of each clip.

    Raises:
        ValueError: The sequences differ in length or are empty.
    """
    differences = _subtract(first, second)
    totals, clips = sums_by_subject(differences, subjects)
    if not len(totals):
        raise ValueError("no clip to compare")
    difference = float(totals.sum() / clips.sum())
    if len(totals) < LEAST_SUBJECTS:
        return PairedTest(difference, None, None, too_few(len(totals), LEAST_SUBJECTS))
    return PairedTest(difference, subject_bootstrap(differences, subjects), sign_flip_p(totals))


def compare_sets(
    first: float,
    second: float,
    of_first: Sequence[float],
    of_second: Sequence[float],
    sizes: Sequence[int] | None = None,
) -> PairedTest:
    """Test the difference of two statistics of whole sets, by the jackknife over groups of subjects.

    The differences of the replicates are the replicates of the difference: their jackknife error knows how
    the two move together (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11; of
    groups, `jackknife_error`). The difference over its error is compared with Student's t of G - 1 degrees of
    freedom. If all replicates have the same difference, the error is 0 and there is no p. Replicates are the
    models' values without each group in turn, with ``sizes`` clips per group, by default equal sizes.

    Raises:
        ValueError: The models left out different numbers of groups.
    """
    if len(of_first) != len(of_second):
        raise ValueError(f"{len(of_first)} replicates for {len(of_second)}")
    (difference,) = _subtract([first], [second])
    replicates = _subtract(of_first, of_second)
    groups = len(replicates)
    if groups < LEAST_GROUPS:
        return PairedTest(float(difference), None, None, too_few(groups, LEAST_GROUPS))
    if difference == 0:
        return PairedTest(0.0, jackknife_interval(0.0, list(replicates), sizes), 1.0)
    error = jackknife_error(list(replicates), float(difference), sizes)
    if error <= TIE * abs(difference):
        return PairedTest(float(difference), None, None, NO_SCATTER)
    interval = jackknife_interval(float(difference), list(replicates), sizes)
    return PairedTest(float(difference), interval, 2 * float(stdtr(groups - 1, -abs(difference) / error)))


def sign_flip_p(totals: ArrayLike) -> float:
    """The share of all choices of signs whose sum is at least as far from 0 as the observed sum.

    Up to `EXACT_SUBJECTS` every choice is counted, without listing them all: sums of one half of the
    subjects are looked up among the sorted sums of the other (as in Horowitz and Sahni, JACM 21, 1974). For
    more subjects the distribution of the sum is built up subject by subject, sizes rounded to a grid (Pagano
    and Tritchler, JASA 78, 1983), and sums that rounding may have moved below the observed sum are counted as
    well: p is slightly above the exact one and never below it, so the test is valid. Random flips would have
    a smallest p, too large to distinguish many models.

    Args:
        totals: ``float[subjects]``: each subject's sum of differences.

    Returns:
        In (0, 1]; never below 2 / 2^subjects, and 1 where all are 0.
    """
    values = np.asarray(totals, np.float64)
    observed = abs(values.sum()) - TIE * np.abs(values).sum()
    if observed <= 0:
        return 1.0
    if len(values) > EXACT_SUBJECTS:
        return _tail_on_grid(np.abs(values), float(observed))
    # The first subject's sign is fixed: inverting all signs changes no distance from 0.
    rest = values[1:]
    half = len(rest) // 2
    # searchsorted is several times faster on sorted queries.
    left = np.sort(values[0] + _all_signs(half) @ rest[:half])
    right = np.sort(_all_signs(len(rest) - half) @ rest[half:])
    above = len(right) - np.searchsorted(right, observed - left, side="left")
    below = np.searchsorted(right, -observed - left, side="right")
    return float((above + below).sum() / (len(left) * len(right)))


def _tail_on_grid(sizes: NDArray[np.float64], observed: float) -> float:
    """The share of choices of signs whose sum is at least as far from 0 as ``observed``, or a little more.

    With each size (none is negative) split in two, a sum is the total less twice the sizes whose sign is
    minus: it is enough to know how the sum of a random subset is distributed.
    """
    total = float(sizes.sum())
    step = total / GRID
    steps = np.rint(sizes / step).astype(np.int64)
    missed = float(np.abs(sizes - steps * step).sum())
    # The sum of a subset is at most this where the sum with signs is at least the observed one.
    most = int(np.floor(((total - observed) / 2 + missed) / step))
    chances = np.zeros(most + 1)
    chances[0] = 1.0
    for size in steps.tolist():
        if 0 < size <= most:
            chances[size:] += chances[:-size].copy()
        chances *= 0.5 if size else 1.0
    return min(1.0, 2 * float(chances.sum()))


def smallest_p(subjects: int) -> float:
    """The smallest p-value that `sign_flip_p` can give with this many subjects."""
    return 2.0 ** (1 - subjects)


def too_few(subjects: int, needed: int) -> str:
    """Why there is no test."""
    return f"{n_subjects(subjects)}, and a test needs {needed}"


def _subtract(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} values for {len(b)}")
    differences: NDArray[np.float64] = a - b
    differences[np.isclose(a, b, rtol=TIE, atol=TIE)] = 0.0
    return differences


@lru_cache(maxsize=4)
def _all_signs(subjects: int) -> NDArray[np.float64]:
    """``float64[2^subjects, subjects]`` of 1 and -1: every choice."""
    bits = np.arange(2**subjects)[:, None] >> np.arange(subjects) & 1
    signs = np.where(bits, -1.0, 1.0)
    signs.setflags(write=False)
    return signs
