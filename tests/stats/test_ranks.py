"""Holm's correction, ranks, and who can be ranked, by hand."""

import itertools
import random

import pytest

from fevbench.stats.ranks import holm, rank, rankable


def test_holm_by_hand() -> None:
    """Sorted: 0.01 x 4, 0.02 x 3, 0.03 x 2 (raised to the 0.06 before it), 0.8 x 1."""
    assert holm([0.03, 0.01, 0.8, 0.02]) == [0.06, 0.04, 0.8, 0.06]
    assert holm([0.5, 0.6]) == [1, 1]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_ranks_of_a_chain() -> None:
    """A and B are alike, B and C are, and A is better than C."""
    assert rank({0: 0.9, 1: 0.8, 2: 0.7}, [(0, 2)], True) == {0: 1, 1: 1, 2: 2}


def test_ranks_count_who_is_better() -> None:
    numbers = {3: 30.0, 5: 20.0, 7: 10.0}
    assert rank(numbers, [], False) == {3: 1, 5: 1, 7: 1}
    assert rank(numbers, [(5, 3), (7, 3)], False) == {3: 3, 5: 1, 7: 1}
    assert rank(numbers, [(5, 3), (7, 3), (7, 5)], False) == {3: 3, 5: 2, 7: 1}


def test_a_better_number_never_ranks_worse() -> None:
    """Model 1 varies a lot: nobody is known to be better than it, and two are better than model 0."""
    assert rank({2: 0.9, 3: 0.8, 0: 0.7, 1: 0.1}, [(2, 0), (3, 0)], True) == {2: 1, 3: 1, 0: 3, 1: 3}
    rng = random.Random(0)
    for _ in range(200):
        numbers = {model: rng.choice([0.1, 0.2, 0.3, 0.4]) for model in range(6)}
        pairs = [pair for pair in itertools.permutations(range(6), 2) if numbers[pair[0]] > numbers[pair[1]]]
        found = rank(numbers, rng.sample(pairs, rng.randrange(len(pairs) + 1)), True)
        for one, other in itertools.permutations(range(6), 2):
            assert numbers[one] < numbers[other] or found[one] <= found[other]


@pytest.mark.parametrize(
    ("untestable", "left"),
    [
        ([], "abcde"),
        (["ae", "be", "ce", "de"], "abcd"),  # one with nobody
        (["ad", "bd", "cd", "ae", "be", "ce", "de"], "abc"),  # two with nobody
        (["ad", "ae", "bd", "be", "cd", "ce"], "abc"),  # three against two
        (["ab"], "cde"),  # nobody knows which of the two it is
        (["ab", "bc", "cd", "de", "ea"], ""),
        (["ab", "ac", "ad", "ae", "bc", "bd", "be", "cd", "ce"], "de"),
        (["ab", "ac", "ad", "ae", "bc", "bd", "be", "cd", "ce", "de"], ""),
    ],
)
def test_who_can_be_ranked_does_not_hang_on_the_order(untestable: list[str], left: str) -> None:
    for order in itertools.permutations(range(5)):
        number = dict(zip("abcde", order, strict=True))
        pairs = [(number[first], number[second]) for first, second in untestable]
        assert rankable(range(5), pairs) == sorted(number[name] for name in left)


def test_one_model_alone_is_not_ranked() -> None:
    """The two others cannot be tested against each other, and each could be against the first."""
    assert rankable([0, 1, 2], [(1, 2)]) == []
    assert rankable([0], []) == []
