"""What `fevbench.score` returns: a number or a reason for every metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fevbench.api.results import row_of
from fevbench.api.shown import html_of, print_shown, to_pandas
from fevbench.errors import UnknownName
from fevbench.records import Record
from fevbench.results.schema import MetricResult, ProtocolRecord
from fevbench.wording import n_clips

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType


class Scores(Record):
    """Values of clips that belong to no data set and no run."""

    clips: dict[str, str | None]
    """Every scored clip, made beside true: their names; null where there was no true clip."""
    matched: str
    """How made and true clips were matched: ``name`` or ``order``; empty where there are no true ones."""
    protocol: ProtocolRecord
    """Size and length of the scored clips, and the rule by which they were sampled, if any."""
    metrics: dict[str, MetricResult]
    """Metric name to what was measured: ``value``, or null and the ``reason``; ``interval``, ``n``, …"""
    notes: list[str] = []
    """Notes for the reader: how clips were matched and read, and which were left out."""

    def __getitem__(self, name: str) -> MetricResult:
        if name not in self.metrics:
            raise UnknownName("metric of these scores", name, self.metrics)
        return self.metrics[name]

    def to_frame(self) -> pd.DataFrame:
        """One row per metric, as a ``pandas.DataFrame``.

        Raises:
            FevbenchError: pandas is not installed.
        """
        return to_pandas([row_of(name, metric) for name, metric in self.metrics.items()], "metric")

    def table(self) -> RenderableType:
        """The table that ``fevbench score`` prints."""
        from fevbench.report.terminal import scores_table

        how = self.protocol
        title = f"{n_clips(len(self.clips))}: {how.frames} frames of {how.size} px, {how.id}"
        return scores_table(title, self.metrics, self.notes)

    def show(self) -> None:
        """Print it."""
        print_shown(self.table())

    def _repr_html_(self) -> str:
        return html_of(self.table(), {})
