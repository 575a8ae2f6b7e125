"""Numbers from the literature: in a table only where all of the setting is the same, else beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fevbench.metrics.catalog import metrics as catalog
from leaderboard.published import Published
from leaderboard.site.board import Column, Shown
from leaderboard.site.tables import Table

NOT_OURS = "definition: not one of ours"


@dataclass(frozen=True)
class Reported:
    """A published number.

    Attributes:
        number: What was published.
        anchor: Its place on the page.
        beside: The tables and metrics of ours it can stand beside.
        why: In what it differs from the nearest of our metrics; empty where it can stand beside one.
    """

    number: Published
    anchor: str
    beside: tuple[tuple[str, str], ...]
    why: tuple[str, ...]


def place_published(published: Sequence[Published], tables: Sequence[Table]) -> tuple[Reported, ...]:
    """Find for every published number where it can stand, and if nowhere, why."""
    reported = []
    for i, number in enumerate(published):
        found: list[tuple[tuple[str, ...], str, str]] = []
        for table in tables:
            for name in table.comparison.columns:
                same_way = catalog.get(name).higher_is_better == number.higher_is_better
                differences = number.differences(table.first, name)
                if not same_way:
                    differences = ("direction: opposite", *differences)
                found.append((differences, table.slug, name))
        beside = tuple((slug, name) for differences, slug, name in found if not differences)
        nearest = min((differences for differences, _, _ in found), key=len, default=())
        # Which of our metrics is the nearest is chance: whose definition it is not says nothing.
        why = tuple(NOT_OURS if line.startswith("definition:") else line for line in nearest)
        reported.append(Reported(number, f"published-{i + 1}", beside, () if beside else why))
    return tuple(reported)


def published_cells(
    reported: Sequence[Reported], table: Table, columns: Sequence[Column]
) -> list[tuple[Reported, tuple[Shown, ...]]]:
    """The rows of a table that were published elsewhere, with their one number each."""
    rows = []
    for one in reported:
        metrics = {name for slug, name in one.beside if slug == table.slug}
        if metrics:
            shown = Shown(one.number.text, f"{one.number.value:.9g}")
            cells = tuple(shown if column.name in metrics else Shown("") for column in columns)
            rows.append((one, cells))
    return rows
