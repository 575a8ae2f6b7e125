"""Measuring: every metric on true clips, damaged step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fevbench import paths
from fevbench.audit.record import Step
from fevbench.audit.scene import STRENGTHS, Damage, scenes
from fevbench.run.extract import Extraction, material
from fevbench.run.score import Side, counted_values, measure_clips, score
from fevbench.stats.bootstrap import subject_bootstrap
from fevbench.stats.jackknife import jackknife_interval

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus
    from fevbench.extractors.base import Extractor
    from fevbench.metrics.catalog import Metric
    from fevbench.run.progress import Progress
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

    def climb(self, damages: Sequence[Damage], progress: Progress) -> list[Step]:
        """Damage every clip in every way and strength, and score it as a model's.

        Features are kept as those of runs are, so that an audit that was stopped goes on where it was.

        Returns:
            For each metric and damage the steps from 0, the true clips, to 5.
        """
        steps: list[Step] = []
        clips = self.corpus.clips
        with ExitStack() as stack:
            extractions = {e.name: stack.enter_context(self._extraction(e)) for e in self.extractors}

            def side(frames: Mapping[str, Frames]) -> Side:
                features = {}
                for extractor in self.extractors:
                    loads = [partial(self._seen, extractor, frames, clip) for clip in clips]
                    features[extractor.name] = extractions[extractor.name].of_clips(loads)
                return Side(lambda clip: frames[clip.id], self.corpus.dataset.labels, features)

            progress.start("true clips", 1)
            true = side({clip.id: self.corpus.frames(clip) for clip in clips})
            before = {metric.name: self._found(metric, true, true) for metric in self.metrics}
            progress.advance(1)
            for damage in damages:
                progress.start(damage.name, STRENGTHS)
                steps += [self._step(m, damage, 0, before[m.name], before[m.name]) for m in self.metrics]
                for strength in range(1, STRENGTHS + 1):
                    scene = scenes(self.corpus, damage.name)
                    made = side({s.clip.id: damage.apply(s, strength) for s in scene})
                    for metric in self.metrics:
                        found = self._found(metric, made, true)
                        steps.append(self._step(metric, damage, strength, found, before[metric.name]))
                    progress.advance(1)
        return steps

    def _extraction(self, extractor: Extractor) -> Extraction:
        folder = paths.home() / "features"
        return Extraction(extractor, self.local, self.device, self.batch_size, folder, lambda count: None)

    def _seen(self, extractor: Extractor, frames: Mapping[str, Frames], clip: Clip) -> Frames:
        return material(extractor.unit, frames[clip.id], self.corpus.frames(clip))

    def _found(self, metric: Metric, made: Side, true: Side) -> _Found:
        if metric.kind == "set":
            result = score(metric, self.corpus.clips, made, true)
            return _Found(result.value, {}, result.replicates)
        values = counted_values(metric, measure_clips(metric, self.corpus.clips, made, true))
        return _Found(float(np.mean(list(values.values()))) if values else None, values, [])

    def _step(self, metric: Metric, damage: Damage, strength: int, found: _Found, before: _Found) -> Step:
        """By how much the damage is worse than none, and between which bounds."""
        worse, bounds = None, None
        sign = -1.0 if metric.higher_is_better else 1.0
        if found.value is not None and before.value is not None:
            worse = sign * (found.value - before.value)
            if metric.kind == "set":
                pairs = sign * np.subtract(found.replicates, before.replicates)
                bounds = jackknife_interval(worse, pairs.tolist())
            else:
                both = [clip for clip in self.corpus.clips if clip.id in found.values]
                pairs = np.array([sign * (found.values[c.id] - before.values[c.id]) for c in both])
                bounds = subject_bootstrap(pairs.tolist(), [clip.subject for clip in both])
        low, high = bounds or (None, None)
        return Step(
            metric=metric.name,
            damage=damage.name,
            strength=strength,
            value=found.value,
            worse=worse,
            low=low,
            high=high,
        )


@dataclass(frozen=True)
class _Found:
    """A metric's value, and what its uncertainty comes from."""

    value: float | None
    values: Mapping[str, float]
    replicates: Sequence[float]
