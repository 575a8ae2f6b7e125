"""What metrics need on a data set: networks, their weights, and a judge; and which cannot be had."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.engine.least import lack, most_rows
from fevbench.extractors.base import Extractor, extractors
from fevbench.judge.files import missing

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Dataset
    from fevbench.data.protocol import Protocol
    from fevbench.metrics.catalog import Metric
    from fevbench.weights import LocalWeight, Progress


@dataclass(frozen=True)
class Needs:
    """Metrics on a data set under a protocol.

    Attributes:
        metrics: Which; with the judge's hash in the ids of those that ask it, and as the protocol has them.
        dataset: On what.
        protocol: How its clips are sampled.
        judge: The judge of both; None where there is none.
        redraws: Whether clips can be made again with other noise.
        clips: The clips that are scored; None while nobody knows.
    """

    metrics: tuple[Metric, ...]
    dataset: Dataset
    protocol: Protocol
    judge: LocalWeight | None = None
    redraws: bool = False
    clips: tuple[Clip, ...] | None = None

    def __post_init__(self) -> None:
        sha256 = self.judge.sha256 if self.judge else None
        resolved = (metric.by_judge(sha256).under(self.protocol) for metric in self.metrics)
        object.__setattr__(self, "metrics", tuple(resolved))

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """The union of the extractors the metrics need and can have."""
        able = [metric for metric in self.metrics if not self.why_not(metric)]
        names = dict.fromkeys(name for metric in able for name in metric.extractors)
        return tuple(
            replace(extractor, dim=len(self.dataset.labels)) if extractor.of_dataset else extractor
            for extractor in map(extractors.get, names)
        )

    @property
    def draws(self) -> int:
        """How many clips of each face and label the metrics that can be had compare at most."""
        return max((metric.draws for metric in self.metrics if not self.why_not(metric)), default=1)

    @property
    def weights(self) -> tuple[str, ...]:
        """The union of the weights the extractors need from the registry."""
        registered = [extractor for extractor in self.extractors if not extractor.of_dataset]
        return tuple(dict.fromkeys(name for extractor in registered for name in extractor.weights))

    def require(self, offline: bool = False, progress: Progress | None = None) -> dict[str, LocalWeight]:
        """See that all weights are here, the judge's included.

        Raises:
            WeightsError: One is not, and cannot be pulled.
        """
        local = weights.require_all(self.weights, offline=offline, progress=progress)
        return {**local, self.judge.name: self.judge} if self.judge else local

    def why_not(self, metric: Metric) -> str:
        """Why a metric cannot be computed here; empty if it can."""
        if metric.judged and self.judge is None:
            return missing(self.dataset, self.protocol)
        if metric.draws > 1 and not self.redraws:
            return f"compares {metric.draws} clips of each face and label, and there is one"
        unread = [label for label in self.dataset.labels if metric.reads and label not in metric.reads]
        if unread:
            return f"its network does not know {', '.join(unread)}"
        return self._lack(metric)

    def lacking(self) -> dict[str, list[str]]:
        """What the clips are too few for: the reason to the names of the metrics."""
        found: dict[str, list[str]] = {}
        for metric in self.metrics:
            if (why := self._lack(metric)) and why == self.why_not(metric):
                found.setdefault(why, []).append(metric.name)
        return found

    def _lack(self, metric: Metric) -> str:
        """What there is too little of, whatever is made; empty if nothing, or if nobody knows."""
        if self.clips is None:
            return ""
        rows = most_rows(metric, self.protocol.frames) if metric.kind == "set" else 1
        return lack(metric, self.clips, [rows] * len(self.clips), self.dataset.labels)
