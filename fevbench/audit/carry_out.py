"""An audit from its plan to its record: every metric on true clips, damaged step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench import paths, weights
from fevbench.atomic import check_writable, write_text
from fevbench.audit.damages import Damage, damage_inputs
from fevbench.audit.record import (
    AUDIT_FILE,
    STRENGTHS,
    Audit,
    DamageRecord,
    Responses,
    Sample,
    Step,
    check_declarations,
    read_audit,
)
from fevbench.data.clip import Clip, Dataset, Frames
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import Protocol
from fevbench.engine.describe import protocol_record, weight_records
from fevbench.engine.extract import open_extractions
from fevbench.engine.plan import Evaluation
from fevbench.engine.samples import HashedClip
from fevbench.engine.score import ClipSet, measure, weak_classifier
from fevbench.errors import FevbenchError
from fevbench.extractors.backends import REFERENCE, Backend, Precision
from fevbench.extractors.base import extractors
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.progress import Progress
from fevbench.report.ranking import compare_samples, sample_of
from fevbench.results.provenance import environment

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Dataset, Frames
    from fevbench.data.protocol import Protocol
    from fevbench.extractors.base import Extractor
    from fevbench.metrics.catalog import Metric
    from fevbench.progress import Progress
    from fevbench.results.schema import MetricResult
    from fevbench.weights import LocalWeight


def audit(
    dataset: Dataset,
    protocol: Protocol,
    metrics: Sequence[Metric],
    damages: Sequence[Damage],
    limit: int,
    device: str,
    batch_size: int | None,
    out: Path,
    progress: Progress,
    offline: bool = False,
    pull: weights.Progress | None = None,
    backend: Backend = REFERENCE,
    precision: Precision = "exact",
) -> Audit:
    """Audit metrics on the test clips of a data set, and write ``audit.json``.

    Metrics of an earlier audit in the folder are kept.

    Raises:
        FevbenchError: An error that the user can fix.
    """
    check_writable(out / AUDIT_FILE)
    before = _earlier(out / AUDIT_FILE, dataset, protocol, damages)
    corpus = Corpus(dataset, protocol, "test", limit)
    if len({clip.subject for clip in corpus.pool}) < 2 or len({clip.label for clip in corpus.pool}) < 2:
        raise FevbenchError(
            f"{dataset.name} has too few subjects or labels to swap them", "audit on another data set"
        )
    evaluation = Evaluation(
        tuple(metrics),
        dataset,
        protocol,
        find_judge(dataset, protocol),
        clips=corpus.clips,
        backend=backend,
        precision=precision,
    )
    for extractor in evaluation.extractors:
        extractor.versions()
    local = evaluation.require(offline, pull)
    able = tuple(metric for metric in evaluation.metrics if not evaluation.unavailable(metric))
    scoring = DamageScoring(corpus, able, evaluation.extractors, local, device, batch_size)
    steps, absent = scoring.score(damages, progress)
    able = tuple(metric for metric in able if metric.name not in absent)
    subjects = len({clip.subject for clip in corpus.clips})
    sample = Sample(clips=len(corpus.clips), subjects=subjects, digest=corpus.digest())
    found = Audit(
        dataset=dataset.name,
        version=dataset.version,
        protocol=protocol_record(protocol),
        ids={metric.name: metric.id for metric in able},
        samples={metric.name: sample for metric in able},
        unscored={
            m.name: why
            for m in evaluation.metrics
            if (why := absent.get(m.name) or evaluation.unavailable(m))
        },
        damages={
            damage.name: DamageRecord(kind=damage.kind, title=damage.title, steps=list(damage.steps))
            for damage in damages
        },
        steps=steps,
        verdicts=check_declarations(Responses(steps), {metric.name: metric for metric in able}),
        weights=weight_records(local.values()),
        environment=environment(device, evaluation.ran_on(device)),
    )
    found = _joined(before, found)
    if not found.ids:
        raise FevbenchError(
            "no metric can be audited here: "
            + "; ".join(f"{name}: {why}" for name, why in found.unscored.items()),
            "choose other --metrics, or more clips with --limit",
        )
    write_text(out / AUDIT_FILE, found.model_dump_json() + "\n")
    return found


def _earlier(file: Path, dataset: Dataset, protocol: Protocol, damages: Sequence[Damage]) -> Audit | None:
    """The earlier audit in the folder, if there is one to which another can be added."""
    if not file.exists():
        return None
    before = read_audit(file)
    same = (before.dataset, before.version, before.protocol.id, tuple(before.damages))
    if same != (dataset.name, dataset.version, protocol.id, tuple(damage.name for damage in damages)):
        few = len(before.damages) < 6
        by = ", ".join(before.damages) if few else f"{len(before.damages)} damages"
        raise FevbenchError(
            f"{file} holds an audit of {before.dataset} {before.version} under {before.protocol.id} by {by}, "
            "which this audit is not",
            "choose another --out, or the same --damages",
        )
    return before


def _joined(before: Audit | None, after: Audit) -> Audit:
    """Both audits as one, metrics in the catalogue's order; the later one replaces equal metrics."""
    earlier = [] if before is None else [before]
    ids = {name: id_ for audit in earlier for name, id_ in audit.ids.items() if name not in after.ids}
    samples = {name: audit.samples[name] for audit in earlier for name in audit.ids}
    unscored = {name: why for audit in (*earlier, after) for name, why in audit.unscored.items()}
    place = {name: i for i, name in enumerate(catalog)}
    steps = [step for audit in earlier for step in audit.steps if step.metric in ids] + after.steps
    verdicts = [v for audit in earlier for v in audit.verdicts if v.metric in ids] + after.verdicts
    names = sorted({**ids, **after.ids}, key=place.__getitem__)
    weights = {record.name: record for audit in (*earlier, after) for record in audit.weights}
    return after.model_copy(
        update={
            "ids": {name: (ids | after.ids)[name] for name in names},
            "samples": {name: (samples | after.samples)[name] for name in names},
            "unscored": {name: why for name, why in unscored.items() if name not in names},
            "steps": sorted(steps, key=lambda step: place[step.metric]),
            "verdicts": sorted(verdicts, key=lambda verdict: place[verdict.metric]),
            "weights": list(weights.values()),
        }
    )


@dataclass(frozen=True)
class DamageScoring:
    """Scores damaged clips of a corpus in metrics that can be computed here."""

    corpus: Corpus
    metrics: tuple[Metric, ...]
    extractors: tuple[Extractor, ...]
    local: Mapping[str, LocalWeight]
    device: str
    batch_size: int | None

    def score(self, damages: Sequence[Damage], progress: Progress) -> tuple[list[Step], dict[str, str]]:
        """Damage every clip in every way and strength, and score it as a model's.

        Features are cached as in runs, so a stopped audit continues. Returns all steps, and the reason for
        each metric that has no value of the true clips.
        """
        steps: list[Step] = []
        clips = self.corpus.clips
        folder = paths.home() / "features"
        with open_extractions(
            self.extractors, self.local, self.device, self.batch_size, folder, progress.note
        ) as extractions:

            def side(frames: Callable[[Clip], Frames]) -> ClipSet:
                pairs = [(HashedClip(frames(clip)), HashedClip(self.corpus.frames(clip))) for clip in clips]
                features = {
                    name: {clip.id: rows for clip, rows in zip(clips, one.of_pairs(pairs), strict=True)}
                    for name, one in extractions.items()
                }
                return ClipSet(self.corpus.dataset.labels, self.corpus.protocol.frames, features)

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
                    damaged = {
                        s.clip: damage.apply(s, strength) for s in damage_inputs(self.corpus, damage.name)
                    }
                    made = side(damaged.__getitem__)
                    for metric in metrics:
                        found = measure(metric, clips, made, true)
                        steps.append(self._step(metric, damage, strength, found, before[metric.name], made))
                    progress.advance(1)
        return steps, absent

    def _step(
        self,
        metric: Metric,
        damage: Damage,
        strength: int,
        found: MetricResult,
        before: MetricResult,
        made: ClipSet,
    ) -> Step:
        """By how much a damage makes a metric worse, with an interval."""
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
            lost=_lost(metric, made),
        )


def _lost(metric: Metric, made: ClipSet) -> float:
    """The share of samples without features: frames in which no face was found."""
    extractor = extractors.get(metric.computation.extractor)
    if not extractor.weights:
        return 0.0
    rows = np.concatenate(list(made.features[extractor.name].values()))
    return float(np.isnan(rows).any(axis=1).mean())
