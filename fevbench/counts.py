"""How many of something there are, in words."""

from __future__ import annotations


def clips(count: int) -> str:
    """A number of clips."""
    return f"{count} clip" if count == 1 else f"{count} clips"


def people(count: int) -> str:
    """A number of people."""
    return f"{count} person" if count == 1 else f"{count} people"
