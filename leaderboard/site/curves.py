"""Learning curves: numbers of a model on val subjects against the clips that its training had seen."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.metrics.catalog import metrics as catalog
from fevbench.sanitise import one_line
from leaderboard.entries import Problem

CURVES_FILE = "curves.csv"
COLUMNS = ("model", "protocol", "clips", "metric", "value", "low", "high", "n")
"""The columns: model, protocol, number of clips seen in training, metric, its value with its 95 % interval
(both ends may be empty), number of val clips."""


@dataclass(frozen=True)
class Step:
    """One point of a curve.

    Attributes:
        clips: Number of clips seen in training.
        low: Its interval's lower end; None without one.
        high: The upper end.
        n: Number of val clips.
    """

    clips: int
    value: float
    low: float | None
    high: float | None
    n: int


Curve = tuple[Step, ...]


@dataclass(frozen=True)
class Curves:
    """The learning curves of a table's models: model to metric to steps, in the order of the clips seen."""

    file: Path
    steps: Mapping[str, Mapping[str, Curve]]

    def of(self, model: str) -> list[tuple[str, Curve]]:
        """A model's curves, in the catalogue's order; without those of a single point."""
        known = self.steps.get(model, {})
        return [(name, known[name]) for name in catalog if len(known.get(name, ())) > 1]


def read_curves(folders: Sequence[Path], protocol: str) -> tuple[Curves | None, list[Problem]]:
    """Read the curves nearest to a table's results; a faulty file is reported and not used.

    ``folders`` are searched in turn; curves of other protocols than the table's are ignored.
    """
    for folder in folders:
        file = folder / CURVES_FILE
        if not file.is_file():
            continue
        try:
            with file.open(encoding="utf-8", newline="") as opened:
                lines = list(_lines(opened))
            steps = _sorted(lines, protocol)
        except (OSError, ValueError, csv.Error) as error:
            return None, [Problem(file, one_line(f"holds no learning curves ({error})"))]
        return (Curves(file, steps) if steps else None), []
    return None, []


Line = tuple[str, str, str, Step]


def _lines(opened: Iterator[str]) -> Iterator[Line]:
    """Yield model, protocol, metric and step of each line; a `ValueError` names one that is invalid."""
    reader = csv.reader(opened)
    if tuple(next(reader, ())) != COLUMNS:
        raise ValueError(f"its first line is not {','.join(COLUMNS)}")
    for cells in reader:
        where = f"line {reader.line_num}"
        if len(cells) != len(COLUMNS):
            raise ValueError(f"{where}: {len(cells)} cells, not {len(COLUMNS)}")
        said = dict(zip(COLUMNS, cells, strict=True))
        if said["metric"] not in catalog:
            raise ValueError(f"{where}: no metric is called {said['metric']!r} here")
        try:
            low, high = (float(said[end]) if said[end] else None for end in ("low", "high"))
            step = Step(int(said["clips"]), float(said["value"]), low, high, int(said["n"]))
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        finite = all(number is None or math.isfinite(number) for number in (step.value, low, high))
        if not finite or step.clips < 0 or step.n < 1 or (low is None) != (high is None):
            raise ValueError(f"{where}: {','.join(cells)} are no numbers of a curve")
        yield said["model"], said["protocol"], said["metric"], step


def _sorted(lines: Sequence[Line], protocol: str) -> dict[str, dict[str, Curve]]:
    """Model to metric to steps; a `ValueError` if a point occurs twice."""
    found: dict[str, dict[str, dict[int, Step]]] = {}
    for model, of, metric, step in lines:
        if of != protocol:
            continue
        steps = found.setdefault(model, {}).setdefault(metric, {})
        if step.clips in steps:
            raise ValueError(f"{model} has {metric} twice after {step.clips} clips")
        steps[step.clips] = step
    return {
        model: {metric: tuple(steps[clips] for clips in sorted(steps)) for metric, steps in metrics.items()}
        for model, metrics in found.items()
    }
