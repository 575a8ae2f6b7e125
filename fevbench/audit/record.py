"""The results of an audit, as stored in ``audit.json``, and whether every metric's declarations hold.

A metric *notices* a damage if, at full strength, it is significantly worse than on true clips (the lower
bound of the 95 % interval over subjects is above 0), and gets worse as the damage grows (Spearman's
correlation with the strength, 0 included, is at least 0.8). A metric that has no value after a damage has
noticed it, too.

It *ignores* a damage if every strength changes it by at most 2 % of its largest change under any damage.
Changes of 2 to 5 % count only if they are significant (the interval excludes 0), because a single clip of
fifty that is recognised differently is already 2 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fevbench.errors import FevbenchError
from fevbench.metrics.catalog import Metric
from fevbench.records import Finite, Record
from fevbench.results.schema import Environment, ProtocolRecord, WeightRecord

STRENGTHS = 5
"""Strengths of every damage; strength 0 is the true clip."""
Kind = Literal["pixels", "time", "content"]
"""What a damage changes; content is the subject and the expression."""
AUDIT_FILE = "audit.json"
"""File name of an audit in its folder."""
GROWS = 0.8
"""Least correlation of a metric with the strength of what it notices."""
NOTHING = 0.02
"""Largest share of a metric's greatest change that counts as no change."""
LOST = 0.02
"""Largest share of frames without a face at which faces count as found."""
LITTLE = 0.05
"""Largest share that counts as no change if the interval contains 0."""


class Step(Record):
    """One metric on clips with one damage at one strength."""

    metric: str
    damage: str
    strength: int
    """From 0, the true clips, to 5."""
    value: Finite | None
    """The metric's value; null if no clip has one."""
    worse: Finite | None
    """How much worse it is than for the true clips, in the metric's unit; negative for better."""
    low: Finite | None
    """Lower bound of the 95 % interval of ``worse``, over subjects."""
    high: Finite | None
    """Its upper bound."""
    lost: Finite
    """The share of frames in which the metric's network found no face; 0 for other metrics."""


class Verdict(Record):
    """Whether a metric does what it declares."""

    metric: str
    damage: str
    must: str
    """``notice`` or ``ignore``."""
    kept: bool
    """Whether the declaration holds."""
    why: str
    """What was measured."""


class Sample(Record):
    """The true clips one metric was audited on."""

    clips: int
    """Number of clips."""
    subjects: int
    """Number of their subjects."""
    digest: str
    """The sha256 over their ids, subjects, labels and pixels."""


class DamageRecord(Record):
    """The description of one damage."""

    kind: Kind
    """What it changes."""
    title: str
    """What it does."""
    steps: list[str]
    """Its five strengths, in words."""


class Audit(Record):
    """A whole audit; metrics may have been audited one after the other, and on different numbers of clips."""

    dataset: str
    version: str
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
        FevbenchError: It cannot be read, or is not an audit of this version.
    """
    try:
        return Audit.model_validate_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FevbenchError(
            f"{file} cannot be read ({error.strerror})", "give an audit's audit.json"
        ) from error
    except ValueError as error:
        fix = "choose another --out, or delete it"
        raise FevbenchError(f"{file} is not an audit of this version of fevbench", fix) from error


class Responses:
    """An audit's steps, by metric and damage: how each metric responds to each damage."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = {(step.metric, step.damage, step.strength): step for step in steps}
        self.metrics = tuple(dict.fromkeys(metric for metric, _, _ in self._steps))
        self.damages = tuple(dict.fromkeys(damage for _, damage, _ in self._steps))
        self._most = dict.fromkeys(self.metrics, 0.0)
        self._most_found = dict.fromkeys(self.metrics, 0.0)
        for step in self._steps.values():
            worse = step.worse or 0.0
            self._most[step.metric] = max(self._most[step.metric], worse)
            if step.lost <= LOST:
                self._most_found[step.metric] = max(self._most_found[step.metric], worse)

    def steps(self, metric: str, damage: str) -> list[Step]:
        """The six steps of a metric and a damage."""
        return [self._steps[metric, damage, strength] for strength in range(STRENGTHS + 1)]

    def largest(self, metric: str) -> float:
        """The largest deterioration of a metric by any damage; 0 if it noticed nothing."""
        return self._most[metric]

    def relative_at(self, strength: int = STRENGTHS) -> NDArray[np.float64]:
        """How much worse each metric got at a strength, relative to its largest deterioration.

        That is the largest by any damage after which faces are still found: lost faces change metrics so much
        that all else would look like nothing. ``float64[metrics, damages]``: negative if the metric got
        better, above 1 if faces were lost, infinite if it has no value.
        """
        steps = [[self._steps[m, d, strength] for d in self.damages] for m in self.metrics]
        return np.array([[self.relative(step) for step in row] for row in steps])

    def relative(self, step: Step) -> float:
        """The same for a single step."""
        most = self._most_found[step.metric] or self._most[step.metric]
        return float("inf") if step.worse is None else step.worse / most if most else 0.0


def check_declarations(responses: Responses, metrics: Mapping[str, Metric]) -> list[Verdict]:
    """Check the declarations of every metric about the audited damages."""
    verdicts = []
    for name in responses.metrics:
        metric = metrics[name]
        for must, declared in (("notice", metric.audit.notices), ("ignore", metric.audit.ignores)):
            for damage in declared:
                if damage in responses.damages:
                    steps = responses.steps(name, damage)
                    kept, why = (
                        _noticed(steps) if must == "notice" else _ignored(steps, responses.largest(name))
                    )
                    verdicts.append(Verdict(metric=name, damage=damage, must=must, kept=kept, why=why))
    return verdicts


def _noticed(steps: Sequence[Step]) -> tuple[bool, str]:
    from scipy.stats import spearmanr  # slow to import, and not needed to read an audit

    last = steps[-1]
    if last.worse is None or last.low is None:
        return last.worse is None, "no value" if last.worse is None else "too few subjects for an interval"
    worse = [step.worse for step in steps if step.worse is not None]
    grows = float(spearmanr(range(len(worse)), worse).statistic) if np.ptp(worse) > 0 else 0.0
    why = f"worse by {last.worse:.4g} [{last.low:.4g}, {last.high:.4g}] at full strength, "
    why += f"correlation {grows:.2f}"
    return last.low > 0 and grows >= GROWS, why


def _ignored(steps: Sequence[Step], most: float) -> tuple[bool, str]:
    changed = [step for step in steps if step.worse is not None]
    if len(changed) < len(steps):
        return False, "no value"
    largest = max(abs(step.worse or 0.0) for step in changed)
    return all(_is_none(step, most) for step in changed), f"changed by {largest:.4g} at most, of {most:.4g}"


def _is_none(step: Step, most: float) -> bool:
    """Whether the change of a step counts as none."""
    change = abs(step.worse or 0.0)
    unsure = step.low is not None and step.high is not None and step.low <= 0 <= step.high
    return change <= NOTHING * most or (unsure and change <= LITTLE * most)
