"""The design of a set: splits, balance, seeds."""

from __future__ import annotations

from collections import Counter

from fevbench.data.fevsynth.render.population import AGES, design


def test_any_six_in_a_row_hold_each_sex_and_ancestry_once() -> None:
    people = design(30, 12, seed=5)
    for start in range(25):
        assert len({(subject.sex, subject.ancestry) for subject in people[start : start + 6]}) == 6


def test_every_combination_gets_every_age() -> None:
    combinations = Counter((subject.sex, subject.ancestry, subject.age) for subject in design(60, 0, seed=0))
    assert len(combinations) == 6 * len(AGES)


def test_a_larger_set_starts_with_the_same_people() -> None:
    assert design(8, 0, seed=2) == design(20, 0, seed=2)[:8]


def test_seeds_of_different_sets_do_not_meet() -> None:
    seeds = [subject.seed for seed in range(3) for subject in design(500, 100, seed)]
    assert len(set(seeds)) == len(seeds)


def test_the_last_people_are_the_test_split() -> None:
    assert [subject.split for subject in design(5, 2, seed=0)] == ["train"] * 3 + ["test"] * 2
