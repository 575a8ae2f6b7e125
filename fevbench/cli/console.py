"""What the terminal shows: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
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
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from fevbench.cli.log_lines import LogLines
from fevbench.cli.narrow import fitted
from fevbench.cli.output import say_json
from fevbench.foreign import on_terminal, one_line

UNLIMITED = 160
"""Columns of a table that goes to a file or a pipe."""


def terminal_width() -> int:
    """Columns of the terminal, or a wide default when the output is no terminal."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


class _Harmless:
    """What is shown, without any control that rich did not put there."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else Segment(on_terminal(segment.text), segment.style)


def print_text(renderable: RenderableType) -> None:
    """Print to standard output; what no terminal of this width can show as a table, as lines."""
    width = terminal_width()
    Console(width=width).print(_Harmless(fitted(renderable, width)))


def print_list(columns: Sequence[str], rows: Sequence[Sequence[str]], form: str) -> None:
    """Print things with their properties.

    Args:
        columns: What the properties are called.
        rows: A thing each, named by its first property.
        form: ``table``, or ``json`` for a list of objects.
    """
    if form == "json":
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    print_text(table)


def error_console() -> Console:
    """The console of progress and notes."""
    return Console(stderr=True)


def is_live(console: Console) -> bool:
    """Whether bars can move on it: it is a screen, whatever the environment wants to be taken for one."""
    return console.file.isatty() and not console.is_dumb_terminal


def note_on(console: Console, text: str) -> None:
    """Print a line that somebody should read, other people's words in it or not."""
    console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def download_bars(console: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show one bar a download while the block runs; where ``console`` is no terminal, a line now and then.

    Yields:
        What to call with a file's name, the bytes that came in, and the bytes there will be if known.
    """
    tasks: dict[str, TaskID] = {}
    lines = LogLines(lambda text: note_on(console, text))
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
        disable=not is_live(console),
    ) as bars:

        def report(name: str, done: int, total: int | None) -> None:
            begins = name not in tasks
            if begins:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)
            if is_live(console):
                return
            if begins:
                lines.start(f"pull {name}", total, "MB", 1e6)
            lines.reach(done, total)

        yield report
        lines.end()


class RunDisplay:
    """Progress bars with time left, one a stage; downloads come before them and have bars of their own.

    Without a terminal, a line when a download or a stage begins and ends, and every half minute.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = is_live(console)
        self._bars = Progress(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not self._live,
            # A rendered clip can take longer than the half minute rich looks back on.
            speed_estimate_period=600,
        )
        self._stage: TaskID | None = None
        self._lines = LogLines(self.note)
        self._downloads = contextlib.ExitStack()
        self._report: Callable[[str, int, int | None], None] | None = None

    def __enter__(self) -> RunDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and not self._live:
            self._lines.end()
        self._downloads.__exit__(kind, error, trace)
        self._bars.stop()

    def start(self, stage: str, total: int) -> None:
        """Show a bar for a stage."""
        # Only one set of bars can be on a screen at a time.
        self._downloads.close()
        self._bars.start()
        self._stage = self._bars.add_task(one_line(stage), total=total)
        if not self._live:
            self._lines.start(stage, total)

    def advance(self, count: int) -> None:
        """Move the stage's bar."""
        if self._stage is not None:
            self._bars.advance(self._stage, count)
        if not self._live:
            self._lines.advance(count)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        note_on(self._console, text)

    def pull(self, name: str, done: int, total: int | None) -> None:
        """Show a download."""
        if self._report is None:
            self._report = self._downloads.enter_context(download_bars(self._console))
        self._report(name, done, total)


@contextlib.contextmanager
def results_alone() -> Iterator[None]:
    """Send what is printed while the block runs to standard error, by whomever: Python, C, or a program.

    Models print, and standard output is for results: what is there is read by other programs.
    """
    before, terminal = sys.stdout, sys.__stdout__
    kept: int | None = None
    try:
        if terminal is not None and before is terminal and terminal.fileno() == 1:
            terminal.flush()
            kept = os.dup(1)
            os.dup2(2, 1)
    except (OSError, ValueError):  # one of them is closed, or is no file
        kept = None
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = before
        if kept is not None and before is not None:
            before.flush()
            os.dup2(kept, 1)
            os.close(kept)
