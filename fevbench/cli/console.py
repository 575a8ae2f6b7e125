"""What the terminal shows: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import shutil

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

UNLIMITED = 160
"""Columns of a table that goes to a file or a pipe."""


def terminal_width() -> int:
    """Columns of the terminal, or a wide default when the output is no terminal."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def print_text(renderable: RenderableType) -> None:
    """Print to standard output."""
    Console(width=terminal_width()).print(renderable)


def error_console() -> Console:
    """The console of progress and notes."""
    return Console(stderr=True)


class RunDisplay:
    """Progress bars with time left, one a stage. Without a terminal, a line when a stage begins."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._stage: TaskID | None = None
        self._pulls: dict[str, TaskID] = {}

    def __enter__(self) -> RunDisplay:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def start(self, stage: str, total: int) -> None:
        """Show a bar for a stage."""
        self._stage = self._bars.add_task(stage, total=total)
        if not self._console.is_terminal:
            self._console.print(f"{stage}: {total} to do", highlight=False)

    def advance(self, count: int) -> None:
        """Move the stage's bar."""
        if self._stage is not None:
            self._bars.advance(self._stage, count)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def pull(self, name: str, done: int, total: int | None) -> None:
        """Show a download."""
        if name not in self._pulls:
            self._pulls[name] = self._bars.add_task(f"pull {name}", total=total)
            if not self._console.is_terminal:
                self._console.print(f"pull {name}", highlight=False)
        self._bars.update(self._pulls[name], completed=done, total=total)
