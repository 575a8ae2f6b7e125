"""How many of something there are, and what shares something, for words about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def quantity(count: int, what: str, plural: str | None = None) -> str:
    """A number of something: ``plural``, or ``what`` with an s, where it is not one."""
    return f"{count} {what if count == 1 else plural or what + 's'}"


def n_clips(count: int) -> str:
    """A number of clips."""
    return quantity(count, "clip")


def n_subjects(count: int) -> str:
    """A number of subjects."""
    return quantity(count, "subject")


def grouped(pairs: Iterable[tuple[K, str]]) -> dict[K, list[str]]:
    """Names by what they share, both in the order in which they come."""
    found: dict[K, list[str]] = {}
    for key, name in pairs:
        found.setdefault(key, []).append(name)
    return found


def first_few(names: Sequence[str], count: int = 3, between: str = ", ") -> str:
    """The first ``count`` names, and how many more there are."""
    more = len(names) - count
    return between.join(names[:count]) + (f" and {more} more" if more > 0 else "")
