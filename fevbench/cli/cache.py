"""``fevbench cache``: how much the feature caches hold, and a bound on it."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from fevbench import paths
from fevbench.cli import options
from fevbench.cli.output import say, say_json

if TYPE_CHECKING:
    from fevbench.cli.console import ProgressDisplay

SECONDS_BEFORE_BARS = 2.0
"""What is done sooner shows no progress."""
GIGABYTE = 1e9


@click.group(cls=options.GroupInOrder)
def group() -> None:
    """Show or reduce the size of the cached features that runs reuse."""


@group.command("info")
@options.output_format("table", "json")
def info_command(output_format: str) -> None:
    """Show how many features are stored for each extractor, and when they were last used.

    \b
    Example:
      fevbench cache info
    """
    from fevbench.extractors.cache_size import cache_files

    folder = paths.home() / "features"
    with _late_progress() as progress:
        files = cache_files(folder, progress)
    total = sum(file.bytes for file in files)
    if output_format == "json":
        rows = [
            {
                "extractor": file.extractor,
                "fingerprint": file.fingerprint,
                "entries": file.entries,
                "bytes": file.bytes,
                "last_used": _date(file.last_used),
                "damaged": file.days is None,
                "path": str(file.path),
            }
            for file in files
        ]
        say_json({"folder": str(folder), "bytes": total, "files": rows})
        return
    from rich.box import SIMPLE_HEAD
    from rich.filesize import decimal
    from rich.table import Table
    from rich.text import Text

    from fevbench.cli.console import print_text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("extractor", no_wrap=True)
    table.add_column("fingerprint", no_wrap=True)
    table.add_column("entries", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("last used", no_wrap=True)
    for file in files:
        entries = "damaged" if file.days is None else str(file.entries)
        name, version = Text(file.extractor), Text(file.fingerprint[:8])
        table.add_row(name, version, entries, decimal(file.bytes), _date(file.last_used))
    if files:
        print_text(table)
    say(f"{decimal(total)} in {folder}")


@group.command("prune")
@options.option(
    "--keep-gb", type=click.FloatRange(min=0), metavar="N", help="Remove until N GB (of 10^9 bytes) are left."
)
@options.option(
    "--older-than",
    type=options.NOT_NEGATIVE,
    metavar="DAYS",
    help="Remove features that were not used for more than DAYS days.",
)
@options.option("--dry-run", is_flag=True, help="Only show what would be removed.")
@click.pass_context
def prune_command(
    context: click.Context, keep_gb: float | None, older_than: int | None, dry_run: bool
) -> None:
    """Remove stored features, the least recently used first.

    Removed features are computed again when they are needed. Other runs may go on meanwhile.
    Damaged files are removed first.

    \b
    Example:
      fevbench cache prune --keep-gb 20
      fevbench cache prune --older-than 90 --dry-run
    """
    if keep_gb is None and older_than is None:
        context.fail("say how much: --keep-gb N, --older-than DAYS, or both")
    if keep_gb is not None and math.isnan(keep_gb):
        context.fail("--keep-gb is no number")
    from rich.filesize import decimal

    from fevbench.extractors.cache_size import cache_files, carry_out, plan

    folder = paths.home() / "features"
    freed = entries = 0
    with _late_progress() as progress:
        files = cache_files(folder, progress)
        removals = plan(files, None if keep_gb is None else keep_gb * GIGABYTE, older_than)
        for removal in removals if dry_run else carry_out(removals, progress):
            freed += removal.bytes
            entries += removal.entries
            file = removal.file
            what = "a damaged file" if file.days is None else f"{removal.entries} entries"
            # Before it is done, nobody knows to the byte.
            size = f"about {decimal(removal.bytes)}" if dry_run else decimal(removal.bytes)
            say(f"{_verb(dry_run)} {what} of {file.extractor} {file.fingerprint[:8]}: {size}")
    left = max(0, sum(file.bytes for file in files) - freed)
    say(f"{_verb(dry_run)} {entries} entries, {decimal(freed)}; {decimal(left)} in {folder}")


def _verb(dry_run: bool) -> str:
    return "would remove" if dry_run else "removed"


def _date(day: int) -> str:
    """A day, counted from 1970, as in ``2026-11-27``."""
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86_400))


class _LateProgress:
    """Progress that is shown only of what takes longer than `SECONDS_BEFORE_BARS`."""

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display
        self._began = time.monotonic()
        self._stage, self._total, self._done = "", 0, 0
        self._shown = False

    def start(self, stage: str, total: int) -> None:
        """Begin a stage."""
        self._stage, self._total, self._done, self._shown = stage, total, 0, False

    def advance(self, count: int) -> None:
        """Count so much more as done."""
        self._done += count
        if self._shown:
            self._display.advance(count)
        elif time.monotonic() - self._began > SECONDS_BEFORE_BARS:
            self._shown = True
            self._display.start(self._stage, self._total)
            self._display.advance(self._done)

    def note(self, text: str) -> None:
        """Show a line."""
        self._display.note(text)


@contextlib.contextmanager
def _late_progress() -> Iterator[_LateProgress]:
    from fevbench.cli.console import ProgressDisplay

    with ProgressDisplay() as display:
        yield _LateProgress(display)
