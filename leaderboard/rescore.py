"""Scoring a run's clips again from their pixels only, without using anyone's cache."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fevbench import weights
from fevbench.engine.execute import execute
from fevbench.engine.plan import Evaluation, Plan, Settings
from fevbench.errors import RunError
from fevbench.extractors.backends import choose_backend
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import metrics as catalog
from fevbench.models.videos import find_videos
from fevbench.progress import Progress
from fevbench.results.files import CLIPS_FOLDER
from fevbench.results.schema import Interval, MetricResult, Result
from leaderboard.check import alike, current_metrics
from leaderboard.ground_truth import GroundTruth
from leaderboard.layout import scored_clips


@dataclass(frozen=True)
class Disagreement:
    """A metric whose value in a result differs from that of its clips, in total or for single clips.

    ``clips`` holds the differing clips, the largest difference first, ``others`` other differences, in words.
    """

    metric: str
    said: float | None
    found: float | None
    clips: Mapping[str, tuple[float | None, float | None]]
    others: tuple[str, ...]


@dataclass(frozen=True)
class Rescoring:
    """How to score clips again; ``features`` is a cache folder filled only by this process."""

    device: str
    features: Path
    progress: Progress
    offline: bool = False
    pull: weights.Progress | None = None

    def rescore(self, folder: Path, result: Result, ground_truth: GroundTruth) -> Result:
        """Score the lossless clips of a run folder in every available metric with an unchanged definition.

        Raises:
            FevbenchError: They cannot be scored on this machine.
        """
        wanted = set(current_metrics(result)) - set(unscorable(result, ground_truth))
        if not wanted:
            raise RunError("none of its metrics can be scored here", "score it with this version")
        truth = ground_truth.of(result)
        dataset, protocol = truth.corpus.dataset, truth.protocol
        found = find_videos(folder / CLIPS_FOLDER, allow_missing=True)
        chosen = tuple(catalog.get(name) for name in catalog if name in wanted)
        data = result.dataset
        settings = Settings.of(
            found, dataset, protocol, data.split, data.limit, result.seed, self.device, allow_missing=True
        )
        backend = choose_backend("auto", self.device)
        evaluation = Evaluation(chosen, dataset, protocol, find_judge(dataset, protocol), backend=backend)
        with tempfile.TemporaryDirectory() as scratch:
            plan = Plan(settings, found, evaluation, self.device, None, Path(scratch) / "run")
            return execute(plan, self.progress, self.offline, self.pull, self.features)


def unscorable(result: Result, ground_truth: GroundTruth) -> dict[str, str]:
    """Metrics of a result that cannot be scored from its clips here, with the reasons.

    Raises:
        FevbenchError: The data set is not on this machine.
    """
    truth = ground_truth.of(result)
    dataset, protocol = truth.corpus.dataset, truth.protocol
    chosen = tuple(catalog.get(name) for name in current_metrics(result))
    scored = set(scored_clips(result))
    clips = tuple(clip for clip in truth.corpus.clips if clip.id in scored)
    evaluation = Evaluation(chosen, dataset, protocol, find_judge(dataset, protocol), clips=clips)
    return {
        metric.name: reason for metric in evaluation.metrics if (reason := evaluation.unavailable(metric))
    }


def disagreements(result: Result, again: Result) -> Iterator[Disagreement]:
    """Yield metrics in which a result and its clips, scored here, differ by more than two machines may."""
    for name in again.metrics:
        found = _disagreement(name, result.metrics[name], again.metrics[name])
        if found.clips or found.others or not alike(found.said, found.found):
            yield found


def _disagreement(name: str, said: MetricResult, found: MetricResult) -> Disagreement:
    both = {
        clip: (said.per_clip.get(clip), found.per_clip.get(clip)) for clip in said.per_clip | found.per_clip
    }
    parted = {clip: values for clip, values in both.items() if not alike(*values)}
    counts = ("id", "n", "missing", "excused", "subjects")
    others = [
        f"{what} {getattr(said, what)}, here {getattr(found, what)}"
        for what in counts
        if getattr(said, what) != getattr(found, what)
    ]
    if not alike(said.ceiling, found.ceiling):
        others.append(f"true clips {said.ceiling}, here {found.ceiling}")
    others += _other_statistics(said, found)
    clips = dict(sorted(parted.items(), key=lambda item: (-_gap(*item[1]), item[0])))
    return Disagreement(name, said.value, found.value, clips, tuple(others))


def _other_statistics(said: MetricResult, found: MetricResult) -> list[str]:
    """Other differences of a metric: intervals, replicates, values per label, readings."""
    parted = []
    if not _same_interval(said.interval, found.interval):
        parted.append("a different interval")
    same = len(said.replicates) == len(found.replicates)
    if not same or not all(map(alike, said.replicates, found.replicates)):
        parted.append("different replicates")
    labels = said.by_label | found.by_label
    if not all(alike(said.by_label.get(label), found.by_label.get(label)) for label in labels):
        parted.append("different values per label")
    if said.excused_clips != found.excused_clips:
        parted.append("different clips are left out")
    if said.readings or said.ceiling_readings:  # older results have no readings
        for what, one, other in (
            ("readings", said.readings, found.readings),
            ("readings of true clips", said.ceiling_readings, found.ceiling_readings),
        ):
            if wrong := sum(one.get(clip) != other.get(clip) for clip in one | other):
                parted.append(f"different {what} of {wrong} clips")
    return parted


def _same_interval(one: Interval | None, other: Interval | None) -> bool:
    if one is None or other is None:
        return one is other
    same = (one.level, one.method) == (other.level, other.method)
    return same and alike(one.low, other.low) and alike(one.high, other.high)


def _gap(one: float | None, other: float | None) -> float:
    return float("inf") if one is None or other is None else abs(one - other)


def same_clips(result: Result, again: Result) -> bool:
    """Whether the clips that were scored again are those of a result."""
    return (
        set(scored_clips(result)) == set(scored_clips(again))
        and result.dataset.digest == again.dataset.digest
        and (not result.clips or result.clips == again.clips)
    )
