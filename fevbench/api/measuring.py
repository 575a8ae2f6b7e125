"""Measuring pairs of clips in memory: the only place where the API uses the engine's internals."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from fevbench.data.clip import EXPRESSIONS, Clip, Frames
from fevbench.data.datasets import RecordedDataset
from fevbench.data.protocol import Protocol
from fevbench.engine.extract import Extraction
from fevbench.engine.plan import Evaluation
from fevbench.engine.rows import Rows
from fevbench.engine.samples import HashedClip
from fevbench.engine.score import clip_set, unscored
from fevbench.engine.score import score as score_metric
from fevbench.engine.work import at_once
from fevbench.extractors.base import Network
from fevbench.global_state import fixed_global_state
from fevbench.metrics.metric import Metric
from fevbench.progress import Progress
from fevbench.results.schema import MetricResult
from fevbench.weights import LocalWeight

OF_MADE = frozenset({"acd", "brisque", "face-rate", "mesh-rate"})
"""Metrics that need only the made clip."""
OF_INPUT = frozenset({"csim", "csim-min", "csim-r50", "rank-1", "rank-1-r50", "acd-i", "mesh-jitter"})
"""Metrics that need only the made clip and the input image."""


@dataclass(frozen=True)
class ClipFacts:
    """The facts about clips that decide which metrics can be computed.

    Attributes:
        frames: Frames per clip.
        size: Height and width, pixels.
        truth: Whether there are true clips.
        input: Whether frame 0 of the true side is the input image.
        subjects: Whether the subject of each clip is known.
        labels: The labels, in order; empty if the requested expressions are unknown.
    """

    frames: int
    size: int
    truth: bool
    input: bool
    subjects: bool
    labels: tuple[str, ...]

    def unavailable_reason(self, metric: Metric) -> str:
        """Why a metric cannot be computed for any such clips; empty if it can."""
        if metric.uses_judge:
            return "needs the expression classifier of a data set; use fevbench run"
        needs_labels = "label" in metric.sampling.sample_info or metric.computation.accuracy
        if needs_labels and not self.labels:
            return "needs the requested expressions: give labels"
        if metric.sampling.least_subjects > 1 and not self.subjects:
            return "needs the subject of each clip: give subjects"
        if self.truth or metric.name in OF_MADE:
            return ""
        if metric.name in OF_INPUT:
            return "" if self.input else "needs the true clips, or the images that the clips were made from"
        return "needs the true clips"


def in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels, each once: the basic expressions in their order, others by name."""
    there = set(labels)
    basic = [label for label in EXPRESSIONS if label in there]
    return (*basic, *sorted(there.difference(basic)))


def evaluation_of(metrics: Sequence[Metric], known: ClipFacts, clips: Sequence[Clip] | None) -> Evaluation:
    """The metrics that can be computed, with what they need."""
    protocol = Protocol("as given", 1, known.size, known.frames, 1)
    able = tuple(metric for metric in metrics if not known.unavailable_reason(metric))
    chosen = None if clips is None else tuple(clips)
    return Evaluation(able, RecordedDataset(known.labels), protocol, clips=chosen)


@dataclass
class Networks:
    """The extractors of an evaluation, each loaded when it is first needed, until they are closed."""

    evaluation: Evaluation
    local: Mapping[str, LocalWeight]
    device: str
    batch_size: int | None
    cache: Path
    progress: Progress
    _open: dict[str, Extraction] = field(default_factory=dict)
    _loaded: dict[Hashable, Network] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def features(
        self, clips: Sequence[Clip], made: Callable[[Clip], Frames], true: Callable[[Clip], Frames]
    ) -> dict[str, dict[str, tuple[Rows, Rows]]]:
        """Extractor to clip id to the features of the made clip, and of the true one."""
        for extractor in self.evaluation.extractors:
            if extractor.name not in self._open:
                self._open[extractor.name] = self._stack.enter_context(
                    Extraction(
                        extractor,
                        self.local,
                        self.device,
                        self.batch_size,
                        self.cache,
                        self.progress.note,
                        self._loaded,
                    )
                )
        found: dict[str, dict[str, tuple[Rows, Rows]]] = {name: {} for name in self._open}
        self.progress.start("clips", len(clips))
        for some in at_once(clips, self.evaluation.protocol.frames):
            of_true = [HashedClip(true(clip)) for clip in some]
            of_made = [HashedClip(made(clip)) for clip in some]
            pairs = [*zip(of_made, of_true, strict=True), *zip(of_true, of_true, strict=True)]
            for extractor in self.evaluation.extractors:
                rows = self._open[extractor.name].of_pairs(pairs)
                both = zip(rows[: len(some)], rows[len(some) :], strict=True)
                found[extractor.name] |= {clip.id: pair for clip, pair in zip(some, both, strict=True)}
            self.progress.advance(len(some))
        return found

    def close(self) -> None:
        """Free the networks."""
        self._stack.close()
        self._open.clear()
        self._loaded.clear()


def values_of(
    metrics: Sequence[Metric],
    known: ClipFacts,
    clips: Sequence[Clip],
    features: Mapping[str, Mapping[str, tuple[Rows, Rows]]],
) -> dict[str, MetricResult]:
    """Metric name to its result: a value, or the reason for no value.

    Args:
        metrics: Which.
        known: What is known of the clips.
        clips: The clips.
        features: Extractor to clip id to its rows: of what was made, and of the true clip.
    """
    evaluation = evaluation_of(metrics, known, clips)
    sides = [clip_set(known.labels, known.frames, features, side) for side in (0, 1)]
    found: dict[str, MetricResult] = {}
    with fixed_global_state():
        for metric in metrics:
            reason = known.unavailable_reason(metric) or evaluation.unavailable(metric)
            value = unscored(metric, clips, reason) if reason else score_metric(metric, clips, *sides)
            # Without true clips there is no ceiling.
            found[metric.name] = value if known.truth else value.model_copy(update={"ceiling": None})
    return found
