"""``fevbench.compare``: runs side by side, ranked by tests, as ``fevbench compare`` does it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench.api.results import load_result
from fevbench.api.shown import WIDTH, html_of, print_shown, to_pandas
from fevbench.errors import FevbenchError
from fevbench.report import rows
from fevbench.report.rows import bounds_of
from fevbench.results import schema

if TYPE_CHECKING:
    import pandas as pd


class Comparison:
    """Runs of the same clips under the same definitions.

    Args:
        table: What ``fevbench compare`` prints.
    """

    def __init__(self, table: rows.Comparison) -> None:
        self.table = table

    def to_frame(self) -> pd.DataFrame:
        """One row per model and metric: value, interval and rank; the true clips are a model, too.

        Raises:
            FevbenchError: pandas is not installed.
        """
        found = []
        for row in self.table.rows:
            for name, cell in row.cells.items():
                metric = row.result.metrics.get(name) if row.result else None
                interval = bounds_of(metric) if metric else None
                found.append(
                    {
                        "model": row.name,
                        "metric": name,
                        "value": cell.value,
                        "low": interval.low if interval else None,
                        "high": interval.high if interval else None,
                        "rank": cell.rank,
                    }
                )
        return to_pandas(found, "model")

    def show(self) -> None:
        """Print the table that ``fevbench compare`` prints."""
        from fevbench.report.terminal import comparison_table

        print_shown(comparison_table(self.table, WIDTH))

    def _repr_html_(self) -> str:
        from fevbench.report.terminal import comparison_table

        return html_of(comparison_table(self.table, WIDTH), {})


def compare(
    results: Sequence[schema.Result | str | Path], metrics: Sequence[str] | None = None
) -> Comparison:
    """Set runs side by side.

    Args:
        results: Results, or run folders.
        metrics: Only these; by default all there are.

    Raises:
        FevbenchError: There are none.
        RunError: They were not scored on the same clips under the same definitions, or one cannot be read.
    """
    if isinstance(results, str | Path | schema.Result):
        results = [results]
    if not results:
        raise FevbenchError("nothing is given to compare", "give results, or run folders")
    read = [one if isinstance(one, schema.Result) else load_result(one) for one in results]
    return Comparison(rows.compare(read, metrics))
