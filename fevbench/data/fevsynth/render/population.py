"""Who is in the set: attributes of every person by a balanced design, and the split."""

from __future__ import annotations

from dataclasses import dataclass

SEXES = ("female", "male")
ANCESTRIES = ("african", "asian", "caucasian")
AGES = ("young", "middle", "old")

# Two young, two middle-aged and one old person in every five, so that each split has every age.
_AGE_CYCLE = ("young", "middle", "young", "old", "middle")
_PEOPLE_PER_SEED = 100_000


@dataclass(frozen=True)
class Subject:
    """One person of the set.

    Attributes:
        id: ``p000``, ``p001``, ...
        split: ``"train"`` or ``"test"``.
        sex: One of `SEXES`.
        ancestry: The main one of the person's mixture, one of `ANCESTRIES`.
        age: One of `AGES`.
        seed: Everything else about the person follows from it.
    """

    id: str
    split: str
    sex: str
    ancestry: str
    age: str
    seed: int


def design(people: int, test: int, seed: int) -> list[Subject]:
    """Lay out a set of ``people`` persons, the last ``test`` of them the test split.

    Sex alternates, ancestry changes every second person, so that any six in a row hold each combination
    once; ages cycle with a period prime to that.

    Args:
        people: How many persons in all, below 100,000.
        test: How many of them are in the test split.
        seed: Seed of the whole set.
    """
    return [
        Subject(
            id=f"p{number:03d}",
            split="test" if number >= people - test else "train",
            sex=SEXES[number % 2],
            ancestry=ANCESTRIES[number // 2 % 3],
            age=_AGE_CYCLE[number % len(_AGE_CYCLE)],
            seed=seed * _PEOPLE_PER_SEED + number,
        )
        for number in range(people)
    ]
