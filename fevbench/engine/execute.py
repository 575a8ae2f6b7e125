"""Carrying out a plan. The run folder is the unit of resume: the same plan continues where it was."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import paths, weights
from fevbench.data.corpus import Corpus
from fevbench.data.video import content_digest
from fevbench.engine.describe import describe
from fevbench.engine.draws import Draws, are_there
from fevbench.engine.extract import Extraction, check_caches, sample_count
from fevbench.engine.folder import claim_folder, holds_run
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.late import LateReads
from fevbench.engine.plan import Plan
from fevbench.engine.score import Side, score, unscored
from fevbench.errors import RunError
from fevbench.global_state import known_state
from fevbench.metrics.catalog import metrics as catalog
from fevbench.models.built import BuiltModel, build
from fevbench.models.found import VIDEOS_PREFIX
from fevbench.models.workplace import OUTSIDE_FOLDER
from fevbench.progress import Progress, Silent
from fevbench.results.files import (
    CLIPS_FOLDER,
    NOISE_FOLDER,
    file_name,
    other_clips,
    read_result,
    write_result,
)
from fevbench.results.schema import RESULT_FILE, MetricResult, Result, Stage
from fevbench.version import VERSION

if TYPE_CHECKING:
    from fevbench.data.clip import Clip
    from fevbench.engine.score import Features
    from fevbench.extractors.base import Extractor
    from fevbench.metrics.catalog import Metric


def execute(
    plan: Plan,
    progress: Progress,
    offline: bool = False,
    pull: weights.Progress | None = None,
    features: Path | None = None,
    overwrite: bool = False,
) -> Result:
    """Carry out a plan and write ``result.json`` into its folder.

    Args:
        plan: What to do.
        progress: Hears what happens.
        offline: Never touch the network.
        pull: Hears how downloads proceed.
        features: The folder of the feature caches; by default the one in fevbench's own folder.
        overwrite: Start the run folder anew, whatever the settings of the run in it. What it holds is thrown
            away when all that can be known beforehand says that the new run will go through.

    Returns:
        The result; the earlier one, untouched, if everything asked for is in it already.

    Raises:
        FevbenchError: Something the user can fix; what was finished is kept.
    """
    corpus = Corpus(plan.needs.dataset, plan.needs.protocol, plan.settings.split, plan.settings.limit)
    plan = _on(plan, corpus.clips)
    built = None
    if plan.model.is_outside:
        _note_unseen(plan.model.unseen, progress)
    if not plan.model.whole:  # what it is made of, and so which run this is, shows when it is built
        if plan.model.networks:
            weights.require_all(plan.model.networks, offline=offline, progress=pull)
        built = build(plan.model, corpus, plan.device, progress)
        plan = _with_fingerprint(plan, built, progress)
    # Before anything is written: what is finished is told from a disk that is read-only, too.
    if not overwrite and holds_run(plan.out, plan.settings):
        for note in LateReads(plan.out).changed():
            progress.note(note)
        done, plan = _earlier(plan, corpus, progress)
        if done:
            return done
    with claim_folder(plan.out, plan.settings, overwrite) as claim:
        if claim.begun and not overwrite:  # another process may have finished it meanwhile
            done, plan = _earlier(plan, corpus, progress)
            if done:
                return done
        # A missing package or model must not cost a download, nor a missing weight the time of generation.
        for extractor in plan.needs.extractors:
            extractor.versions()
        own: dict[str, weights.LocalWeight] = {}
        if plan.model.networks:
            own = weights.require_all(plan.model.networks, offline=offline, progress=pull)
        built = built or build(plan.model, corpus, plan.device, progress)
        generated = GeneratedClips(
            built, corpus, plan.out / CLIPS_FOLDER, plan.settings.seed, plan.device, plan.out / OUTSIDE_FOLDER
        )
        plan = _on(plan, generated.clips)
        for reason, names in plan.needs.lacking().items():
            progress.note(f"no {', '.join(names)}: {reason}")
        local = {**own, **plan.needs.require(offline, pull)}
        cache = features or paths.home() / "features"
        check_caches(plan.needs.extractors, local, plan.device, cache, progress.note)
        if overwrite and claim.holds_work():
            _check_replaceable(plan, generated)
            claim.start_anew()
        late = LateReads(plan.out)
        try:
            return _Session(plan, corpus, generated, progress, local, cache).run()
        finally:
            late.keep(built, generated.reads, plan.needs.dataset)


def _check_replaceable(plan: Plan, generated: GeneratedClips) -> None:
    """See that what a folder holds may go: that it is not what is to be scored, and that the model works.

    Raises:
        FevbenchError: It may not; for one, the model fails on its first clip.
    """
    source = Path(plan.model.origin)
    if plan.model.name.startswith(VIDEOS_PREFIX) and source.resolve().is_relative_to(plan.out.resolve()):
        raise RunError(f"{source} lies in {plan.out}, which would be emptied", "choose another --out")
    with tempfile.TemporaryDirectory() as scratch:
        generated.again(0, generated.clips[:1], Path(scratch)).make_all(Silent())


def _earlier(plan: Plan, corpus: Corpus, progress: Progress) -> tuple[Result | None, Plan]:
    """The result that is in the folder if it answers the plan, and the plan with what it holds as well."""
    if not (plan.out / RESULT_FILE).exists():
        return None, plan
    before = read_result(plan.out, of_its_clips=False)
    plan = _with_earlier_metrics(plan, before)
    if not _is_complete(plan, corpus, before):
        return None, plan
    progress.note(f"nothing to do: {plan.out} is complete")
    return before, plan


def _on(plan: Plan, clips: Sequence[Clip]) -> Plan:
    """A plan that knows which clips it scores, and so what cannot be said of so few."""
    return replace(plan, needs=replace(plan.needs, clips=tuple(clips)))


def _with_fingerprint(plan: Plan, built: BuiltModel, progress: Progress) -> Plan:
    """The plan of a model of which is known what it is made of."""
    _note_unseen(built.unseen, progress)
    found = replace(plan.model, fingerprint=built.fingerprint)
    settings = plan.settings.model_copy(update={"fingerprint": built.fingerprint})
    return replace(plan, model=found, settings=settings)


def _note_unseen(unseen: Sequence[str], progress: Progress) -> None:
    for what in unseen:
        progress.note(
            f"note: it cannot be seen whether {what} changes: after a change, start anew with --overwrite"
        )


def _with_earlier_metrics(plan: Plan, before: Result) -> Plan:
    """Ask for what an earlier result holds as well, so that asking for less never loses a number."""
    names = {metric.name for metric in plan.needs.metrics} | set(before.metrics)
    metrics = tuple(catalog.get(name) for name in catalog if name in names)
    return replace(plan, needs=replace(plan.needs, metrics=metrics))


def _is_complete(plan: Plan, corpus: Corpus, result: Result) -> bool:
    """Whether a result answers the plan: same definitions, same weights, same code, its own clips in place.

    Weights that are not here are not asked for: nothing would be computed with them. A result of before
    readings or the clips' digests were kept is scored again, from its clips and cached features, so that they
    are there.
    """
    plan = _on(plan, [clip for clip in corpus.clips if clip.id in result.dataset.labels_of])
    ids = {name: metric.id for name, metric in result.metrics.items()}
    hashes = {record.name: record.sha256 for record in result.weights}
    local = {name: weight for name in plan.needs.weights if (weight := weights.locate(name))}
    made = sum((plan.out / CLIPS_FOLDER / file_name(clip)).exists() for clip in corpus.clips)
    return (
        all(ids.get(metric.name) == metric.id for metric in plan.needs.metrics)
        and all(hashes.get(name) == weight.sha256 for name, weight in local.items())
        and result.environment.fevbench == VERSION
        and made == result.dataset.clips == len(result.dataset.labels_of) == len(result.clips)
        and not any(other_clips(plan.out, result))
        and are_there(plan.out / NOISE_FOLDER, corpus.clips, plan.needs.draws)
        and all(_holds_readings(metric, result.metrics[metric.name]) for metric in plan.needs.metrics)
    )


def _holds_readings(metric: Metric, found: MetricResult) -> bool:
    """Whether what a metric reads was kept, if it reads anything; of the true clips, something is read."""
    reads = metric.kind == "clip" and (metric.judged or metric.reads)
    return not reads or found.value is None or bool(found.ceiling_readings)


class _Session:
    """One attempt at a plan."""

    def __init__(
        self,
        plan: Plan,
        corpus: Corpus,
        generated: GeneratedClips,
        progress: Progress,
        local: Mapping[str, weights.LocalWeight],
        cache: Path,
    ) -> None:
        self._plan = plan
        self._corpus = corpus
        self._generated = generated
        self._progress = progress
        self._local = local
        self._cache = cache
        self._stages: dict[str, Stage] = {}

    def run(self) -> Result:
        plan, corpus, generated = self._plan, self._corpus, self._generated
        with self._stage("decode") as count, known_state():
            digest = corpus.digest(generated.clips)
            count(len(generated.clips), 0)
        with self._stage("generate") as count:
            there = sum(generated.path(clip).exists() for clip in generated.clips)
            if there:
                self._progress.note(f"continuing: {there} of {len(generated.clips)} clips were made before")
            generated.make_all(self._progress)
            count(generated.made, len(generated.clips) - generated.made)
        draws = Draws(generated, plan.out / NOISE_FOLDER, plan.needs.draws)
        if plan.needs.draws > 1:
            with self._stage("draws") as count:
                count(*draws.make_all(self._progress))
        features = {extractor.name: self._extract(extractor, draws) for extractor in plan.needs.extractors}
        labels = plan.needs.dataset.labels
        made = Side(generated.frames, labels, {name: both[0] for name, both in features.items()})
        true = Side(corpus.frames, labels, {name: both[1] for name, both in features.items()})
        values: dict[str, MetricResult] = {}
        with self._stage("score") as count, known_state():
            self._progress.start("score", len(plan.needs.metrics))
            for metric in plan.needs.metrics:
                why_not = plan.needs.why_not(metric)
                clips = draws.clips if metric.draws > 1 else generated.clips
                values[metric.name] = (
                    unscored(metric, clips, why_not) if why_not else score(metric, clips, made, true)
                )
                self._progress.advance(1)
            count(len(values), 0)
        notes = [*generated.notes, *draws.notes]
        result = describe(plan, digest, generated.clips, notes, values, self._local.values(), self._stages)
        result = result.model_copy(
            update={
                "clips": {clip.id: content_digest(generated.frames(clip)) for clip in generated.clips},
                "draws": draws.digests() if plan.needs.draws > 1 else {},
            }
        )
        write_result(plan.out, result)
        return result

    def _extract(self, extractor: Extractor, draws: Draws) -> tuple[Features, Features]:
        """Features of the generated clips and of the true ones, by one extractor."""
        name, corpus, generated = extractor.name, self._corpus, self._generated
        clips, frames = generated.clips, corpus.protocol.frames
        of_draws = extractor.unit == "draws"
        samples = draws.samples(frames) if of_draws else 2 * len(clips) * sample_count(extractor.unit, frames)
        self._progress.start(name, samples)
        with (
            self._stage(name) as count,
            Extraction(
                extractor,
                self._local,
                self._plan.device,
                self._plan.batch_size,
                self._cache,
                self._progress.advance,
                self._progress.note,
            ) as extraction,
        ):
            if of_draws:
                made, true = draws.features(extraction)
            else:
                made = extraction.of_side(clips, generated.frames, corpus.frames)
                true = extraction.of_side(clips, corpus.frames, corpus.frames)
            count(extraction.computed, extraction.reused)
        return made, true

    @contextmanager
    def _stage(self, name: str) -> Iterator[Callable[[int, int], None]]:
        """Time a stage; the block reports how many samples it computed and reused."""
        start = time.perf_counter()
        counts = (0, 0)

        def count(computed: int, reused: int) -> None:
            nonlocal counts
            counts = (computed, reused)

        yield count
        seconds = round(time.perf_counter() - start, 3)
        self._stages[name] = Stage(seconds=seconds, computed=counts[0], reused=counts[1])
