"""What the terminal shows: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence

import click
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

UNLIMITED = 160
"""Columns of a table that goes to a file or a pipe."""


def terminal_width() -> int:
    """Columns of the terminal, or a wide default when the output is no terminal."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def print_text(renderable: RenderableType) -> None:
    """Print to standard output."""
    Console(width=terminal_width()).print(renderable)


def print_list(columns: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> None:
    """Print things with their properties.

    Args:
        columns: What the properties are called.
        rows: A thing each, named by its first property.
        form: ``table``, or ``json`` for a list of objects.
    """
    if form == "json":
        click.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], indent=1))
        return
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    print_text(table)


def error_console() -> Console:
    """The console of progress and notes."""
    return Console(stderr=True)


@contextlib.contextmanager
def download_bars(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show one bar a download while the block runs; none where ``console`` is no terminal.

    Yields:
        What to call with a file's name, the bytes that came in, and the bytes there will be if known.
    """
    tasks: dict[str, TaskID] = {}
    # rich sends stdout to its own console, stderr: fine on one screen, wrong where stdout goes to a file.
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
        disable=not console.is_terminal,
    ) as bars:

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield report


class RunDisplay:
    """Progress bars with time left, one a stage; downloads come before them and have bars of their own.

    Without a terminal, a line when a download or a stage begins.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
            # A rendered clip can take longer than the half minute rich looks back on.
            speed_estimate_period=600,
        )
        self._stage: TaskID | None = None
        self._downloads = contextlib.ExitStack()
        self._report: Callable[[str, int, int | None], None] | None = None
        self._pulled: set[str] = set()

    def __enter__(self) -> RunDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self._downloads.close()
        self._bars.stop()

    def start(self, stage: str, total: int) -> None:
        """Show a bar for a stage."""
        # Only one set of bars can be on a screen at a time.
        self._downloads.close()
        self._bars.start()
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
        if self._report is None:
            self._report = self._downloads.enter_context(download_bars(self._console))
        if name not in self._pulled and not self._console.is_terminal:
            self._console.print(f"pull {name}", highlight=False)
        self._pulled.add(name)
        self._report(name, done, total)


@contextlib.contextmanager
def results_alone() -> Iterator[None]:
    """Send what is printed while the block runs to standard error, by whomever: Python, C, or a program.

    Models print, and standard output is for results: what is there is read by other programs.
    """
    before = sys.stdout
    kept: int | None = None
    try:
        if before is not None and before is sys.__stdout__ and before.fileno() == 1:
            before.flush()
            kept = os.dup(1)
            os.dup2(2, 1)
    except (OSError, ValueError):  # one of them is closed, or is no file
        kept = None
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = before
        if kept is not None:
            before.flush()
            os.dup2(kept, 1)
            os.close(kept)
