"""Confusion matrices of a run and of the true clips."""

from __future__ import annotations

from dataclasses import dataclass

from fevbench.errors import RunError
from fevbench.report.confusion import NONE_READ, confusion_of
from fevbench.results.schema import Result
from leaderboard.site.board import shade_of_part

READER = "accuracy"
"""The metric whose readings are shown; every run has it."""


@dataclass(frozen=True)
class Matrix:
    """A confusion matrix: one row per requested label, cells with a count and a colour step."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    right: int
    total: int


def matrices_of(result: Result) -> tuple[tuple[Matrix, ...], str]:
    """The confusion matrices of the made and of the true clips; or none, with the reason."""
    try:
        confusion = confusion_of(result, READER)
    except RunError as error:
        return (), error.what
    none = bool(confusion.made[:, -1].any() or confusion.true[:, -1].any())
    columns = (*confusion.labels, *[NONE_READ] * none)
    found = []
    for title, counts in ((confusion.model, confusion.made), ("true clips", confusion.true)):
        rows = []
        for i, label in enumerate(confusion.labels):
            row = counts[i, : len(columns)].tolist()
            rows.append((label, tuple((n, shade_of_part(n / (sum(row) or 1))) for n in row)))
        found.append(Matrix(title, columns, tuple(rows), int(counts.diagonal().sum()), int(counts.sum())))
    return tuple(found), ""
