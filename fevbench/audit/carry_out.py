"""An audit from its plan to its record: every metric on true clips, damaged step by step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from fevbench.data.corpus import Corpus
from fevbench.engine.describe import protocol_record, weight_records
from fevbench.engine.extract import open_extractions
from fevbench.engine.local import DEATHS, choose_jobs, own_device
from fevbench.engine.plan import Evaluation
from fevbench.engine.samples import HashedClip
from fevbench.engine.score import ClipSet, measure, weak_classifier
from fevbench.engine.work import at_once
from fevbench.errors import FevbenchError
from fevbench.extractors.backends import REFERENCE, Backend, Precision
from fevbench.extractors.base import extractors
from fevbench.judge.files import find_judge
from fevbench.metrics.catalog import metrics as catalog
from fevbench.models.apart import packed
from fevbench.models.registry import load_plugin
from fevbench.processes import work_with_opened
from fevbench.report.ranking import compare_samples, sample_of
from fevbench.results.provenance import commit, environment

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Dataset
    from fevbench.data.protocol import Protocol
    from fevbench.engine.rows import Rows
    from fevbench.extractors.base import Extractor
    from fevbench.metrics.catalog import Metric
    from fevbench.progress import Progress
    from fevbench.results.schema import MetricResult
    from fevbench.weights import LocalWeight

    Part = tuple[Damage | None, int, tuple[Clip, ...]]
    """A damage and its strength, None for the true clips as they are, and the clips."""
    Features = dict[str, dict[str, Rows]]
    """Extractor to clip id to the features of the damaged clip."""


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
    jobs: int | None = None,
    plugin: Path | None = None,
) -> Audit:
    """Audit metrics on the test clips of a data set, and write ``audit.json``.

    Metrics of an earlier audit in the folder are kept.

    Raises:
        FevbenchError: An error that the user can fix.
    """
    check_writable(out / AUDIT_FILE)
    commit()  # remembered: the checkout may change while the audit goes on
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
    clips = len(corpus.clips) * (1 + STRENGTHS * len(damages))
    count = choose_jobs(jobs, clips, corpus.protocol, device, local)
    job = AuditJob(corpus, evaluation.extractors, local, device, batch_size, plugin)
    steps, absent = DamageScoring(job, able, count).score(damages, progress)
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
class AuditJob:
    """What a worker needs to know about an audit.

    Attributes:
        corpus: The true clips.
        extractors: The networks and pixel measures of the metrics.
        weights: Their verified weights, by name.
        device: The torch device.
        batch_size: Samples per batch; None for each extractor's default.
        plugin: The plug-in file that the user named.
    """

    corpus: Corpus
    extractors: tuple[Extractor, ...]
    weights: Mapping[str, LocalWeight]
    device: str
    batch_size: int | None
    plugin: Path | None

    @contextlib.contextmanager
    def open(self, note: Callable[[str], None] | None = None) -> Iterator[Callable[[Part], Features]]:
        """Open the caches and networks for the block; gives the function that does a part.

        Features are cached as in runs, so a stopped audit continues.
        """
        args = self.extractors, self.weights, self.device, self.batch_size, paths.home() / "features", note
        with open_extractions(*args) as extractions:

            def do(part: Part) -> Features:
                damage, strength, clips = part
                if damage is None:
                    made = {clip: self.corpus.frames(clip) for clip in clips}
                else:
                    inputs = damage_inputs(self.corpus, damage.name, clips)
                    made = {given.clip: damage.apply(given, strength) for given in inputs}
                pairs = [(HashedClip(made[clip]), HashedClip(self.corpus.frames(clip))) for clip in clips]
                found: Features = {}
                for name, extraction in extractions.items():
                    rows = extraction.of_pairs(pairs)
                    found[name] = {clip.id: own for clip, own in zip(clips, rows, strict=True)}
                    extraction.flush()
                return found

            yield do


@contextlib.contextmanager
def _opened(job: AuditJob) -> Iterator[Callable[[Part], Features]]:
    """In a worker's process: the function that does a part."""
    if job.plugin:
        load_plugin(job.plugin)
    with replace(job, device=own_device(job.device)).open() as do:
        yield do


@dataclass(frozen=True)
class DamageScoring:
    """Scores damaged clips of a corpus in metrics that can be computed here, by one or more workers."""

    job: AuditJob
    metrics: tuple[Metric, ...]
    workers: int

    def score(self, damages: Sequence[Damage], progress: Progress) -> tuple[list[Step], dict[str, str]]:
        """Damage every clip in every way and strength, and score it as a model's.

        Returns all steps, and the reason for each metric that has no value of the true clips.
        """
        if not self.metrics:
            return [], {}
        clips = self.job.corpus.clips
        with self.job.open(progress.note) as do:
            progress.start("true clips", len(clips))
            sets: list[ClipSet] = []
            self._extract(do, [(None, 0)], progress, lambda _damage, _strength, made: sets.append(made))
            (true,) = sets
            before = {metric.name: measure(metric, clips, true, true) for metric in self.metrics}
            absent = {name: found.reason for name, found in before.items() if found.value is None}
            absent |= {m.name: why for m in self.metrics if (why := weak_classifier(m, clips, true))}
            metrics = [metric for metric in self.metrics if metric.name not in absent]
            if not metrics:
                return [], absent
            steps: dict[tuple[str, int], list[Step]] = {}

            def done(damage: Damage | None, strength: int, made: ClipSet) -> None:
                assert damage
                steps[damage.name, strength] = [
                    self._step(m, damage, strength, measure(m, clips, made, true), before[m.name], made)
                    for m in metrics
                ]

            for damage in damages:
                steps[damage.name, 0] = [
                    self._step(m, damage, 0, before[m.name], before[m.name], true) for m in metrics
                ]
            todo = [(damage, strength) for damage in damages for strength in range(1, STRENGTHS + 1)]
            progress.start("damaged clips", len(todo) * len(clips))
            self._extract(do, todo, progress, done)
        order = [(damage.name, strength) for damage in damages for strength in range(STRENGTHS + 1)]
        return [step for key in order for step in steps[key]], absent

    def _extract(
        self,
        do: Callable[[Part], Features],
        todo: Sequence[tuple[Damage | None, int]],
        progress: Progress,
        done: Callable[[Damage | None, int, ClipSet], None],
    ) -> None:
        """Extract features; calls ``done`` for each damage and strength of which all clips are done."""
        corpus = self.job.corpus
        gathered: dict[tuple[str, int], Features] = {}

        def add(part: Part, came: Features) -> None:
            damage, strength, clips = part
            progress.advance(len(clips))
            key = (damage.name if damage else "", strength)
            mine = gathered.setdefault(key, {extractor.name: {} for extractor in self.job.extractors})
            for name, rows in came.items():
                mine[name] |= rows
            if all(len(rows) == len(corpus.clips) for rows in mine.values()):
                done(
                    damage,
                    strength,
                    ClipSet(corpus.dataset.labels, corpus.protocol.frames, gathered.pop(key)),
                )

        lists = at_once(corpus.clips, corpus.protocol.frames)
        parts: list[Part] = [(*one, tuple(clips)) for one in todo for clips in lists]
        if self.workers == 1:
            for part in parts:
                add(part, do(part))
            return
        name, fix = f"data set {corpus.dataset.name} or a damage", "repeat the command with --jobs 1"
        work_with_opened(_opened, packed(self.job, name, fix), [parts], self.workers, add, DEATHS)

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
        subjects = {clip.id: clip.subject for clip in self.job.corpus.clips}
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
