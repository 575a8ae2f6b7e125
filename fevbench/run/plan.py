"""What a run will do, decided before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fevbench.data.clip import Dataset, Split
from fevbench.data.protocol import Protocol
from fevbench.errors import FevbenchError, UnknownName
from fevbench.extractors.base import Extractor, extractors
from fevbench.judge.files import missing
from fevbench.metrics.catalog import FAMILIES, Metric, metrics
from fevbench.models.found import FoundModel
from fevbench.weights import LocalWeight


class Settings(BaseModel):
    """What makes a run folder's clips what they are; the same settings continue the same run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    """The model's name."""
    fingerprint: str
    """The sha256 of its code or its videos."""
    dataset: str
    """The data set's name."""
    dataset_version: str
    """The data set's version."""
    protocol: str
    """The protocol's id."""
    split: Split
    """The scored split."""
    limit: int | None
    """How many clips at most."""
    seed: int
    """The seed of generation."""
    device: str
    """The kind of device: clips of one run are all made on one kind."""
    allow_missing: bool
    """Whether clips made elsewhere may be missing."""


@dataclass(frozen=True)
class Plan:
    """A run, decided.

    Attributes:
        settings: What identifies it.
        model: The model to score.
        dataset: The data set to score it on.
        protocol: How clips are sampled.
        metrics: What to compute, in the catalogue's order.
        device: The torch device.
        batch_size: Samples a network sees at once; None for each extractor's default.
        out: The run folder.
        judge: The judge of this data set under this protocol; None where there is none.
    """

    settings: Settings
    model: FoundModel
    dataset: Dataset
    protocol: Protocol
    metrics: tuple[Metric, ...]
    device: str
    batch_size: int | None
    out: Path
    judge: LocalWeight | None = None

    def __post_init__(self) -> None:
        sha256 = self.judge.sha256 if self.judge else None
        object.__setattr__(self, "metrics", tuple(metric.by_judge(sha256) for metric in self.metrics))

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
    def weights(self) -> tuple[str, ...]:
        """The union of the weights the extractors need from the registry."""
        registered = [extractor for extractor in self.extractors if not extractor.of_dataset]
        return tuple(dict.fromkeys(name for extractor in registered for name in extractor.weights))

    def why_not(self, metric: Metric) -> str:
        """Why a metric cannot be computed here; empty if it can."""
        if metric.judged and self.judge is None:
            return missing(self.dataset, self.protocol)
        unread = [label for label in self.dataset.labels if metric.reads and label not in metric.reads]
        if unread:
            return f"its network does not know {', '.join(unread)}"
        return ""


def choose_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names in the catalogue's order.

    The name of a family names all of its metrics, ``all`` names every metric, and an empty list all but the
    optional ones.

    Raises:
        UnknownName: A name is neither a metric's nor a family's.
    """
    wanted = {name for entry in names for name in re.split(r"[,\s]+", entry) if name}
    known = (*metrics, *FAMILIES, "all")
    for name in sorted(wanted.difference(known)):
        raise UnknownName("metric", name, known)
    every = [metrics.get(name) for name in metrics]
    if not wanted:
        return tuple(metric for metric in every if not metric.optional)
    return tuple(metric for metric in every if wanted & {metric.name, metric.family, "all"})


def choose_device(name: str) -> str:
    """Resolve ``auto`` to a GPU if there is one.

    Raises:
        FevbenchError: The device does not exist here.
    """
    import torch

    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise FevbenchError(f"{name!r} is not a device", "use auto, cpu, cuda or cuda:N") from error
    count = {"cpu": 1, "cuda": torch.cuda.device_count() if available else 0}.get(device.type, 0)
    if (device.index or 0) >= count:
        raise FevbenchError(f"device {name!r} is not available here", "use --device cpu")
    return name
