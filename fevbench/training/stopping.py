"""Stopping a training between two steps, so that nothing of it is lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopsBetweenSteps:
    """Within it, the first SIGINT or SIGTERM waits until `deliver`; a second one acts at once.

    Args:
        wanted: False leaves signals alone. So does any thread but the main one, which alone can set handlers.
    """

    def __init__(self, wanted: bool = True) -> None:
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._came: int | None = None

    def __enter__(self) -> StopsBetweenSteps:
        if self._wanted:
            self._before = {number: signal.signal(number, self._wait) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    @property
    def asked(self) -> bool:
        """Whether a signal waits."""
        return self._came is not None

    def deliver(self) -> None:
        """Let the signal that waits, if there is one, do what it does outside: as a rule, raise."""
        self._restore()
        if self._came is not None:
            signal.raise_signal(self._came)

    def _wait(self, number: int, frame: FrameType | None) -> None:
        self._came = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}
