"""What an audit found, as it is kept in ``audit.json``."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from fevbench.results.schema import DatasetRecord, Environment, Finite, ProtocolRecord, WeightRecord


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Record):
    """One metric on clips with one damage at one strength."""

    metric: str
    """Which metric."""
    damage: str
    """Which damage."""
    strength: int
    """From 0, the true clips, to 5."""
    value: Finite | None
    """The metric's value; null where no clip has one any more."""
    worse: Finite | None
    """By how much it is worse than that of the true clips, in the metric's unit; negative for better."""
    low: Finite | None
    """Lower bound of the 95 % interval of ``worse``, over people."""
    high: Finite | None
    """Its upper bound."""


class Verdict(_Record):
    """Whether a metric does what it declares."""

    metric: str
    damage: str
    must: str
    """``notice`` or ``ignore``."""
    kept: bool
    """Whether it does."""
    why: str
    """What was found."""


class Audit(_Record):
    """A whole audit."""

    dataset: DatasetRecord
    protocol: ProtocolRecord
    ids: dict[str, str]
    """Metric name to its exact definition."""
    unscored: dict[str, str]
    """Metric name to why it could not be computed."""
    damages: dict[str, list[str]]
    """Damage name to its five strengths in words."""
    steps: list[Step]
    verdicts: list[Verdict]
    weights: list[WeightRecord]
    environment: Environment


AUDIT_FILE = "audit.json"
"""What it is called in its folder."""
