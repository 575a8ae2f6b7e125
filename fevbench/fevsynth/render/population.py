"""Who is in the set: attributes of every person by a balanced design, and the split."""

from __future__ import annotations

from dataclasses import dataclass

from fevbench.data.clip import Split

SEXES = ("female", "male")
ANCESTRIES = ("african", "asian", "caucasian")
AGES = ("young", "middle", "old")

MOST_PEOPLE = 100_000
"""How many people a set can have; seeds of different sets would meet beyond that."""

# 8 train, 1 val and 3 test in every twelve. The first three people already hold one to train on and one to
# test on, and the order never depends on how many follow: a set that grows keeps everybody's split.
_BLOCK: tuple[Split, ...] = (
    *("train", "train", "test"),
    *("train", "train", "val"),
    *("train", "train", "test"),
    *("train", "train", "test"),
)
# Two young, two middle-aged and one old person in every five.
_AGE_CYCLE = ("young", "middle", "young", "old", "middle")
# Where in the six combinations of sex and ancestry, and in the age cycle, each split begins: chosen so that
# what is left over of the cycles in one split is made up for by the others, for 24 and for 96 people.
_START: dict[Split, tuple[int, int]] = {"train": (0, 0), "val": (4, 2), "test": (0, 1)}


@dataclass(frozen=True)
class Subject:
    """One person of the set.

    Attributes:
        id: ``p000``, ``p001``, ... ``p999``, ``p1000``, ...
        split: The split of all that person's clips.
        sex: One of `SEXES`.
        ancestry: The main one of the person's mixture, one of `ANCESTRIES`.
        age: One of `AGES`.
        seed: Everything else about the person follows from it.
    """

    id: str
    split: Split
    sex: str
    ancestry: str
    age: str
    seed: int


def design(people: int, seed: int) -> list[Subject]:
    """Lay out a set.

    Every split walks through the six combinations of sex and ancestry and, at the same time, through the
    cycle of ages. Six and five have no common divisor, so any six people in a row of one split hold each
    combination once, and any thirty each combination with the ages 2:2:1. Nothing about a person depends on
    ``people``: a larger set begins with the smaller one.

    The seeds of two sets never meet, and are plain numbers that fit a manifest; numpy hashes a seed before
    use, so that neighbouring ones give independent streams.

    Args:
        people: How many persons, up to `MOST_PEOPLE`.
        seed: Seed of the whole set.

    Raises:
        ValueError: There are more people than seeds.
    """
    if people > MOST_PEOPLE:
        raise ValueError(f"{people} people are more than {MOST_PEOPLE}")
    return [_subject(number, seed) for number in range(people)]


def _subject(number: int, seed: int) -> Subject:
    block, place = divmod(number, len(_BLOCK))
    split = _BLOCK[place]
    rank = block * _BLOCK.count(split) + _BLOCK[:place].count(split)
    combination, age = (start + rank for start in _START[split])
    return Subject(
        id=f"p{number:03d}",
        split=split,
        # Two and three have no common divisor either: six in a row are the six combinations.
        sex=SEXES[combination % len(SEXES)],
        ancestry=ANCESTRIES[combination % len(ANCESTRIES)],
        age=_AGE_CYCLE[age % len(_AGE_CYCLE)],
        seed=seed * MOST_PEOPLE + number,
    )
