"""How a run tells what it is doing, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Listens to a run."""

    def start(self, stage: str, total: int) -> None:
        """A stage with ``total`` samples begins."""

    def advance(self, count: int) -> None:
        """``count`` more samples of the stage are done."""

    def note(self, text: str) -> None:
        """Something the user should read."""


class Silent:
    """A listener that does not."""

    def start(self, stage: str, total: int) -> None:
        """Ignore it."""

    def advance(self, count: int) -> None:
        """Ignore it."""

    def note(self, text: str) -> None:
        """Ignore it."""
