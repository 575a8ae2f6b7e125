"""Does every metric notice what it must, and ignore what it must?

A metric *notices* a damage if, at full strength, it is worse than on true clips for sure (the lower bound of
the 95 % interval over people lies above 0), and gets worse as the damage grows (Spearman's correlation with
the strength, step 0 included, is at least 0.8). It *ignores* a damage if no strength changes it by more than
a fiftieth of the most it is changed by any damage; up to a twentieth, the change must be one for sure to
count against it (the interval leaves 0 out), for of fifty clips a single one read otherwise is a fiftieth.
Left without any value by a damage, it has noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import spearmanr

from fevbench.audit.record import Step, Verdict
from fevbench.audit.scene import STRENGTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.metrics.catalog import Metric

GROWS = 0.8
"""Least correlation of a metric with the strength of what it notices."""
NOTHING = 0.02
"""Largest part of a metric's greatest change that counts as none."""
LOST = 0.02
"""Share of frames without a face up to which faces count as found."""
LITTLE = 0.05
"""Largest part that counts as none if the interval holds 0."""


class Ladders:
    """An audit's steps, by metric and damage.

    Args:
        steps: All of them.
    """

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

    def ladder(self, metric: str, damage: str) -> list[Step]:
        """The six steps of a metric and a damage."""
        return [self._steps[metric, damage, strength] for strength in range(STRENGTHS + 1)]

    def most(self, metric: str) -> float:
        """The most a metric got worse by any damage; 0 if it noticed nothing."""
        return self._most[metric]

    def parts(self, strength: int = STRENGTHS) -> NDArray[np.float64]:
        """How much worse each metric got at a strength, as a part of what counts as much.

        That is the most it got worse by any damage that leaves the faces to be found: a lost face weighs so
        much that all else would look like nothing beside it.

        Returns:
            ``float64[metrics, damages]``; negative where it got better, above 1 where faces were lost,
            infinite where it has no value.
        """
        return np.array([[self._part(m, d, strength) for d in self.damages] for m in self.metrics])

    def _part(self, metric: str, damage: str, strength: int) -> float:
        return self.part(self._steps[metric, damage, strength])

    def part(self, step: Step) -> float:
        """The same of a single step."""
        most = self._most_found[step.metric] or self._most[step.metric]
        return float("inf") if step.worse is None else step.worse / most if most else 0.0


def judge(ladders: Ladders, metrics: Mapping[str, Metric]) -> list[Verdict]:
    """Hold every metric to what it declares, of the damages that were done."""
    verdicts = []
    for name in ladders.metrics:
        metric = metrics[name]
        for must, declared in (("notice", metric.audit.notices), ("ignore", metric.audit.ignores)):
            for damage in declared:
                if damage in ladders.damages:
                    steps = ladders.ladder(name, damage)
                    kept, why = _noticed(steps) if must == "notice" else _ignored(steps, ladders.most(name))
                    verdicts.append(Verdict(metric=name, damage=damage, must=must, kept=kept, why=why))
    return verdicts


def _noticed(steps: Sequence[Step]) -> tuple[bool, str]:
    last = steps[-1]
    if last.worse is None or last.low is None:
        return last.worse is None, "no value" if last.worse is None else "too few people for an interval"
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
