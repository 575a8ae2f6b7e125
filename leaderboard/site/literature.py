"""Numbers from the literature: in a table only if the whole setting is equal, else on a page of their own."""

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
        number: The published number.
        anchor: Its place on the page.
        beside: Our tables and metrics with which it can be compared.
        why: What differs from the nearest of our metrics; empty if it can be compared with one.
    """

    number: Published
    anchor: str
    beside: tuple[tuple[str, str], ...]
    why: tuple[str, ...]


def place_published(published: Sequence[Published], tables: Sequence[Table]) -> tuple[Reported, ...]:
    """Find for every published number the tables with which it can be compared, or why there are none."""
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
        # The nearest of our metrics is arbitrary, so its definition is not named as a difference.
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
