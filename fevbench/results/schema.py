"""The result of a run: everything needed to read it, trust it and repeat it.

``schema_version`` increases when a field changes its meaning or is removed; `fevbench.results.files` converts
older results when they are read.

2: holds the subject and the label of every scored clip if they are known.
1: may lack them.
"""

from __future__ import annotations

from typing import Literal

from fevbench.records import Finite, Record

SCHEMA_VERSION: Literal[2] = 2


class Interval(Record):
    """A confidence interval."""

    low: Finite
    """Lower bound."""
    high: Finite
    """Upper bound."""
    level: Finite
    """Nominal coverage, for example 0.95."""
    method: str
    """How it was made."""


class MetricResult(Record):
    """One metric of one run."""

    id: str
    """The exact definition, for example ``csim-w600k_mbf-5pt@1``."""
    value: Finite | None
    """The number, or null when there is none."""
    reason: str = ""
    """Why there is no number."""
    higher_is_better: bool
    """The metric's direction."""
    unit: str = ""
    """The number's unit."""
    n: int
    """Number of samples of the value."""
    sample: Literal["clips", "frames"]
    """What a sample is: frames or clips."""
    subjects: int
    """Number of subjects of the samples."""
    missing: int = 0
    """Clips without a value that count against the model, at the metric's floor."""
    excused: int = 0
    """Number of clips left out because the true clip allows no value."""
    excused_clips: list[str] = []
    """Ids of these clips; also empty in older results."""
    interval: Interval | None = None
    """The interval over subjects; null if there are too few."""
    replicates: list[Finite] = []
    """For metrics of whole sets, the value without each group of subjects in turn; empty for others."""
    ceiling: Finite | None = None
    """The same metric of the true clips themselves."""
    per_clip: dict[str, Finite | None] = {}
    """Clip id to value; empty for metrics of whole sets."""
    by_label: dict[str, Finite] = {}
    """For metrics that are a mean over labels, the value of each label; empty for others."""
    readings: dict[str, str] = {}
    """For metrics that read a label, clip id to the read label; clips without a reading are absent."""
    ceiling_readings: dict[str, str] = {}
    """The same for the true clips."""


class ModelRecord(Record):
    """The scored model."""

    name: str
    """The name the user gave."""
    origin: str
    """Distribution and version, plug-in file, or folder."""
    fingerprint: str
    """The sha256 of its code or its videos."""
    control: bool
    """Whether it reads the true clips."""
    adapted: bool = False
    """Whether it differs from the publication: made to take a face and a label, or changed otherwise."""
    notes: list[str] = []
    """Notes for the reader, such as missing or resized clips."""


class DatasetRecord(Record):
    """The data set it was scored on."""

    name: str
    """The data set."""
    version: str
    """Its version."""
    split: Literal["train", "val", "test"]
    """Which subjects."""
    limit: int | None
    """Number of requested clips; null for all."""
    clips: int
    """Number of scored clips."""
    subjects: int
    """Number of their subjects."""
    digest: str
    """The sha256 over the scored clips' ids, subjects, labels and pixels."""
    subjects_of: dict[str, str] = {}
    """Scored clip to its subject, which tests need; empty if unknown."""
    labels: list[str] = []
    """The data set's labels, in its order; empty if unknown."""
    labels_of: dict[str, str] = {}
    """Scored clip to the requested label; empty if unknown."""


class ProtocolRecord(Record):
    """How clips were sampled."""

    id: str
    """Name and version."""
    size: int
    """Height and width in pixels."""
    frames: int
    """Frames per clip."""
    stride: int
    """Native frames between two sampled ones."""
    fps: Finite | None = None
    """Frames taken per second of a clip; null if every ``stride``-th native frame is taken."""
    scores_input: bool = True
    """Whether metrics of frames score frame 0, the input; true in older results without this field."""


class WeightRecord(Record):
    """A pretrained file that was used."""

    name: str
    """Its name in the weights registry."""
    sha256: str
    """The bytes that were used."""
    licence: str
    """Its licence."""


class Environment(Record):
    """Where it ran."""

    fevbench: str
    """Version of fevbench."""
    commit: str | None
    """Its git commit, with ``+dirty`` for local changes; null for an installed package."""
    python: str
    """Version of Python."""
    platform: str
    """Operating system and processor architecture."""
    device: str
    """The device of the networks."""
    threads: int
    """Threads that the model computes with."""
    packages: dict[str, str]
    """Versions of the distributions that can change a number."""
    ran_on: dict[str, dict[str, str]] = {}
    """Extractor to the runtimes that computed its features (torch, onnxruntime, openvino), each with the
    device or provider it used; empty in older results."""


class Stage(Record):
    """One stage of the work."""

    seconds: Finite
    """Wall time in the session that finished the run."""
    computed: int
    """Samples that were computed."""
    reused: int
    """Samples that were cached."""


class Result(Record):
    """A run's result."""

    schema_version: Literal[2] = SCHEMA_VERSION
    """Version of this schema."""
    created: str
    """UTC time of writing, ISO 8601."""
    seed: int
    """The seed of generation."""
    model: ModelRecord
    dataset: DatasetRecord
    protocol: ProtocolRecord
    metrics: dict[str, MetricResult]
    weights: list[WeightRecord]
    environment: Environment
    stages: dict[str, Stage]
    clips: dict[str, str] = {}
    """Scored clip to the sha256 of its shape and pixels as they were scored; empty in older results."""
    draws: dict[str, list[str]] = {}
    """For clips with noise samples, the same of each further noise sample."""


RESULT_FILE = "result.json"
"""File name of the result in a run folder."""
