"""The states of a leaderboard: the content of each table, by hash, and the changes since the state before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.errors import RunError
from fevbench.records import Record, first_fault
from leaderboard.entries import Entry, load_entries
from leaderboard.site.tables import groups_of

HISTORY_FILE = "history.jsonl"
"""The history file in the folder of results: one line per state, the newest last."""
STATE_DIGITS = 12
RECORD = "fevbench leaderboard record"


class State(Record):
    """A state of a table.

    Attributes:
        date: The date of the entry, ``YYYY-MM-DD``.
        table: The file name of the table.
        state: The hash of the runs in it; see `state_of`.
        added: The runs added since the state before, each as its id, a space, and its model's name.
        removed: The runs removed since then.
    """

    date: str
    table: str
    state: str
    added: list[str] = []
    removed: list[str] = []

    @property
    def words(self) -> str:
        """The state and its changes, in one line."""
        done = {"added": self.added, "removed": self.removed}
        names = {what: ", ".join(run.partition(" ")[2] for run in runs) for what, runs in done.items()}
        return "; ".join([f"state {self.state}", *(f"{what} {who}" for what, who in names.items() if who)])


def state_of(ids: Iterable[str]) -> str:
    """The hash of a table's content: the first digits of the sha256 of its sorted run ids."""
    return hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest()[:STATE_DIGITS]


def read_history(results: Path) -> tuple[State, ...]:
    """The recorded states in order; none if there is no history.

    Raises:
        RunError: A line is not a state, or its hash does not follow from the lines.
    """
    return tuple(_replayed(results)[0])


def _replayed(results: Path) -> tuple[list[State], dict[str, set[str]]]:
    """The states, and the runs in each table after the last of them."""
    states: list[State] = []
    runs: dict[str, set[str]] = {}
    file = results / HISTORY_FILE
    if not file.is_file():
        return states, runs
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise RunError(f"{file} cannot be read ({error})", "take it from an earlier commit") from error
    for number, line in enumerate(lines, 1):
        fix = f"delete it and the lines below, then: {RECORD}"
        try:
            state = State.model_validate_json(line)
        except ValidationError as error:
            raise RunError(f"{file}: line {number} is not a state ({first_fault(error)})", fix) from error
        runs[state.table] = (runs.get(state.table, set()) - set(state.removed)) | set(state.added)
        if state.state != _state(runs[state.table]):
            raise RunError(f"{file}: line {number} does not follow from the lines above it", fix)
        states.append(state)
    return states, runs


def _state(runs: Iterable[str]) -> str:
    return state_of(run.partition(" ")[0] for run in runs)


def changes(results: Path, entries: Sequence[Entry]) -> list[State]:
    """The states of a folder's ``entries`` that are not recorded yet, dated today.

    Raises:
        RunError: The history is broken.
    """
    _, before = _replayed(results)
    now = {
        group.name: {f"{entry.id} {entry.result.model.name}" for entry in group.entries}
        for group in groups_of(entries)
    }
    date = today()
    found = []
    for table in sorted({*before, *now}):
        old, new = before.get(table, set()), now.get(table, set())
        if old != new:
            added, removed = _by_name(new - old), _by_name(old - new)
            found.append(State(date=date, table=table, state=_state(new), added=added, removed=removed))
    return found


def _by_name(runs: Iterable[str]) -> list[str]:
    return sorted(runs, key=lambda run: run.partition(" ")[::-1])


def entries_of(results: Path) -> tuple[Entry, ...]:
    """All results in a folder.

    Raises:
        RunError: One does not load, and would seem removed.
    """
    loaded = load_entries([results])
    if loaded.problems:
        raise RunError(str(loaded.problems[0]), "correct it or move it away, then repeat the command")
    return loaded.entries


def record(results: Path) -> list[State]:
    """Record the changes since the last states; nothing is written without changes.

    Raises:
        RunError: The history or a result is broken.
    """
    found = changes(results, entries_of(results))
    if found:
        file = results / HISTORY_FILE
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        write_text(file, before + "".join(f"{state.model_dump_json()}\n" for state in found))
    return found


def today() -> str:
    """Today's date in UTC."""
    return datetime.now(timezone.utc).date().isoformat()
