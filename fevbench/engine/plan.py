"""What a run will do, decided before anything is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fevbench.data.clip import Split
from fevbench.engine.needs import Needs
from fevbench.errors import FevbenchError, UnknownName
from fevbench.metrics.catalog import FAMILIES, Metric, metrics
from fevbench.models.found import FoundModel
from fevbench.records import Record


class Settings(Record):
    """What makes a run folder's clips what they are; the same settings continue the same run."""

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
        needs: What to compute, in the catalogue's order, on which data set, under which protocol.
        device: The torch device.
        batch_size: Samples a network sees at once; None for each extractor's default.
        out: The run folder.
    """

    settings: Settings
    model: FoundModel
    needs: Needs
    device: str
    batch_size: int | None
    out: Path


def split_names(*entries: str) -> list[str]:
    """The names in what users write with commas or blanks between, each once."""
    return list(dict.fromkeys(re.findall(r"[^,\s]+", ",".join(entries))))


def choose_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names in the catalogue's order.

    The name of a family names its metrics, ``all`` names every metric, and an empty list all but the optional
    ones. Those whose weights users must get themselves are named only by their own names.

    Raises:
        UnknownName: A name is neither a metric's nor a family's.
        FevbenchError: What was given names none.
    """
    wanted = set(split_names(*names))
    if names and not wanted:
        raise FevbenchError("--metrics names none", "leave it out, or name some")
    known = tuple(dict.fromkeys((*metrics, *FAMILIES, "all")))
    for name in sorted(wanted.difference(known)):
        raise UnknownName("metric", name, known)
    every = [metrics.get(name) for name in metrics]
    if not wanted:
        return tuple(metric for metric in every if not metric.optional)
    return tuple(
        metric
        for metric in every
        if metric.name in wanted or (wanted & {metric.family, "all"} and not metric.by_itself)
    )


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
