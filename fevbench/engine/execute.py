"""Carrying out a plan. The run folder is the unit of resume: the same plan continues where it was."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import paths, weights
from fevbench.data.corpus import Corpus
from fevbench.data.video import content_digest
from fevbench.engine.describe import describe
from fevbench.engine.extract import Extraction, check_caches
from fevbench.engine.folder import Claim, LateReads, earlier_result, holds_run
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.noise import NoiseSamples
from fevbench.engine.plan import Plan
from fevbench.engine.score import ClipSet, score, unscored
from fevbench.errors import RunError
from fevbench.extractors.base import sample_count
from fevbench.global_state import fixed_global_state
from fevbench.models.built import BuiltModel, build
from fevbench.models.found import VIDEOS_PREFIX
from fevbench.models.program_folder import OUTSIDE_FOLDER
from fevbench.progress import Progress, Silent
from fevbench.results.files import CLIPS_FOLDER, NOISE_FOLDER, write_result
from fevbench.results.schema import MetricResult, Result, Stage

if TYPE_CHECKING:
    from fevbench.engine.score import Features
    from fevbench.extractors.base import Extractor


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
    evaluation, settings = plan.evaluation, plan.settings
    corpus = Corpus(evaluation.dataset, evaluation.protocol, settings.split, settings.limit)
    plan = plan.with_clips(corpus.clips)
    built = None
    if plan.model.is_outside:
        _note_untracked(plan.model.untracked, progress)
    if (
        not plan.model.fingerprint_is_complete
    ):  # what it is made of, and so which run this is, shows when it is built
        if plan.model.networks:
            weights.require_all(plan.model.networks, offline=offline, progress=pull)
        built = build(plan.model, corpus, plan.device, progress)
        plan = _with_fingerprint(plan, built, progress)
    # Before anything is written: what is finished is told from a disk that is read-only, too.
    if not overwrite and holds_run(plan.out, plan.settings):
        for note in LateReads(plan.out).changed():
            progress.note(note)
        done, plan = earlier_result(plan, corpus, progress)
        if done:
            return done
    with Claim(plan.out, plan.settings, overwrite) as claim:
        if claim.begun and not overwrite:  # another process may have finished it meanwhile
            done, plan = earlier_result(plan, corpus, progress)
            if done:
                return done
        # A missing package or model must not cost a download, nor a missing weight the time of generation.
        for extractor in plan.evaluation.extractors:
            extractor.versions()
        own: dict[str, weights.LocalWeight] = {}
        if plan.model.networks:
            own = weights.require_all(plan.model.networks, offline=offline, progress=pull)
        built = built or build(plan.model, corpus, plan.device, progress)
        generated = GeneratedClips(
            built, corpus, plan.out / CLIPS_FOLDER, plan.settings.seed, plan.device, plan.out / OUTSIDE_FOLDER
        )
        plan = plan.with_clips(generated.clips)
        for reason, names in plan.evaluation.shortages().items():
            progress.note(f"no {', '.join(names)}: {reason}")
        local = {**own, **plan.evaluation.require(offline, pull)}
        cache = features or paths.home() / "features"
        check_caches(plan.evaluation.extractors, local, plan.device, cache, progress.note)
        if overwrite and claim.holds_work():
            _check_replaceable(plan, generated)
            claim.start_anew()
        late = LateReads(plan.out)
        try:
            return _Session(plan, corpus, generated, progress, local, cache).run()
        finally:
            late.keep(built, generated.reads, plan.evaluation.dataset)


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


def _with_fingerprint(plan: Plan, built: BuiltModel, progress: Progress) -> Plan:
    """The plan with the fingerprint of the built model: of its code and all files and weights in it."""
    _note_untracked(built.untracked, progress)
    found = replace(plan.model, fingerprint=built.fingerprint)
    settings = plan.settings.model_copy(update={"fingerprint": built.fingerprint})
    return replace(plan, model=found, settings=settings)


def _note_untracked(untracked: Sequence[str], progress: Progress) -> None:
    for what in untracked:
        progress.note(
            f"note: it cannot be seen whether {what} changes: after a change, start anew with --overwrite"
        )


@dataclass
class _Session:
    """One attempt at a plan."""

    plan: Plan
    corpus: Corpus
    generated: GeneratedClips
    progress: Progress
    local: Mapping[str, weights.LocalWeight]
    cache: Path
    stages: dict[str, Stage] = field(default_factory=dict)

    def run(self) -> Result:
        plan, corpus, generated = self.plan, self.corpus, self.generated
        with self._stage("decode") as count, fixed_global_state():
            digest = corpus.digest(generated.clips)
            count(len(generated.clips), 0)
        with self._stage("generate") as count:
            there = sum(generated.path(clip).exists() for clip in generated.clips)
            if there:
                self.progress.note(f"continuing: {there} of {len(generated.clips)} clips were made before")
            generated.make_all(self.progress)
            count(generated.made, len(generated.clips) - generated.made)
        noise = NoiseSamples(generated, plan.out / NOISE_FOLDER, plan.evaluation.noise_samples)
        if plan.evaluation.noise_samples > 1:
            with self._stage("draws") as count:
                count(*noise.make_all(self.progress))
        features = {e.name: self._extract(e, noise) for e in plan.evaluation.extractors}
        labels = plan.evaluation.dataset.labels
        made = ClipSet(generated.frames, labels, {name: both[0] for name, both in features.items()})
        true = ClipSet(corpus.frames, labels, {name: both[1] for name, both in features.items()})
        values: dict[str, MetricResult] = {}
        with self._stage("score") as count, fixed_global_state():
            self.progress.start("score", len(plan.evaluation.metrics))
            for metric in plan.evaluation.metrics:
                reason = plan.evaluation.unavailable(metric)
                clips = noise.clips if metric.sampling.noise_samples > 1 else generated.clips
                values[metric.name] = (
                    unscored(metric, clips, reason) if reason else score(metric, clips, made, true)
                )
                self.progress.advance(1)
            count(len(values), 0)
        notes = [*generated.notes, *noise.notes]
        result = describe(plan, digest, generated.clips, notes, values, self.local.values(), self.stages)
        result = result.model_copy(
            update={
                "clips": {clip.id: content_digest(generated.frames(clip)) for clip in generated.clips},
                "draws": noise.digests() if plan.evaluation.noise_samples > 1 else {},
            }
        )
        write_result(plan.out, result)
        return result

    def _extract(self, extractor: Extractor, noise: NoiseSamples) -> tuple[Features, Features]:
        """Features of the generated clips and of the true ones, by one extractor."""
        name, corpus, generated = extractor.name, self.corpus, self.generated
        clips, frames = generated.clips, corpus.protocol.frames
        of_noise = extractor.unit == "noise"
        pairs = 2 * len(clips) * sample_count(extractor.unit, frames)
        self.progress.start(name, noise.pair_count(frames) if of_noise else pairs)
        with (
            self._stage(name) as count,
            Extraction(
                extractor,
                self.local,
                self.plan.device,
                self.plan.batch_size,
                self.cache,
                self.progress.advance,
                self.progress.note,
            ) as extraction,
        ):
            if of_noise:
                made, true = noise.features(extraction)
            else:
                made = extraction.of_pairs(clips, generated.frames, corpus.frames)
                true = extraction.of_pairs(clips, corpus.frames, corpus.frames)
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
        self.stages[name] = Stage(seconds=seconds, computed=counts[0], reused=counts[1])
