"""The data sets of tables, and how to make results on data sets that cannot be included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fevbench.data.layouts import layouts
from fevbench.data.layouts.layout import Layout
from leaderboard.site.slugs import Slugs
from leaderboard.site.tables import Table
from leaderboard.site.words import site_words

OWN, OWN_NAME = "folder", "lab"
"""The layout of your own clips, and the name of such a set in examples."""


@dataclass(frozen=True)
class DataSetPage:
    """The page of a data set that can be prepared.

    Attributes:
        commands: Commands to type, each with its purpose.
        tables: The existing tables of it.
    """

    layout: Layout
    slug: str
    commands: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]


def data_set_pages(tables: Sequence[Table]) -> tuple[DataSetPage, ...]:
    """A page for each data set that fevbench can prepare."""
    words: Mapping[str, Sequence[tuple[str, str]]] = site_words()["sets"]
    slugs = Slugs()
    pages = []
    for name in layouts:
        called = OWN_NAME if name == OWN else name
        source = f"{OWN}:{OWN_NAME}" if name == OWN else name
        commands = tuple((what, line.format(source=source, name=called)) for what, line in words["commands"])
        pages.append(DataSetPage(layouts.get(name), slugs.of(name), commands, tables_of(tables, name)))
    return tuple(pages)


def tables_of(tables: Sequence[Table], dataset: str) -> tuple[Table, ...]:
    """The tables of a data set."""
    return tuple(table for table in tables if table.first.dataset.name == dataset)
