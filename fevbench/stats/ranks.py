"""Many models at once: p-values corrected for the number of pairs, and ranks that models share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

ALPHA = 0.05
"""Significant is a corrected p-value below this."""


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values so that any false claim in the whole family is made with probability ALPHA at most.

    The step-down procedure of Holm (Scandinavian Journal of Statistics 6, 1979): the k-th smallest of m is
    multiplied by m - k + 1, and none is smaller than the one before. It assumes nothing of how the tests
    depend on each other, and pairs of models depend on each other a lot.

    Args:
        p_values: The family's.

    Returns:
        The corrected values in the same order, at most 1.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, np.float64)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]


def rankable(models: Sequence[int], untestable: Iterable[tuple[int, int]]) -> list[int]:
    """The models that can be ranked: those all of whose pairs can be tested.

    As long as a pair cannot be tested, whoever is in the most such pairs is left out. Those in as many go
    together: nothing says which of them is at fault, and the choice must not hang on names or order.

    Args:
        models: The models.
        untestable: Pairs that cannot be tested.

    Returns:
        Those that are left, in their order; none if it is fewer than two.
    """
    left, pairs = set(models), list(untestable)
    while counts := Counter(model for pair in pairs if left.issuperset(pair) for model in pair):
        most = max(counts.values())
        left -= {model for model, count in counts.items() if count == most}
    return [model for model in models if model in left] if len(left) > 1 else []


def rank(models: Sequence[int], better: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Rank each model at 1 + the number of models that are significantly better than it.

    Being told apart is not transitive: A and B may be alike, B and C as well, and A still be better than C.
    No partition into groups of equals can say that. This rule does not need it (1, 1, 2), is the same in
    whatever order models come, and makes a rank a claim: so many are better, at least. Chatbot Arena ranks
    so (Chiang et al., ICML 2024), and WMT's shared tasks find the upper end of a system's range of ranks so.

    Args:
        models: The models.
        better: Pairs of which the first is significantly better than the second.

    Returns:
        Model to rank. A rank is shared by models that equally many are better than, also where the two were
        told apart from different models.
    """
    beaten = [worse for _, worse in better]
    return {model: 1 + beaten.count(model) for model in models}
