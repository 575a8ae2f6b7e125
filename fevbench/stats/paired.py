"""Paired tests of two models that were scored on the same clips.

Both models see the same people, and much of what makes a clip easy or hard is the person: differences within
people are far steadier than the two numbers. Whole people are the unit, because clips of one are not
independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtr

from fevbench.stats.bootstrap import by_person, subject_bootstrap
from fevbench.stats.jackknife import LEAST_GROUPS, jackknife_error, jackknife_interval

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LEAST_PEOPLE = 6
"""With five, the smallest p that sign flips can give is 2 / 2^5 > 0.05."""
EXACT_PEOPLE = 24
"""Up to so many people all flips are counted; of more, a random sample."""
FLIPS = 20_000
TIE = 1e-9
"""Numbers nearer than this, absolutely or relatively, are equal: rounding is no evidence."""
FLIPS_METHOD = "sign flips of people, two-sided; interval: subject bootstrap"
JACKKNIFE_METHOD = "delete-a-group jackknife of the difference over people, Student's t, two-sided"


@dataclass(frozen=True)
class PairedTest:
    """One model against another.

    Attributes:
        difference: The first's number less the second's; None if they cannot be subtracted.
        interval: Its 95 % interval over people; None with too few of them.
        p: How often a difference as large would arise if the models were equals; None without a test.
        reason: Why there is no test.
    """

    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    reason: str = ""


def compare_means(first: ArrayLike, second: ArrayLike, subjects: Sequence[str]) -> PairedTest:
    """Test the difference of two means over the same clips, by sign flips of whole people.

    If the models are equals, exchanging the two in all clips of a person changes nothing, and every choice of
    signs of the people's summed differences is as likely as the observed one (Fisher, The Design of
    Experiments, 1935, section 21; Pitman, JRSS Supplement 4, 1937). Sums, because the mean over clips weighs
    a person by the number of clips. The p-value is exact for any number of people and any distribution that
    is the same with the models exchanged. The interval is the subject bootstrap of the difference, which is
    too narrow with fewer than about 20 people: where the two disagree, believe the p-value.

    Args:
        first: One model's value of each clip, as it counts in the mean.
        second: The other model's, in the same order.
        subjects: The person of each clip.

    Raises:
        ValueError: The sequences differ in length or are empty.
    """
    differences = _subtract(first, second)
    totals, clips = by_person(differences, subjects)
    if not len(totals):
        raise ValueError("no clip to compare")
    difference = float(totals.sum() / clips.sum())
    interval = subject_bootstrap(differences, subjects)
    if len(totals) < LEAST_PEOPLE:
        return PairedTest(difference, interval, None, too_few(len(totals), LEAST_PEOPLE))
    return PairedTest(difference, interval, sign_flip_p(totals))


def compare_sets(
    first: float, second: float, of_first: Sequence[float], of_second: Sequence[float]
) -> PairedTest:
    """Test the difference of two statistics of whole sets, by the jackknife over groups of people.

    The differences of the replicates are the replicates of the difference: their jackknife error knows how
    the two move together (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 11; of
    groups, Kott, Journal of Official Statistics 17, 2001). The difference over its error is compared with
    Student's t of G - 1 degrees of freedom.

    Args:
        first: One model's number.
        second: The other model's.
        of_first: One model's number without each group of people in turn.
        of_second: The other model's, without the same groups.

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
    interval = jackknife_interval(float(difference), list(replicates))
    if difference == 0:
        return PairedTest(0.0, interval, 1.0)
    error = jackknife_error(list(replicates))
    p = 2 * float(stdtr(groups - 1, -abs(difference) / error)) if error > 0 else 0.0
    return PairedTest(float(difference), interval, p)


def sign_flip_p(totals: ArrayLike) -> float:
    """The share of all choices of signs whose sum is at least as far from 0 as the observed sum.

    Up to `EXACT_PEOPLE` every choice is counted, without listing them all: sums of one half of the people are
    looked up among the sorted sums of the other (as in Horowitz and Sahni, JACM 21, 1974). For more people,
    `FLIPS` seeded random choices and the observed one (Phipson and Smyth, Statistical Applications in
    Genetics and Molecular Biology 9, 2010), which is a valid test as well.

    Args:
        totals: ``float[people]``: each person's sum of differences.

    Returns:
        In (0, 1]; never below 2 / 2^people, and 1 where all are 0.
    """
    values = np.asarray(totals, np.float64)
    observed = abs(values.sum()) - TIE * np.abs(values).sum()
    if observed <= 0:
        return 1.0
    if len(values) > EXACT_PEOPLE:
        reached = np.count_nonzero(np.abs(_random_signs(len(values)) @ values) >= observed)
        return (1 + int(reached)) / (1 + FLIPS)
    # The first person's sign stays: turning all signs round changes no distance from 0.
    rest = values[1:]
    half = len(rest) // 2
    # Sorted needles are found several times faster.
    left = np.sort(values[0] + _all_signs(half) @ rest[:half])
    right = np.sort(_all_signs(len(rest) - half) @ rest[half:])
    above = len(right) - np.searchsorted(right, observed - left, side="left")
    below = np.searchsorted(right, -observed - left, side="right")
    return float((above + below).sum() / (len(left) * len(right)))


def smallest_p(people: int) -> float:
    """The smallest p-value that `sign_flip_p` can give with so many people."""
    return 2.0 ** (1 - people) if people <= EXACT_PEOPLE else 1 / (1 + FLIPS)


def too_few(people: int, needed: int) -> str:
    """Why there is no test."""
    return f"{people} {'person' if people == 1 else 'people'}, and a test needs {needed}"


def _subtract(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} values for {len(b)}")
    differences: NDArray[np.float64] = a - b
    differences[np.isclose(a, b, rtol=TIE, atol=TIE)] = 0.0
    return differences


@lru_cache(maxsize=4)
def _all_signs(people: int) -> NDArray[np.float64]:
    """``float64[2^people, people]`` of 1 and -1: every choice."""
    bits = np.arange(2**people)[:, None] >> np.arange(people) & 1
    signs = np.where(bits, -1.0, 1.0)
    signs.setflags(write=False)
    return signs


@lru_cache(maxsize=2)
def _random_signs(people: int) -> NDArray[np.float64]:
    """``float64[FLIPS, people]`` of 1 and -1, the same ones always."""
    heads = np.random.default_rng(0).integers(2, size=(FLIPS, people))
    signs = np.where(heads, 1.0, -1.0)
    signs.setflags(write=False)
    return signs
