"""The history of the board: its states, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaderboard.history import State
from leaderboard.site.tables import Table


@dataclass(frozen=True)
class Change:
    """A state of a table, and its changes.

    Attributes:
        title: The table's title; empty if it is gone.
        home: The table's first page; empty if it is gone.
        now: Whether the table is in this state.
        added: Name, and page if any, of each added model.
        removed: The same for each removed model.
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
    """The recorded states (the newest last), the newest first.

    ``current`` is table to its state now, ``pages`` model name to the slug of its page.
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
