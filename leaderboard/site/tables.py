"""Grouping results into tables: those of the same clips under the same definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fevbench.audit.record import AUDIT_FILE, Audit, read_audit
from fevbench.errors import FevbenchError
from fevbench.report.headline import mean_rank
from fevbench.report.rows import Comparison, Row, compare
from fevbench.results.schema import Result
from fevbench.sanitise import one_line
from leaderboard.entries import Entry, Problem
from leaderboard.site.about import About, about_of, read_about
from leaderboard.site.costs import Costs, read_costs
from leaderboard.site.curves import Curves, read_curves
from leaderboard.site.slugs import Slugs
from leaderboard.site.titles import Key, file_name, key_of, short_titles


@dataclass(frozen=True)
class Run:
    """One row of a table.

    Attributes:
        index: Its index in the comparison.
        slug: Its name as a file, within the table.
        about: Facts about its model besides the values.
        mean_rank: The mean of its ranks, each group of metrics counting once; infinite if it has none.
        place: Its row number among the models, from 1; 0 for controls.
    """

    index: int
    entry: Entry
    row: Row
    slug: str
    about: About
    mean_rank: float
    place: int = 0

    @property
    def result(self) -> Result:
        """The result of the run."""
        return self.entry.result


@dataclass(frozen=True)
class Table:
    """All runs of one data set, split, protocol and choice of clips.

    Attributes:
        slug: Its folder, and the name of its downloads.
        title: A short title, unique among all tables.
        comparison: The comparison of its runs, in the order of their files.
        runs: The same in the order they are shown: models, then controls.
        costs: The costs of the models; None if not measured.
        curves: The learning curves of the models; None if not measured.
        audit: How the metrics behave on damaged clips of this data set and protocol; None if unknown.
        home: Its first page, from the site's folder.
    """

    slug: str
    title: str
    comparison: Comparison
    runs: tuple[Run, ...]
    costs: Costs | None
    curves: Curves | None
    audit: Audit | None
    audit_file: Path | None
    home: str

    @property
    def first(self) -> Result:
        """Any of its results, for their common facts."""
        return self.runs[0].result

    @property
    def year(self) -> str:
        """The year of the newest result."""
        return max(run.result.created for run in self.runs)[:4]

    @property
    def models(self) -> tuple[Run, ...]:
        """The runs that compete."""
        return tuple(run for run in self.runs if not run.result.model.control)

    @property
    def ranked(self) -> tuple[str, ...]:
        """The metrics with ranks: in the others no two models differ significantly."""
        standings = self.comparison.rankings
        return tuple(name for name in self.comparison.columns if standings[name].ranks)

    def true_value(self, metric: str) -> float | None:
        """The true clips' value."""
        return self.comparison.rows[-1].cells[metric].value


@dataclass(frozen=True)
class Group:
    """The results of one table.

    Attributes:
        name: The file name of the table.
        entries: Its results with the same definitions of metrics.
        problems: The problems of the others.
        about: A result of all clips, if there is one, to name the table after.
    """

    name: str
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    about: Result


def groups_of(entries: Sequence[Entry]) -> list[Group]:
    """Sort results into tables, in the tables' order."""
    slugs = Slugs()
    groups: dict[Key, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(key_of(entry.result), []).append(entry)
    found = []
    for _, group in sorted(groups.items(), key=lambda item: item[0]):
        kept, odd = _same_definitions(group)
        about = min((entry.result for entry in kept), key=lambda result: result.dataset.limit or 0)
        found.append(Group(slugs.new(file_name(about)), tuple(kept), tuple(odd), about))
    return found


def make_tables(entries: Sequence[Entry], roots: Sequence[Path]) -> tuple[list[Table], list[Problem]]:
    """Sort results into tables; a result that fits in none affects no other.

    Nothing is read above the searched folders, ``roots``.
    """
    tables: list[Table] = []
    about: list[Result] = []
    problems: list[Problem] = []
    for group in groups_of(entries):
        kept = group.entries
        problems += group.problems
        try:
            comparison = compare([entry.result for entry in kept])
        except FevbenchError as error:
            problems.append(Problem(kept[0].file.parent, one_line(str(error))))
            continue
        folders = list(_folders(kept, roots))
        costs, wrong = read_costs(folders, kept[0].result.protocol.id)
        problems += wrong
        curves, wrong = read_curves(folders, kept[0].result.protocol.id)
        problems += wrong
        audit, audit_file, wrong = _audit(folders, kept[0].result)
        problems += wrong
        written, wrong = read_about(folders)
        problems += wrong
        runs = _ordered(comparison, kept, written)
        about.append(group.about)
        home = f"{group.name}/index.html" if tables else "index.html"
        tables.append(Table(group.name, "", comparison, runs, costs, curves, audit, audit_file, home))
    titles = short_titles(about)
    return [replace(table, title=title) for table, title in zip(tables, titles, strict=True)], problems


def _same_definitions(group: Sequence[Entry]) -> tuple[list[Entry], list[Problem]]:
    """Results whose metrics are defined as in most of the group, and the problems of the others."""
    common: dict[str, str] = {}
    for name in {name for entry in group for name in entry.result.metrics}:
        ids = Counter(m.id for entry in group if (m := entry.result.metrics.get(name)))
        common[name] = min(ids, key=lambda identifier: (-ids[identifier], identifier))
    kept, problems = [], []
    for entry in group:
        metrics = entry.result.metrics
        odd = [f"{name} is {m.id}, not {common[name]}" for name, m in metrics.items() if m.id != common[name]]
        if odd:
            problems.append(
                Problem(entry.file, one_line(f"its definition differs from most of its table: {odd[0]}"))
            )
        else:
            kept.append(entry)
    if not kept:  # each differs from most in something; then the definitions of the first are used
        kept, problems = [group[0]], problems[1:]
    return kept, problems


def _folders(entries: Sequence[Entry], roots: Sequence[Path]) -> Iterable[Path]:
    """The folders of the results and those above, nearest first, up to the searched folders."""
    tops = [root.resolve() for root in roots]
    seen: set[Path] = set()
    for entry in entries:
        for folder in entry.file.resolve().parents:
            if not any(folder == top or top in folder.parents for top in tops):
                break
            if folder not in seen:
                seen.add(folder)
                yield folder


def _audit(folders: Sequence[Path], result: Result) -> tuple[Audit | None, Path | None, list[Problem]]:
    problems = []
    for folder in folders:
        file = folder / AUDIT_FILE
        if file.is_file():
            try:
                audit = read_audit(file)
            except FevbenchError as error:
                problems.append(Problem(file, one_line(str(error).removeprefix(str(file)))))
                continue
            about = (audit.dataset, audit.version, audit.protocol.id)
            if about == (result.dataset.name, result.dataset.version, result.protocol.id):
                return audit, file, problems
    return None, None, problems


def _ordered(
    comparison: Comparison, entries: Sequence[Entry], written: Mapping[str, Mapping[str, Any]]
) -> tuple[Run, ...]:
    """Models by the mean of their ranks; then controls by name."""
    slugs = Slugs()
    rows = comparison.rows[: len(entries)]
    runs = [
        Run(
            i,
            entry,
            row,
            slugs.of(row.name),
            about_of(entry.result.model, written),
            mean_rank(comparison, i),
        )
        for i, (entry, row) in enumerate(zip(entries, rows, strict=True))
    ]

    def key(run: Run) -> tuple[bool, float, str]:
        control = run.result.model.control
        return control, 0.0 if control else run.mean_rank, run.row.name

    ordered = sorted(runs, key=key)
    return tuple(
        run if run.result.model.control else replace(run, place=place) for place, run in enumerate(ordered, 1)
    )
