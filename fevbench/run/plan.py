"""What a run will do, decided before anything is computed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from fevbench.atomic import write_text
from fevbench.data.clip import Dataset, Split
from fevbench.data.protocol import Protocol
from fevbench.errors import FevbenchError, RunError
from fevbench.extractors.base import Extractor, extractors
from fevbench.metrics.catalog import Metric, metrics
from fevbench.models.registry import FoundModel

SETTINGS_FILE = "run.json"


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
    """

    settings: Settings
    model: FoundModel
    dataset: Dataset
    protocol: Protocol
    metrics: tuple[Metric, ...]
    device: str
    batch_size: int | None
    out: Path

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """The union of the extractors the metrics need."""
        names = dict.fromkeys(name for metric in self.metrics for name in metric.extractors)
        return tuple(extractors.get(name) for name in names)

    @property
    def weights(self) -> tuple[str, ...]:
        """The union of the weights the extractors need."""
        return tuple(dict.fromkeys(name for extractor in self.extractors for name in extractor.weights))


def choose_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names in the catalogue's order; all of them for an empty list or ``all``.

    Raises:
        UnknownName: A name is not in the catalogue.
    """
    wanted = {name for entry in names for name in re.split(r"[,\s]+", entry) if name}
    if not wanted or "all" in wanted:
        wanted = set(metrics)
    for name in sorted(wanted):
        metrics.get(name)
    return tuple(metrics.get(name) for name in metrics if name in wanted)


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
        kind = torch.device(name).type
    except RuntimeError as error:
        raise FevbenchError(f"{name!r} is not a device", "use auto, cpu, cuda or cuda:N") from error
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not available):
        raise FevbenchError(f"device {name!r} is not available here", "use --device cpu")
    return name


def default_folder(settings: Settings) -> Path:
    """``runs/MODEL--DATASET--PROTOCOL--SPLIT--seedN``, with the limit if there is one."""
    protocol = settings.protocol.partition("@")[0]
    parts = [settings.model, settings.dataset, protocol, settings.split, f"seed{settings.seed}"]
    if settings.limit is not None:
        parts.append(f"limit{settings.limit}")
    return Path("runs") / "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)


def claim_folder(out: Path, settings: Settings) -> bool:
    """Make ``out`` this run's folder.

    Returns:
        Whether a run with these settings was begun here before.

    Raises:
        RunError: The folder holds another run, or something else, or cannot be written.
    """
    file = out / SETTINGS_FILE
    try:
        if file.exists():
            _check_same(file, settings)
            return True
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise RunError(f"{out} is not empty and holds no run", "choose another --out")
        write_text(file, settings.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{out} cannot be written ({error.strerror})", "choose another --out") from error
    if not os.access(out, os.W_OK):
        raise RunError(f"{out} cannot be written", "choose another --out")
    return False


def _check_same(file: Path, settings: Settings) -> None:
    try:
        before = Settings.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{file} is broken", "delete the folder or choose another --out") from error
    old, new = before.model_dump(), settings.model_dump()
    changed = [f"{key} {old[key]!r} → {new[key]!r}" for key in old if old[key] != new[key]]
    if changed:
        raise RunError(
            f"{file.parent} holds a run with other settings ({'; '.join(changed)})",
            "choose another --out, or start it anew with --overwrite",
        )
