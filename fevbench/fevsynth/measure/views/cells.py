"""How numbers, intervals and confusions are written in a table of eighty columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from fevbench.fevsynth.measure.classification import Agreement
from fevbench.fevsynth.measure.record import Estimate

LETTERS = 5
"""Of an answer in the head of a confusion: eight answers must fit."""


def estimate(found: Estimate, digits: int = 3, percent: bool = False, between: str = " ") -> str:
    """A value with its interval, or a dash.

    Args:
        found: The value.
        digits: After the point.
        percent: Whether to write a share as percent.
        between: What stands between value and interval, for example a new line.
    """
    value = plain(found.value, digits, percent)
    if found.value is None or found.interval is None:
        return value
    low, high = (plain(bound, digits, percent) for bound in (found.interval.low, found.interval.high))
    return f"{value}{between}[{low}, {high}]"


def plain(value: float | None, digits: int = 3, percent: bool = False) -> str:
    """A number, or a dash."""
    if value is None:
        return "–"
    return f"{100 * value:.{digits}f}" if percent else f"{value:.{digits}f}"


def rests_on(found: Estimate) -> str:
    """What a value rests on, or why there is none."""
    if found.value is None:
        return found.reason
    return f"{count(found.n)} {found.sample}"


def count(n: int) -> str:
    """A whole number in groups of three digits."""
    return f"{n:,}".replace(",", " ")


def table(title: str, words: Sequence[str], numbers: Sequence[str] = ()) -> Table:
    """A table with columns of words, then columns of numbers."""
    made = Table(title=Text(title, style="bold"), title_justify="left")
    for heading in words:
        made.add_column(heading, overflow="fold")
    for heading in numbers:
        made.add_column(heading, justify="right", overflow="fold")
    return made


def add(to: Table, *cells: str) -> None:
    """Add a row of plain text: names and reasons may hold what rich takes for markup."""
    to.add_row(*map(Text, cells))


def list_of(words: Sequence[str]) -> str:
    """Words in a row."""
    return ", ".join(words) or "none"


def confusion(title: str, found: Agreement) -> Table:
    """Rows are what is shown, columns what is answered; percent of a row."""
    columns = [answer[:LETTERS] for answer in found.answers]
    made = table(f"{title} (rows: shown; % of the row)", [""], [*columns, "N"])
    for label, row in zip(found.labels, found.confusion, strict=True):
        total = sum(row)
        shares = [f"{100 * part / total:.0f}" if part else "·" for part in row]
        add(made, label, *shares, str(total))
    return made
