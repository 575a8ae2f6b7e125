"""Which of the runs that were named stand side by side, and what among them is stepped over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.errors import RunError
from fevbench.report.comparable import clip_differences
from fevbench.results.files import NoResult, read_result
from fevbench.results.schema import Result


@dataclass(frozen=True)
class Selection:
    """Runs that can stand side by side, unless they are of different data sets or definitions.

    Attributes:
        paths: Where they are.
        results: What they say.
        notes: What was stepped over, a line each.
    """

    paths: tuple[Path, ...]
    results: tuple[Result, ...]
    notes: tuple[str, ...]


def select(paths: Sequence[Path]) -> Selection:
    """Read runs, and step over trainings, unfinished runs, and runs of other clips than most have.

    Of samples that equally many runs have, the largest is kept, and of equal ones the first. Where no two
    runs have the same clips, only other sample sizes are stepped over: of runs of different data sets or
    protocols nobody could say which was meant, and comparing them is an error.

    Args:
        paths: Run folders, or results.

    Raises:
        RunError: One is broken or does not exist, or none is a finished run.
    """
    found: list[tuple[Path, Result]] = []
    unfinished: list[NoResult] = []
    for path in paths:
        try:
            found.append((path, read_result(path)))
        except NoResult as error:
            unfinished.append(error)
    if len(unfinished) == 1 and not found:
        raise unfinished[0]
    if not found:
        what = f"none of these {len(unfinished)} is a finished run ({unfinished[0].what})"
        raise RunError(what, "name finished runs")
    notes = [f"left out: {error.what}: {error.fix}" for error in unfinished]
    kept = _largest_group(found)
    first = kept[0][1]
    if len(kept) == 1 and not all(_setting(result) == _setting(first) for _, result in found):
        kept = found
    else:
        for path, result in found:
            notes += [f"left out: {path}: scored on {what}" for what in clip_differences(first, result)[:1]]
    return Selection(tuple(path for path, _ in kept), tuple(result for _, result in kept), tuple(notes))


def _largest_group(found: Sequence[tuple[Path, Result]]) -> list[tuple[Path, Result]]:
    groups: dict[tuple[str, ...], list[tuple[Path, Result]]] = {}
    for path, result in found:
        clips = (str(result.dataset.clips), result.dataset.digest)
        groups.setdefault((*_setting(result), *clips), []).append((path, result))
    return max(groups.values(), key=lambda group: (len(group), group[0][1].dataset.clips))


def _setting(result: Result) -> tuple[str, ...]:
    """What makes clips of different samples nevertheless of one kind."""
    data = result.dataset
    return data.name, data.version, data.split, result.protocol.id
