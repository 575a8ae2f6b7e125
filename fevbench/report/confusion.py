"""Confusion matrices: requested and recognised expressions of made and of true clips."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fevbench.atomic import replacing
from fevbench.errors import RunError
from fevbench.sanitise import LONGEST_NAME, escape_csv, one_line

if TYPE_CHECKING:
    from fevbench.results.schema import DatasetRecord, Result


NONE_READ = "none"
"""The last column: clips without a reading, such as those without a face."""


@dataclass(frozen=True)
class Confusion:
    """The confusion matrices of one run by one classifier, for made and true clips, ``int64[L, L + 1]``.

    A row is a requested label, a column a recognised one, with `NONE_READ` last.
    """

    model: str
    metric: str
    labels: tuple[str, ...]
    made: NDArray[np.int64]
    true: NDArray[np.int64]


def confusion_of(result: Result, metric: str) -> Confusion:
    """The confusion matrices of a run, by a metric that reads a label in every clip.

    Raises:
        RunError: The metric was not scored or reads no labels, or the result is from a version that did not
            store them.
    """
    found = result.metrics.get(metric)
    if found is None:
        raise RunError(f"{result.model.name} was not scored in {metric}", f"run it with --metrics {metric}")
    if found.value is None:
        raise RunError(f"{result.model.name} has no {metric} ({found.reason})", "choose another --metric")
    if not found.ceiling_readings:
        readers = [name for name, other in result.metrics.items() if other.ceiling_readings]
        fix = f"choose --metric {' or '.join(readers)}" if readers else "repeat the run with this version"
        raise RunError(f"{metric} of {result.model.name} holds no readings", fix)
    labels = result.dataset.labels
    strange = {*found.readings.values(), *found.ceiling_readings.values(), *result.dataset.labels_of.values()}
    if not strange <= set(labels) or NONE_READ in labels:
        raise RunError(
            f"{result.model.name} names labels that its data set does not have", "check it: it was changed"
        )
    counts = [_count(result.dataset, read) for read in (found.readings, found.ceiling_readings)]
    return Confusion(result.model.name, metric, tuple(result.dataset.labels), counts[0], counts[1])


def _count(dataset: DatasetRecord, readings: Mapping[str, str]) -> NDArray[np.int64]:
    counts = np.zeros((len(dataset.labels), len(dataset.labels) + 1), np.int64)
    columns = [*dataset.labels, NONE_READ]
    for clip, label in dataset.labels_of.items():
        counts[dataset.labels.index(label), columns.index(readings.get(clip, NONE_READ))] += 1
    return counts


def confusion_csv(confusions: list[Confusion]) -> str:
    """One line per model, requested and recognised label: numbers of made and of true clips."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("model", "metric", "asked", "read", "clips", "true_clips"))
    for confusion in confusions:
        for i, asked in enumerate(confusion.labels):
            for j, read in enumerate((*confusion.labels, NONE_READ)):
                counts = (confusion.made[i, j], confusion.true[i, j])
                words = (confusion.model, confusion.metric, asked, read)
                writer.writerow((*map(escape_csv, words), *map(int, counts)))
    return out.getvalue()


def confusion_json(confusions: list[Confusion]) -> str:
    """The matrices, with the names of their rows and columns."""
    content = [
        {
            "model": confusion.model,
            "metric": confusion.metric,
            "asked": list(confusion.labels),
            "read": [*confusion.labels, NONE_READ],
            "clips": confusion.made.tolist(),
            "true_clips": confusion.true.tolist(),
        }
        for confusion in confusions
    ]
    return json.dumps(content, indent=1) + "\n"


def draw_confusions(path: Path, confusions: list[Confusion]) -> None:
    """Draw one matrix per model, that of the true clips first: shares of requested labels, with counts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = confusions[0]
    shown = [("true clips", first.true), *[(confusion.model, confusion.made) for confusion in confusions]]
    none = any(matrix[:, -1].any() for _, matrix in shown)
    across = min(4, len(shown))
    down = -(-len(shown) // across)
    figure = Figure(figsize=(0.9 + 2.9 * across, 0.6 + 2.9 * down), layout="constrained")
    FigureCanvasAgg(figure)
    columns = [*first.labels, *[NONE_READ] * none]
    for i, (name, matrix) in enumerate(shown):
        axes = figure.add_subplot(down, across, i + 1)
        counts = matrix[:, : len(columns)]
        shares = counts / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_title(one_line(name, LONGEST_NAME), fontsize=10, parse_math=False)
        names = [one_line(column, LONGEST_NAME) for column in columns]
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=8, parse_math=False)
        axes.tick_params(length=0)
        outer = i % across == 0
        rows = names[: len(first.labels)] if outer else []
        axes.set_yticks(range(len(first.labels)), rows, fontsize=8, parse_math=False)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    figure.supxlabel(f"read ({first.metric})", fontsize=9)
    figure.supylabel("asked for", fontsize=9)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=130, bbox_inches="tight")
