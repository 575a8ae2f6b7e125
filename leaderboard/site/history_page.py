"""What the board was before: its states, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.history import State
from leaderboard.site.tables import Table


@dataclass(frozen=True)
class Change:
    """A state of a table, and what made it.

    Attributes:
        date: When it was written down.
        table: The table as its pages are called.
        title: The table's title; empty if it is gone.
        home: The table's first page; empty if it is gone.
        state: What identifies the runs in it.
        now: Whether the table is in this state.
        added: Name, and page or nothing, of each model that came.
        removed: The same of each that went.
    """

    date: str
    table: str
    title: str
    home: str
    state: str
    now: bool
    added: tuple[tuple[str, str], ...]
    removed: tuple[tuple[str, str], ...]


def make_history(
    states: Sequence[State], tables: Sequence[Table], current: Mapping[str, str], pages: Mapping[str, str]
) -> tuple[Change, ...]:
    """The states that were written down, the newest first.

    Args:
        states: All of them, the newest last.
        tables: The tables there are.
        current: Table to its state now.
        pages: Model name to the slug of its page.
    """
    known = {table.slug: table for table in tables}
    last = {state.table: i for i, state in enumerate(states)}

    def named(runs: Sequence[str]) -> tuple[tuple[str, str], ...]:
        names = [run.partition(" ")[2] for run in runs]
        return tuple((name, pages.get(name, "")) for name in names)

    changes = []
    for i, state in enumerate(states):
        table = known.get(state.table)
        now = last[state.table] == i and current.get(state.table) == state.state
        where = (table.title, table.home) if table else ("", "")
        added, removed = named(state.added), named(state.removed)
        changes.append(Change(state.date, state.table, *where, state.state, now, added, removed))
    return tuple(reversed(changes))
