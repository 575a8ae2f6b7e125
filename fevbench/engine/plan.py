"""What a run will do, decided before anything is computed: its metrics, and which are unavailable and why."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fevbench import weights
from fevbench.data.clip import Clip, Dataset, Split
from fevbench.data.protocol import Protocol
from fevbench.errors import FevbenchError, UnknownName
from fevbench.extractors.backends import REFERENCE, Backend, Precision
from fevbench.extractors.base import Extractor, extractors, sample_count
from fevbench.judge.files import missing
from fevbench.metrics.catalog import FAMILIES, Metric, metrics
from fevbench.models.found import FoundModel
from fevbench.records import Record
from fevbench.weights import LocalWeight, Progress
from fevbench.wording import n_subjects, quantity


class Settings(Record):
    """What determines the clips of a run folder; a command with the same settings continues the run."""

    model: str
    fingerprint: str
    """The sha256 of its code or its videos."""
    dataset: str
    dataset_version: str
    protocol: str
    split: Split
    limit: int | None
    """How many clips at most."""
    seed: int
    """The seed of generation."""
    device: str
    """The kind of device: clips of one run are all made on one kind."""
    allow_missing: bool
    """Whether clips made elsewhere may be missing."""

    @classmethod
    def of(
        cls,
        model: FoundModel,
        dataset: Dataset,
        protocol: Protocol,
        split: Split,
        limit: int | None,
        seed: int,
        device: str,
        allow_missing: bool,
    ) -> Settings:
        """The settings of a run of a model on a data set, on a torch device."""
        return cls(
            model=model.name,
            fingerprint=model.fingerprint,
            dataset=dataset.name,
            dataset_version=dataset.version,
            protocol=protocol.id,
            split=split,
            limit=limit,
            seed=seed,
            device=device.partition(":")[0],
            allow_missing=allow_missing,
        )


@dataclass(frozen=True)
class Evaluation:
    """Metrics on a data set under a protocol: what they need, and which are unavailable.

    Attributes:
        metrics: The metrics, as the protocol has them; ids contain the hash of the expression classifier that
            a metric uses.
        judge: The expression classifier of data set and protocol, if there is one.
        remakes_clips: Whether the model can make a clip again with other noise.
        clips: The scored clips; None while they are not known.
        backend: What runs the networks; the reference runs those that the backend must not run.
        precision: Whether products of large networks are rounded; the ids of their metrics say so.
    """

    metrics: tuple[Metric, ...]
    dataset: Dataset
    protocol: Protocol
    judge: LocalWeight | None = None
    remakes_clips: bool = False
    clips: tuple[Clip, ...] | None = None
    backend: Backend = REFERENCE
    precision: Precision = "exact"

    def __post_init__(self) -> None:
        sha256 = self.judge.sha256 if self.judge else None
        resolved = (
            metric.with_judge(sha256).for_protocol(self.protocol).at_precision(self.precision)
            for metric in self.metrics
        )
        object.__setattr__(self, "metrics", tuple(resolved))

    @property
    def extractors(self) -> tuple[Extractor, ...]:
        """The extractors of the available metrics, each once."""
        able = [metric for metric in self.metrics if not self.unavailable(metric)]
        names = dict.fromkeys(metric.computation.extractor for metric in able)
        return tuple(
            replace(extractor, dim=len(self.dataset.labels)) if extractor.of_dataset else extractor
            for extractor in (extractors.get(name).on(self.backend, self.precision) for name in names)
        )

    def ran_on(self, device: str) -> dict[str, dict[str, str]]:
        """Extractor to what it runs on; see `Extractor.runs_on`."""
        return {extractor.name: extractor.runs_on(device) for extractor in self.extractors}

    @property
    def noise_samples(self) -> int:
        """Noise samples per (face, label) that the available metrics need."""
        able = [metric for metric in self.metrics if not self.unavailable(metric)]
        return max((metric.sampling.noise_samples for metric in able), default=1)

    @property
    def weights(self) -> tuple[str, ...]:
        """The registered weights of the extractors, each once."""
        registered = [extractor for extractor in self.extractors if not extractor.of_dataset]
        return tuple(dict.fromkeys(name for extractor in registered for name in extractor.weights))

    def require(self, offline: bool = False, progress: Progress | None = None) -> dict[str, LocalWeight]:
        """Check that all weights are present, the expression classifier's included.

        Raises:
            WeightsError: One is missing and cannot be downloaded.
        """
        local = weights.require_all(self.weights, offline=offline, progress=progress)
        return {**local, self.judge.name: self.judge} if self.judge else local

    def unavailable(self, metric: Metric) -> str:
        """Why a metric is unavailable; empty if it is not."""
        if metric.uses_judge and self.judge is None:
            return missing(self.dataset, self.protocol)
        if metric.sampling.noise_samples > 1 and not self.remakes_clips:
            count = metric.sampling.noise_samples
            return f"compares {count} clips of each face and label, and there is one"
        classes = metric.computation.classes
        unknown = [label for label in self.dataset.labels if classes and label not in classes]
        if unknown:
            return f"its network does not know {', '.join(unknown)}"
        least = extractors.get(metric.computation.extractor).least_frames
        if self.protocol.frames < least:
            return f"clips of {self.protocol.frames} frames, needs at least {least}"
        return self._shortage(metric)

    def shortages(self) -> dict[str, list[str]]:
        """Metrics for which there are too few clips: reason to names."""
        found: dict[str, list[str]] = {}
        for metric in self.metrics:
            if (short := self._shortage(metric)) and short == self.unavailable(metric):
                found.setdefault(short, []).append(metric.name)
        return found

    def _shortage(self, metric: Metric) -> str:
        """What the clips have too little of for any model; empty if nothing, or if they are not known."""
        if self.clips is None:
            return ""
        samples = most_samples(metric, self.protocol.frames) if metric.kind == "set" else 1
        return shortage(metric, self.clips, [samples] * len(self.clips), self.dataset.labels)


@dataclass(frozen=True)
class Plan:
    """A planned run.

    Attributes:
        evaluation: What to compute, in the catalogue's order, on which data set, under which protocol.
        batch_size: Samples per call of a network; None for each extractor's default.
        any_backend: Whether an earlier result from another backend is accepted.
        plugin: The plug-in file, if any; it may define extractors.
    """

    settings: Settings
    model: FoundModel
    evaluation: Evaluation
    device: str
    batch_size: int | None
    out: Path
    any_backend: bool = True
    plugin: Path | None = None

    def with_clips(self, clips: Sequence[Clip]) -> Plan:
        """The plan with its scored clips, which may be too few for some metrics."""
        return replace(self, evaluation=replace(self.evaluation, clips=tuple(clips)))


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster: ``HOST:PORT``, or ``auto`` for that of this machine; None starts one on this machine."""

    address: str | None = None


def split_names(*entries: str) -> list[str]:
    """The names in texts with commas or spaces between them, each once."""
    return list(dict.fromkeys(re.findall(r"[^,\s]+", ",".join(entries))))


def choose_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names in the catalogue's order.

    The name of a family names its metrics, ``all`` names every metric, and an empty list the default ones;
    see `Metric.selected_by`.

    Raises:
        UnknownName: A name is neither a metric's nor a family's.
        FevbenchError: The texts hold no name.
    """
    wanted = set(split_names(*names))
    if names and not wanted:
        raise FevbenchError("--metrics is empty", "name metrics, or leave it out")
    known = tuple(dict.fromkeys((*metrics, *FAMILIES, "all")))
    for name in sorted(wanted.difference(known)):
        raise UnknownName("metric", name, known)
    every = [metrics.get(name) for name in metrics]
    if not wanted:
        return tuple(metric for metric in every if metric.selected_by == "default")
    return tuple(
        metric
        for metric in every
        if metric.name in wanted
        or (wanted & {metric.definition.family, "all"} and metric.selected_by != "name")
    )


def choose_device(name: str) -> str:
    """Resolve ``auto`` to a GPU if there is one.

    Raises:
        FevbenchError: The device does not exist here.
    """
    if name == "cpu" or (name == "auto" and not _has_gpu_driver()):
        return "cpu"  # without importing torch, which takes more than a second

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


def _has_gpu_driver() -> bool:
    """Whether torch could see a GPU: there is NVIDIA's driver library or AMD's device."""
    try:
        ctypes.CDLL("libcuda.so.1" if sys.platform == "linux" else "nvcuda")
    except OSError:
        return Path("/dev/kfd").exists()
    return True


def most_samples(metric: Metric, frames: int) -> int:
    """The most samples that a set metric takes of a clip with this many frames."""
    unit = extractors.get(metric.computation.extractor).unit
    if metric.computation.reduction or unit == "clip":
        return 1
    return sample_count(unit, frames) - metric.sampling.first_frame


def shortage(metric: Metric, clips: Sequence[Clip], samples: Sequence[int], labels: Sequence[str]) -> str:
    """What clips have too little of for a metric; empty if they suffice.

    ``samples`` are the numbers of samples that a set metric takes of each clip.
    """
    if metric.kind == "clip":
        return subject_shortage(metric, clips)
    needed, total = metric.sampling, sum(samples)
    if total < needed.least:
        return f"{quantity(total, needed.counts.removesuffix('s'))}, needs at least {needed.least}"
    counted = list(zip(clips, samples, strict=True))
    if few := subject_shortage(metric, [clip for clip, count in counted if count]):
        return few
    of_label = {name: sum(count for clip, count in counted if clip.label == name) for name in labels}
    least = needed.least_per_label
    short = [f"{count} of {name}" for name, count in of_label.items() if count < least]
    return f"{needed.counts}: {', '.join(short)}, needs at least {least} of each label" if short else ""


def subject_shortage(metric: Metric, clips: Sequence[Clip]) -> str:
    """That a metric needs clips of more subjects; empty if it does not."""
    count, least = len({clip.subject for clip in clips}), metric.sampling.least_subjects
    return "" if count >= least else f"{n_subjects(count)}, needs at least {least}"
