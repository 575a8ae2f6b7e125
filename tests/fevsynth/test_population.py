"""The design of a set: splits, balance, seeds; and that a set can grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from fevbench.fevsynth.render.plan import AGES, ANCESTRIES, MOST_SUBJECTS, SEXES, Subject, design

COMBINATIONS = len(SEXES) * len(ANCESTRIES)
SHARE = {"young": 0.4, "middle": 0.4, "old": 0.2}


def split(people: Sequence[Subject], name: str) -> list[Subject]:
    return [subject for subject in people if subject.split == name]


def combination(subject: Subject) -> tuple[str, str]:
    return subject.sex, subject.ancestry


def test_96_people_are_64_to_train_8_to_validate_and_24_to_test_on() -> None:
    assert Counter(subject.split for subject in design(96, 1)) == {"train": 64, "val": 8, "test": 24}


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("test", 4, 4), ("val", 1, 2), ("train", 10, 11)],
    ids=["test", "val", "train"],
)
def test_each_split_of_96_has_each_sex_and_ancestry_alike(name: str, least: int, most: int) -> None:
    counts = Counter(map(combination, split(design(96, 1), name)))
    assert len(counts) == COMBINATIONS
    assert (min(counts.values()), max(counts.values())) == (least, most)


@pytest.mark.parametrize("people", [24, 96])
def test_what_one_split_lacks_another_has(people: int) -> None:
    counts = Counter(map(combination, design(people, 1)))
    assert counts == dict.fromkeys(counts, people // COMBINATIONS)


@pytest.mark.parametrize("name", ["train", "val", "test"])
@pytest.mark.parametrize(
    "group",
    [lambda subject: "all", lambda subject: subject.sex, lambda subject: subject.ancestry],
    ids=["all", "sex", "ancestry"],
)
def test_ages_are_2_to_2_to_1_in_each_group_of_each_split(name: str, group: Callable[[Subject], str]) -> None:
    """To the nearest person or the next: nobody is old more often for being a woman, or in the test split."""
    people = split(design(96, 1), name)
    groups = Counter(map(group, people))
    ages = Counter((group(subject), subject.age) for subject in people)
    for key, size in groups.items():
        for age in AGES:
            assert abs(ages[key, age] - SHARE[age] * size) <= 1.5, (key, age)


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_any_six_in_a_row_of_a_split_hold_each_sex_and_ancestry_once(name: str) -> None:
    people = split(design(120, 5), name)
    for start in range(len(people) - 5):
        assert len(set(map(combination, people[start : start + 6]))) == COMBINATIONS


@pytest.mark.parametrize("name", ["train", "test"])
def test_thirty_of_a_split_hold_each_age_of_each_sex_and_ancestry_in_proportion(name: str) -> None:
    people = split(design(120, 5), name)[:30]
    counts = Counter((*combination(subject), subject.age) for subject in people)
    assert all(count == 5 * SHARE[age] for (*_, age), count in counts.items())
    assert len(counts) == COMBINATIONS * len(AGES)


@pytest.mark.parametrize(
    ("people", "splits"),
    [
        (1, {"train": 1}),
        (3, {"train": 2, "test": 1}),
        (6, {"train": 4, "val": 1, "test": 1}),
        (12, {"train": 8, "val": 1, "test": 3}),
        (100, {"train": 67, "val": 8, "test": 25}),
    ],
)
def test_small_and_odd_sets_have_sensible_splits(people: int, splits: dict[str, int]) -> None:
    assert Counter(subject.split for subject in design(people, 0)) == splits


def test_a_larger_set_starts_with_the_same_people() -> None:
    largest = design(200, seed=2)
    for people in range(200):
        assert design(people, seed=2) == largest[:people]


def test_everybody_has_an_id_and_a_seed_of_their_own() -> None:
    people = [subject for seed in range(3) for subject in design(1200, seed)]
    assert len({subject.seed for subject in people}) == len(people)
    ids = [subject.id for subject in people[:1200]]
    assert len(set(ids)) == 1200
    assert [ids[0], ids[7], ids[999], ids[1000]] == ["p000", "p007", "p999", "p1000"]


def test_more_people_than_seeds_are_refused() -> None:
    """The next one would have the seed of the first person of the next set."""
    with pytest.raises(ValueError, match="more than 100000"):
        design(MOST_SUBJECTS + 1, 0)
