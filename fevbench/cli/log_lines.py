"""Progress for a log file: a line when something begins, now and then, and when it ends."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

EVERY = 30.0
"""Seconds between two lines."""


def clock(seconds: float) -> str:
    """A span of time as hours, minutes and seconds; a question mark where nobody knows."""
    if math.isinf(seconds):
        return "?"
    hours, rest = divmod(round(seconds), 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"


class LogLines:
    """Says how some work proceeds, in lines.

    Args:
        write: Takes a line.
        now: The time in seconds, from any beginning.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], float] = time.monotonic) -> None:
        self._write, self._now = write, now
        self._name = ""
        self._total: int | None = None
        self._done = 0
        self._began = self._said = 0.0
        self._unit, self._scale = "", 1.0

    def start(self, name: str, total: int | None, unit: str = "", scale: float = 1.0) -> None:
        """Begin something; what came before is at its end.

        Args:
            name: What.
            total: How much there is to do; None if nobody knows.
            unit: In what it is shown.
            scale: How much of it is one of these units.
        """
        self.end()
        self._name, self._total, self._done = name, total, 0
        self._unit, self._scale = unit, scale
        self._began = self._said = self._now()
        self._write(f"{name}: {self._number(total)} to do" if total is not None else f"{name}: begun")

    def reach(self, done: int, total: int | None = None) -> None:
        """So much is done in all; of so much, if that has become known."""
        self._done = done
        self._total = self._total if total is None else total
        if self._name and self._now() - self._said >= EVERY and not self._is_over():
            self._said = self._now()
            self._write(f"{self._so_far()}, {clock(self._left())} left")
        elif self._name and self._is_over():
            self.end()

    def advance(self, count: int) -> None:
        """So much more is done."""
        self.reach(self._done + count)

    def end(self) -> None:
        """It is over; nothing is said of it any more."""
        if self._name:
            self._write(f"{self._so_far()} in {clock(self._now() - self._began)}")
        self._name = ""

    def drop(self) -> None:
        """Somebody else says how it proceeds."""
        self._name = ""

    def _is_over(self) -> bool:
        return self._total is not None and self._done >= self._total

    def _so_far(self) -> str:
        whole = "" if self._total is None else f" of {self._number(self._total)}"
        return f"{self._name}: {self._number(self._done)}{whole}"

    def _left(self) -> float:
        if self._total is None or not self._done:
            return math.inf
        return (self._now() - self._began) * (self._total - self._done) / self._done

    def _number(self, count: int) -> str:
        return f"{count / self._scale:.1f} {self._unit}" if self._unit else str(count)
