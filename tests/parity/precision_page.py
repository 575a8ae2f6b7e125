"""Measures our numbers beside other implementations' and writes ``docs/precision.md`` (`make precision`)."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import feature_comparisons
import network_comparisons
import numpy as np
import pixel_comparisons
from comparison import Comparison, Numbers

COMPARISONS: tuple[Comparison, ...] = (
    *pixel_comparisons.COMPARISONS,
    *feature_comparisons.COMPARISONS,
    *network_comparisons.COMPARISONS,
)
PAGE = Path(__file__).parents[2] / "docs" / "precision.md"
HEAD = """# Precision: our numbers beside other implementations'

For everybody who compares a number of fevbench with one from another package. After this page you know
how close the two are if their definitions agree, and why they differ if only the name is the same.

Every row is measured: the same inputs go into fevbench and into the other package, on one machine, in
one run of `make precision`, which writes this page. The same comparisons are tests (`tests/parity`, with
`pip install 'fevbench[parity]'`, and `pip install brisque`, which needs a compiler for libsvm and so is
not in that extra); each fails if the difference exceeds its bound.

* **Same definition.** In the first table of each section both sides have the same definition. Only
  rounding remains.
* **Same name, other definition.** In the second table only the name is the same. Such differences are
  why a published number says little without [its definition](metrics.md). Here the bound has a
  lower end too, so that the test also fails if the other package changes its definition.

How to read the columns:

* If a row has several numbers, their mean is shown, and the largest of their differences.
* A *relative* difference is divided by the largest number of the other package. An *absolute* one is in
  the unit of the metric.
* If another package would download a network that fevbench also uses, it gets our verified file.
* *The clip* is a FEVSynth test clip, 16 frames of 64 px, compared with a copy with noise that grows from 3 to
  30 grey levels (seed 0).
"""
COLUMNS = ("what", "of", "fevbench", "theirs", "whose", "difference", "bound", "why it is not 0")


@dataclass(frozen=True)
class Row:
    """A comparison and what was measured."""

    comparison: Comparison
    ours: Numbers
    theirs: Numbers

    def cells(self) -> list[str]:
        """As in the table."""
        c = self.comparison
        return [
            c.what,
            c.inputs,
            shown(self.ours),
            shown(self.theirs),
            f"{c.package} {importlib.metadata.version(c.package)}" if c.package else "published",
            f"{c.difference(self.ours, self.theirs):.1e}",
            bounds(c),
            c.why,
        ]


def bounds(comparison: Comparison) -> str:
    """The bound, and how it is meant."""
    how = "relative" if comparison.relative else "absolute"
    least = f"{comparison.least:g} to " if comparison.least else ""
    return f"{least}{comparison.bound:g} {how}" if comparison.bound else "equal bits"


def shown(numbers: Numbers) -> str:
    """The number, or the mean of several."""
    return f"{np.mean(np.asarray(numbers, np.float64)):.8g}"


def render(rows: Sequence[Row]) -> str:
    """The page."""
    parts = [HEAD]
    for kind in dict.fromkeys(row.comparison.kind for row in rows):
        parts.append(f"## {kind}\n")
        of_kind = [row for row in rows if row.comparison.kind == kind]
        for title, chosen in (
            ("", [row for row in of_kind if not row.comparison.least]),
            ("Same name, other definition:\n", [row for row in of_kind if row.comparison.least]),
        ):
            if chosen:
                lines = [COLUMNS, ["---", "---", "--:", "--:", "---", "--:", "---", "---"]]
                lines += [row.cells() for row in chosen]
                parts.append(title + "\n" * bool(title) + "".join(f"| {' | '.join(c)} |\n" for c in lines))
    python = f"{platform.python_implementation()} {platform.python_version()}"
    libraries = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "torch"))
    parts.append(f"Measured on {platform.machine()} with {python}, {libraries}, on the CPU.\n")
    return "\n".join(parts)


def main() -> None:
    """Measure everything and write the page."""
    rows = []
    for comparison in COMPARISONS:
        row = Row(comparison, comparison.ours(), comparison.theirs())
        rows.append(row)
        print(" | ".join(row.cells()), flush=True)
    PAGE.write_text(render(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
