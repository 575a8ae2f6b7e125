"""Carrying out a plan. The run folder is the unit of resume: the same plan continues where it was."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fevbench import paths, weights
from fevbench.data.corpus import Corpus, corpus_digest
from fevbench.engine.again import write_digests
from fevbench.engine.cluster import Cluster, do_all_on_cluster
from fevbench.engine.describe import describe
from fevbench.engine.extract import Work, check_caches
from fevbench.engine.folder import Claim, LateReads, earlier_result, holds_run
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.local import Job, choose_jobs, do_all, generated_clips, open_worker
from fevbench.engine.noise import made_again, no_noise
from fevbench.engine.plan import Plan
from fevbench.engine.rows import RowsOnDisk
from fevbench.engine.score import score_all
from fevbench.engine.work import Found, Part
from fevbench.errors import RunError
from fevbench.models.apart import at_work
from fevbench.models.asked import Maker
from fevbench.models.found import VIDEOS_PREFIX
from fevbench.progress import Progress, Silent
from fevbench.results.files import write_result
from fevbench.results.schema import Result


def execute(
    plan: Plan,
    progress: Progress,
    offline: bool = False,
    pull: weights.Progress | None = None,
    features: Path | None = None,
    overwrite: bool = False,
    jobs: int | None = None,
    clip_timeout: float | None = None,
    cluster: Cluster | None = None,
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
        jobs: How many workers; by default, what the machine allows and the work is worth. The result is the
            same for any number.
        clip_timeout: How many seconds a model's process may take for a clip.
        cluster: The cluster that does the work; by default, this machine does.

    Returns:
        The result; the earlier one, untouched, if everything asked for is in it already.

    Raises:
        FevbenchError: Something the user can fix; what was finished is kept.
    """
    evaluation, settings = plan.evaluation, plan.settings
    corpus = Corpus(evaluation.dataset, evaluation.protocol, settings.split, settings.limit)
    plan = plan.with_clips(corpus.clips)
    maker = None
    if plan.model.is_outside:
        _note_untracked(plan.model.untracked, progress)
    if (
        not plan.model.fingerprint_is_complete
    ):  # what it is made of, and so which run this is, shows when it is built
        if plan.model.networks:
            weights.require_all(plan.model.networks, offline=offline, progress=pull)
        maker = at_work(plan.model, corpus, plan.device, progress, clip_timeout)
        plan = _with_fingerprint(plan, maker, progress)
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
        maker = maker or at_work(plan.model, corpus, plan.device, progress, clip_timeout)
        generated = generated_clips(plan, maker, corpus)
        plan = plan.with_clips(generated.clips)
        for reason, names in plan.evaluation.shortages().items():
            progress.note(f"no {', '.join(names)}: {reason}")
        local = {**own, **plan.evaluation.require(offline, pull)}
        cache = features or paths.home() / "features"
        check_caches(plan.evaluation.extractors, local, plan.device, cache, progress.note)
        if overwrite and claim.holds_work():
            _check_replaceable(plan, generated)
            claim.start_anew()
        job = Job(plan, plan.evaluation.extractors, local, cache, clip_timeout)
        return _carry_out(job, maker, corpus, progress, jobs, cluster)


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


def _with_fingerprint(plan: Plan, built: Maker, progress: Progress) -> Plan:
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


def _carry_out(
    job: Job, maker: Maker, corpus: Corpus, progress: Progress, jobs: int | None, cluster: Cluster | None
) -> Result:
    """Make the clips, extract their features, score them, and write the result."""
    plan, evaluation = job.plan, job.plan.evaluation
    clips, count = evaluation.clips or (), evaluation.noise_samples
    again = made_again(clips) if count > 1 else ()
    found, disk = Found(), RowsOnDisk(plan.out)
    with open_worker(job, progress.note, maker, corpus) as worker:
        there = sum(worker.generated.path(clip).exists() for clip in clips)
        if there:
            progress.note(f"continuing: {there} of {len(clips)} clips were made before")
        try:
            found.add(worker.begin(progress), disk.keep)
            progress.start("clips", len(clips) + len(again) * (count - 1))

            def done(part: Part, came: Found) -> None:
                found.add(came, disk.keep)
                progress.advance(len(part[0]) * max(1, part[1] - 1))

            if cluster:
                do_all_on_cluster(worker, job, worker.parts(count), cluster, jobs, done)
            else:
                many = choose_jobs(jobs, len(clips), plan.device, job.weights)
                do_all(worker, job, worker.parts(count), many, done)
        finally:
            LateReads(plan.out).keep(maker.files, [*maker.reads, *found.reads], evaluation.dataset)
        worker.generated.finish()
        notes = worker.generated.notes
    for note in dict.fromkeys(found.notes):
        progress.note(note)
    stages = {name: work.stage() for name, work in found.work.items()}
    values, seconds = score_all(evaluation, clips, found.features, progress, plan.out)
    stages["score"] = Work(len(values), 0, seconds).stage()
    made = {clip: digests[0] for clip, digests in found.made.items()}
    draws = {clip: [own for own, _ in digests] for clip, digests in found.again.items()}
    digest = corpus_digest(clips, {clip: digests[0] for clip, digests in found.true.items()})
    notes = [*notes, *no_noise(made, draws)]
    result = describe(plan, digest, clips, notes, values, job.weights.values(), stages)
    result = result.model_copy(update={"clips": {clip.id: made[clip.id] for clip in clips}, "draws": draws})
    write_digests(plan.out, clips, found)
    write_result(plan.out, result)
    return result
