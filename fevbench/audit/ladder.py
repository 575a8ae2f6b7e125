"""Measuring: every metric on true clips, damaged step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench import paths
from fevbench.audit.record import Step
from fevbench.audit.scene import STRENGTHS, Damage, scenes
from fevbench.engine.extract import Extraction
from fevbench.engine.score import ClipSet, measure, weak_classifier
from fevbench.report.pairs import compare_samples, sample_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus
    from fevbench.extractors.base import Extractor
    from fevbench.metrics.catalog import Metric
    from fevbench.progress import Progress
    from fevbench.results.schema import MetricResult
    from fevbench.weights import LocalWeight


@dataclass(frozen=True)
class Ladder:
    """What is measured on what.

    Attributes:
        corpus: The true clips.
        metrics: Those that can be computed here.
        extractors: The networks they need.
        local: Their weights.
        device: The torch device.
        batch_size: Samples a network sees at once; None for each extractor's default.
    """

    corpus: Corpus
    metrics: tuple[Metric, ...]
    extractors: tuple[Extractor, ...]
    local: Mapping[str, LocalWeight]
    device: str
    batch_size: int | None

    def climb(self, damages: Sequence[Damage], progress: Progress) -> tuple[list[Step], dict[str, str]]:
        """Damage every clip in every way and strength, and score it as a model's.

        Features are kept as those of runs are, so that an audit that was stopped goes on where it was.

        Returns:
            For each metric and damage the steps from 0, the true clips, to 5; and for each metric that has
            no value of the true clips, of which nothing can be said, the reason.
        """
        steps: list[Step] = []
        clips = self.corpus.clips
        with ExitStack() as stack:
            extractions = {
                e.name: stack.enter_context(self._extraction(e, progress.note)) for e in self.extractors
            }

            def side(frames: Callable[[Clip], Frames]) -> ClipSet:
                features = {
                    name: extraction.of_pairs(clips, frames, self.corpus.frames)
                    for name, extraction in extractions.items()
                }
                return ClipSet(frames, self.corpus.dataset.labels, features)

            progress.start("true clips", 1)
            true = side(self.corpus.frames)
            before = {metric.name: measure(metric, clips, true, true) for metric in self.metrics}
            progress.advance(1)
            absent = {name: found.reason for name, found in before.items() if found.value is None}
            absent |= {m.name: why for m in self.metrics if (why := weak_classifier(m, clips, true))}
            metrics = [metric for metric in self.metrics if metric.name not in absent]
            if not metrics:
                return [], absent
            for damage in damages:
                progress.start(damage.name, STRENGTHS)
                steps += [self._step(m, damage, 0, before[m.name], before[m.name], true) for m in metrics]
                for strength in range(1, STRENGTHS + 1):
                    damaged = {s.clip: damage.apply(s, strength) for s in scenes(self.corpus, damage.name)}
                    made = side(damaged.__getitem__)
                    for metric in metrics:
                        found = measure(metric, clips, made, true)
                        steps.append(self._step(metric, damage, strength, found, before[metric.name], made))
                    progress.advance(1)
        return steps, absent

    def _extraction(self, extractor: Extractor, note: Callable[[str], None]) -> Extraction:
        folder = paths.home() / "features"
        return Extraction(
            extractor, self.local, self.device, self.batch_size, folder, lambda count: None, note
        )

    def _step(
        self,
        metric: Metric,
        damage: Damage,
        strength: int,
        found: MetricResult,
        before: MetricResult,
        made: ClipSet,
    ) -> Step:
        """By how much the damage is worse than none, and between which bounds."""
        subjects = {clip.id: clip.subject for clip in self.corpus.clips}
        damaged, undamaged = sample_of(metric, damage.name, found), sample_of(metric, "true clips", before)
        pair = (undamaged, damaged) if metric.higher_is_better else (damaged, undamaged)
        test = compare_samples(metric, *pair, subjects)
        low, high = test.interval or (None, None)
        return Step(
            metric=metric.name,
            damage=damage.name,
            strength=strength,
            value=found.value,
            worse=test.difference,
            low=low,
            high=high,
            lost=max((_lost(made.features[name]) for name in metric.extractors), default=0.0),
        )


def _lost(features: Sequence[NDArray[np.floating[Any]]]) -> float:
    """The share of samples without features: frames in which no face was found."""
    return float(np.isnan(np.concatenate(features)).any(axis=1).mean())
