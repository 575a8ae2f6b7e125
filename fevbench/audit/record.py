"""What an audit found, as it is kept in ``audit.json``."""

from __future__ import annotations

from pathlib import Path

from fevbench.audit.scene import Kind
from fevbench.errors import FevbenchError
from fevbench.records import Finite, Record
from fevbench.results.schema import Environment, ProtocolRecord, WeightRecord


class Step(Record):
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
    lost: Finite
    """The share of frames in which a network that looks for faces found none; 0 where none looks for them."""


class Verdict(Record):
    """Whether a metric does what it declares."""

    metric: str
    damage: str
    must: str
    """``notice`` or ``ignore``."""
    kept: bool
    """Whether it does."""
    why: str
    """What was found."""


class Sample(Record):
    """The true clips one metric was audited on."""

    clips: int
    """How many."""
    subjects: int
    """How many people they show."""
    digest: str
    """The sha256 over their ids, people, labels and pixels."""


class DamageRecord(Record):
    """One damage, in words."""

    kind: Kind
    """What it is done to."""
    title: str
    """What it does."""
    steps: list[str]
    """Its five strengths."""


class Audit(Record):
    """A whole audit; metrics may have been audited one after the other, and on different numbers of clips."""

    dataset: str
    """The data set's name."""
    version: str
    """Its version."""
    protocol: ProtocolRecord
    ids: dict[str, str]
    """Metric name to its exact definition."""
    samples: dict[str, Sample]
    """Metric name to the clips it was audited on."""
    unscored: dict[str, str]
    """Metric name to why it could not be computed."""
    damages: dict[str, DamageRecord]
    steps: list[Step]
    verdicts: list[Verdict]
    weights: list[WeightRecord]
    environment: Environment


def read_audit(file: Path) -> Audit:
    """Read an audit.

    Raises:
        FevbenchError: It cannot be read, or is none of this version's.
    """
    try:
        return Audit.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FevbenchError(
            f"{file} cannot be read ({error.strerror})", "give an audit's audit.json"
        ) from error
    except ValueError as error:
        fix = "choose another --out, or delete it"
        raise FevbenchError(f"{file} is no audit of this version of fevbench", fix) from error


AUDIT_FILE = "audit.json"
"""What it is called in its folder."""
