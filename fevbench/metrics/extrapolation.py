"""The Fréchet distance of infinitely many people, extrapolated from fewer and fewer of them.

The expectation of a Fréchet distance of N samples is its limit plus a bias that falls as 1/N: the limit is
where the line through distances of several N meets 1/N = 0 (Chong and Forsyth, CVPR 2020, FD-infinity). Here:

* *People* are left out, with all of their clips and frames: these are not independent of each other, so that
  frames or clips left out at random would hardly make a sample smaller.
* The same people are left out on *both* sides. The true clips are as few as the made ones, and their share of
  the bias has to go as well (the paper's reference is large, and stays). Made and true clips of one face go
  together: all people are pairs, so fewer people must be.
* Half of the people is the least. With far fewer samples than features the bias falls more slowly than 1/N,
  so that small N bend the line.
* At each size, two subsets that overlap as little as they can; halves do not. One subset each would put its
  own chance into the slope: the extrapolated value scatters up to twice as much.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.metrics.frechet import frechet_distance
from fevbench.metrics.measurement import TooFew

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 0
"""Of the order in which people are left out; part of the definition."""
SIZES = 5
"""Numbers of people, evenly from half of them to all. Fifteen, as in the paper, give the same for thrice the
time: what is left of their scatter is that of all people."""
SUBSETS = 2
"""Of each size but all."""


def frechet_infinity(generated: NDArray[Any], real: NDArray[Any], people: NDArray[np.int64]) -> float:
    """The Fréchet distance extrapolated to infinitely many people.

    Args:
        generated: ``float[N, D]``, one row a sample.
        real: ``float[N, D]``, of the same people's true clips, row by row.
        people: ``int64[N]``, the person of each row of both.

    Returns:
        Where the least-squares line of the distance over 1 / (number of people) meets 0, computed in float64.
        It can be negative: it is an estimate, and of a small distance it scatters around it.

    Raises:
        TooFew: Fewer than two people, or a subset has fewer than two samples.
    """
    order = sorted(set(people.tolist()), key=_drawn)
    count = len(order)
    if count < 2:
        raise TooFew(f"an extrapolation over people needs at least 2, got {count}")
    sizes = np.unique(np.linspace(-(-count // 2), count, SIZES).round().astype(int))
    means = [
        np.mean(
            [
                frechet_distance(generated[chosen], real[chosen])
                for chosen in (np.isin(people, subset) for subset in _subsets(order, size))
            ]
        )
        for size in sizes
    ]
    return float(np.polynomial.Polynomial.fit(1 / sizes, means, 1)(0.0))


def _subsets(order: list[int], size: int) -> list[list[int]]:
    """Stretches of the people in a circle, begun at even distances: everybody is in about as many."""
    count = len(order)
    starts = [k * count // SUBSETS for k in range(SUBSETS if size < count else 1)]
    return [[order[(start + i) % count] for i in range(size)] for start in starts]


def _drawn(person: int) -> bytes:
    """A person's place in the order; a hash, so that who is left out does not change the others' order."""
    return hashlib.sha256(f"{SEED}\0{person}".encode()).digest()
