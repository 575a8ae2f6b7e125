"""What the terminal shows: results on standard output, progress and notes on standard error."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich import progress
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from fevbench.cli.output import SECONDS_BETWEEN_LINES, LogLines, clock, say_json
from fevbench.sanitise import for_terminal, one_line

UNLIMITED = 160
"""Columns of a table that goes to a file or a pipe."""
NAME_WIDTH = 12
"""Columns that a name, which heads a row, must have before it is folded."""
CELL_WIDTH = 4
"""The same of any other cell that may be folded."""
LOSS_SMOOTHING = 0.95
"""Of the running mean of each loss, at every step of a training."""


def terminal_width() -> int:
    """Columns of the terminal, or a wide default when the output is no terminal."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


class _WithoutControls:
    """What is shown, without any control that rich did not put there."""

    def __init__(self, shown: RenderableType) -> None:
        self._shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._shown, options):
            yield segment if segment.control else Segment(for_terminal(segment.text), segment.style)


def fit_to_width(shown: RenderableType, width: int) -> RenderableType:
    """Turn each table that a terminal is too narrow for into lines, so that no name is lost."""
    if isinstance(shown, Group):
        return Group(*(fit_to_width(part, width) for part in shown.renderables))
    if isinstance(shown, Table) and _minimum_width(shown) > width:
        return Group(*_rows_as_lines(shown))
    return shown


def _minimum_width(table: Table) -> int:
    """Columns below which rich would cut numbers, or fold names letter by letter."""
    widths = [
        _column_width(column, NAME_WIDTH if i == 0 else CELL_WIDTH) for i, column in enumerate(table.columns)
    ]
    _, right, _, left = table.padding
    edges = 0 if table.box is None else len(widths) + (1 if table.show_edge else -1)
    outside = 0 if table.pad_edge else left + right
    return sum(widths) + (left + right) * len(widths) + edges - outside


def _column_width(column: Column, folded: int) -> int:
    lines = [line for cell in (column.header, *column.cells) for line in _text(cell).plain.splitlines()]
    longest = max(map(cell_len, lines), default=0)
    return longest if column.no_wrap else min(longest, folded)


def _rows_as_lines(table: Table) -> Iterable[Text]:
    """Each row: its first cell, then the others below it, each after its column's heading."""
    if table.title:
        yield _text(table.title)
    others = table.columns[1:]
    cells = [list(column.cells) for column in table.columns]
    for name, *values in zip(*cells, strict=True):
        yield _text(name)
        for column, value in zip(others, values, strict=True):
            text = Text(" ").join(_text(value).split("\n"))
            if text.plain.strip():
                heading = " ".join(_text(column.header).plain.split())
                yield Text(f"  {heading}: ").append(_stripped(text))


def _stripped(text: Text) -> Text:
    """A cell without the blanks that aligned it."""
    text = text.copy()
    text.rstrip()
    return text[len(text.plain) - len(text.plain.lstrip()) :]


def _text(cell: RenderableType) -> Text:
    return cell if isinstance(cell, Text) else Text.from_markup(str(cell))


def print_text(renderable: RenderableType) -> None:
    """Print to standard output; what no terminal of this width can show as a table, as lines."""
    width = terminal_width()
    Console(width=width).print(_WithoutControls(fit_to_width(renderable, width)))


def print_list(
    columns: Sequence[str], rows: Sequence[Sequence[str]], output_format: str, stacked: bool = False
) -> None:
    """Print rows under the names of their columns, as a ``table``, or as ``json``: a list of objects.

    If ``stacked``, a table has two columns, and all but the first stand below each other in the second.
    """
    if output_format == "json":
        say_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    rows = [[one_line(cell) for cell in row] for row in rows]
    if stacked:
        columns = (columns[0], " / ".join(columns[1:]))
        rows = [(row[0], "\n".join(row[1:])) for row in rows]
    table = Table(show_lines=stacked)
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    print_text(table)


def is_live(console: Console) -> bool:
    """Whether bars can move on it: it is a screen, whatever the environment wants to be taken for one."""
    return console.file.isatty() and not console.is_dumb_terminal


def note_on(console: Console, text: str) -> None:
    """Print a line that somebody should read, untrusted words in it or not."""
    console.print(one_line(text), markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def download_bars(console: Console | None = None) -> Iterator[Callable[[str, int, int | None], None]]:
    """Show one bar a download while the block runs; where the console is no terminal, a line now and then.

    Yields:
        What to call with a file's name, the bytes that came in, and the bytes there will be if known.
    """
    console = console or Console(stderr=True)
    tasks: dict[str, TaskID] = {}
    lines = LogLines(lambda text: note_on(console, text))
    # rich sends stdout to its own console, stderr: fine on one screen, wrong where stdout goes to a file.
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
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
            lines.update(done, total)

        yield report
        lines.end()


class ProgressDisplay:
    """Progress bars with time left, one a stage; downloads come before them and have bars of their own.

    Without a terminal, a line when a download or a stage begins and ends, and every half minute.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console = console or Console(stderr=True)
        self._live = is_live(console)
        self._bars = Progress(
            TextColumn("{task.description:>14}"),
            BarColumn(),
            MofNCompleteColumn(),
            progress.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not self._live,
            # A rendered clip can take longer than the half minute rich looks back on.
            speed_estimate_period=600,
        )
        self._stage: TaskID | None = None
        self._lines = LogLines(self.note)
        self._downloads = contextlib.ExitStack()
        self._report: Callable[[str, int, int | None], None] | None = None

    def __enter__(self) -> ProgressDisplay:
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        if kind is None and not self._live:
            self._lines.end()
        self._downloads.__exit__(kind, *raised)
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


class TrainingDisplay(ProgressDisplay):
    """As `ProgressDisplay`, with losses under the bar; without a terminal, a line now and then."""

    def __init__(self, steps: int, minutes: float | None) -> None:
        super().__init__()
        self._steps, self._minutes = steps, minutes
        self._means: dict[str, float] = {}
        self._began: float | None = None
        self._first = 0
        self._said = 0.0
        self._bar = Progress(
            TextColumn("train"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("", total=steps)

    def __enter__(self) -> TrainingDisplay:
        return self

    def losses(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """Show a step's losses, smoothed."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._first = now, step
            self._bars.stop()
            self._lines.cancel()
            self._bar.start()
        for name, value in losses.items():
            self._means[name] = LOSS_SMOOTHING * self._means.get(name, value) + (1 - LOSS_SMOOTHING) * value
        left = clock(self._left(now, step))
        shown = "  ".join(f"{name} {value:.3g}" for name, value in self._means.items())
        self._bar.update(
            self._task, completed=step, description=f"{left} left  {clips_per_second:.1f} clips/s\n{shown}"
        )
        if not self._live and now - self._said > SECONDS_BETWEEN_LINES:
            self._said = now
            self.note(f"step {step} of {self._steps}, {left} left, {clips_per_second:.1f} clips/s: {shown}")

    def __exit__(self, kind: type[BaseException] | None, *raised: Any) -> None:
        self._bar.stop()
        super().__exit__(kind, *raised)

    def _left(self, now: float, step: int) -> float:
        """Seconds until the steps are done or the minutes over."""
        spent = now - (self._began or now)
        by_steps = (self._steps - step) * spent / (step - self._first) if step > self._first else math.inf
        return by_steps if self._minutes is None else min(by_steps, max(0.0, 60 * self._minutes - spent))


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
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
