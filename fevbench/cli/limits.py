"""Counts that have a limit, and why."""

from __future__ import annotations

from typing import Any

import click


class Count(click.IntRange):
    """A whole number with a limit; beyond it, the message says why there is one.

    Args:
        least: The smallest that makes sense.
        most: The largest.
        because: Why no more.
    """

    def __init__(self, least: int, most: int, because: str) -> None:
        super().__init__(least, most)
        self._because = because

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        number = click.INT.convert(value, param, ctx)
        if self.max is not None and number > self.max:
            self.fail(f"{number} is more than {self.max:g}: {self._because}", param, ctx)
        return super().convert(value, param, ctx)


SHOWN = "nobody looks at more, and pictures have an end"
JOBS = Count(1, 1024, "each is a process of its own, and more than a core each only wait")
BATCH = Count(1, 65_536, "a batch is in memory as a whole")


def length(least: int) -> Count:
    """Frames of a clip."""
    return Count(least, 4096, "a clip of an expression lasts seconds, and is in memory as a whole")


def pixels(least: int) -> Count:
    """Width and height of a frame."""
    return Count(least, 1024, "networks that score look at 64 to 299 pixels, and frames are in memory")
