"""Ranks of models from tests of their pairs: the correction for many tests, who is ranked, and the rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values so that any false claim in the whole family is made with probability ALPHA at most.

    The step-down procedure of Holm (Scandinavian Journal of Statistics 6, 1979): the k-th smallest of m is
    multiplied by m - k + 1, and none is smaller than the one before. It assumes nothing of how the tests
    depend on each other, and pairs of models depend on each other a lot.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, np.float64)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in corrected]


def rankable(models: Sequence[int], untestable: Iterable[tuple[int, int]]) -> list[int]:
    """The models that can be ranked: those all of whose pairs can be tested.

    While a pair cannot be tested, the model in the most such pairs is left out. Models in equally many are
    left out together, because the choice must not depend on names or order.
    """
    left, pairs = set(models), list(untestable)
    while counts := Counter(model for pair in pairs if left.issuperset(pair) for model in pair):
        most = max(counts.values())
        left -= {model for model, count in counts.items() if count == most}
    return [model for model in models if model in left] if len(left) > 1 else []


def rank(
    numbers: Mapping[int, float], better: Iterable[tuple[int, int]], higher_is_better: bool
) -> dict[int, int]:
    """Rank each model at 1 + the number that are significantly better, none above one with a better number.

    Significance is not transitive: A and B may not differ, nor B and C, and A may still be better than C. No
    partition into groups of equals can express that. Counting better models needs no partition (1, 1, 2), and
    does not depend on the order of models (as in Chatbot Arena, Chiang et al., ICML 2024). But a model whose
    clips vary a lot differs significantly from few others, and would rank above models with better values. So
    what counts against a model also counts against all models with no better value: the rank is the largest
    count among a model and those with a value at least as good.

    Args:
        numbers: Model to its number.
        better: Pairs of which the first is significantly better than the second.
        higher_is_better: The direction of the numbers.

    Returns:
        Model to rank, in the order of ``numbers``. Models share a rank if equally many are better than them,
        even if these are different models.
    """
    beaten = Counter(worse for _, worse in better)
    sign = 1 if higher_is_better else -1
    return {
        model: 1 + max(beaten[other] for other in numbers if sign * numbers[other] >= sign * number)
        for model, number in numbers.items()
    }
