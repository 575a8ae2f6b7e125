"""Holm's correction and ranks, by hand."""

from fevbench.stats.ranks import holm, rank


def test_holm_by_hand() -> None:
    """Sorted: 0.01 x 4, 0.02 x 3, 0.03 x 2 (raised to the 0.06 before it), 0.8 x 1."""
    assert holm([0.03, 0.01, 0.8, 0.02]) == [0.06, 0.04, 0.8, 0.06]
    assert holm([0.5, 0.6]) == [1, 1]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


def test_ranks_of_a_chain() -> None:
    """A and B are alike, B and C are, and A is better than C."""
    assert rank([0, 1, 2], [(0, 2)]) == {0: 1, 1: 1, 2: 2}


def test_ranks_count_who_is_better() -> None:
    assert rank([3, 5, 7], []) == {3: 1, 5: 1, 7: 1}
    assert rank([3, 5, 7], [(5, 3), (7, 3)]) == {3: 3, 5: 1, 7: 1}
    assert rank([3, 5, 7], [(5, 3), (7, 3), (7, 5)]) == {3: 3, 5: 2, 7: 1}
