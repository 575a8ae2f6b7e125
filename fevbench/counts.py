"""How many of something there are, in words."""

from __future__ import annotations

from collections.abc import Sequence


def clips(count: int) -> str:
    """A number of clips."""
    return f"{count} clip" if count == 1 else f"{count} clips"


def people(count: int) -> str:
    """A number of people."""
    return f"{count} person" if count == 1 else f"{count} people"


def some(names: Sequence[str], count: int = 3, between: str = ", ") -> str:
    """The first ``count`` names, and how many more there are."""
    more = len(names) - count
    return between.join(names[:count]) + (f" and {more} more" if more > 0 else "")
