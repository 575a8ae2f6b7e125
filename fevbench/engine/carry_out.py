"""The work of a run in its folder: its clips, their features, its result."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from fevbench import paths
from fevbench.data.corpus import Corpus, corpus_digest
from fevbench.engine.again import write_digests
from fevbench.engine.cluster import do_all_on_cluster
from fevbench.engine.describe import describe
from fevbench.engine.extract import Work, check_caches
from fevbench.engine.folder import Claim, LateFiles
from fevbench.engine.generate import GeneratedClips
from fevbench.engine.local import Job, choose_jobs, do_all, generated_clips, open_worker
from fevbench.engine.noise import made_again, noise_notes
from fevbench.engine.plan import Cluster, Plan
from fevbench.engine.rows import RowsOnDisk
from fevbench.engine.score import score_all
from fevbench.engine.work import ClipFeatures, Part
from fevbench.errors import RunError
from fevbench.models.asked import Maker
from fevbench.models.found import VIDEOS_PREFIX
from fevbench.progress import Progress, Silent
from fevbench.results.files import write_result
from fevbench.results.provenance import commit
from fevbench.results.schema import Result
from fevbench.weights import LocalWeight
from fevbench.weights import Progress as Pull


def carry_out(
    plan: Plan,
    claim: Claim,
    maker: Maker,
    own: Mapping[str, LocalWeight],
    corpus: Corpus,
    progress: Progress,
    *,
    offline: bool,
    pull: Pull | None,
    features: Path | None,
    overwrite: bool,
    jobs: int | None,
    clip_timeout: float | None,
    cluster: Cluster | None,
) -> Result:
    """Do a plan's work in its claimed folder: what `fevbench.engine.execute.execute` calls if any is left.

    ``own`` are the pretrained networks that the model needs; the rest as there.

    Raises:
        FevbenchError: An error that the user can fix; finished work is kept.
    """
    commit()  # remembered: the checkout may change while the run goes on
    generated = generated_clips(plan, maker, corpus)
    plan = plan.with_clips(generated.clips)
    for reason, names in plan.evaluation.shortages().items():
        progress.note(f"no {', '.join(names)}: {reason}")
    local = {**own, **plan.evaluation.require(offline, pull)}
    cache = features or paths.home() / "features"
    check_caches(plan.evaluation.extractors, local, plan.device, cache, progress.note)
    if overwrite and claim.holds_work():
        _check_replaceable(plan, generated)
        claim.start_over()
    job = Job(plan, plan.evaluation.extractors, local, cache, clip_timeout)
    return _do_and_score(job, maker, corpus, progress, jobs, cluster)


def _check_replaceable(plan: Plan, generated: GeneratedClips) -> None:
    """Check that a folder may be emptied: it does not hold the clips to score, and the model works."""
    source = Path(plan.model.origin)
    if plan.model.name.startswith(VIDEOS_PREFIX) and source.resolve().is_relative_to(plan.out.resolve()):
        raise RunError(f"{source} lies in {plan.out}, which --overwrite would empty", "choose another --out")
    with tempfile.TemporaryDirectory() as scratch:
        generated.again(0, generated.clips[:1], Path(scratch)).make_all(Silent())


def _do_and_score(
    job: Job, maker: Maker, corpus: Corpus, progress: Progress, jobs: int | None, cluster: Cluster | None
) -> Result:
    """Make the clips, extract their features, score them, and write the result."""
    plan, evaluation = job.plan, job.plan.evaluation
    clips, count = evaluation.clips or (), evaluation.noise_samples
    again = made_again(clips) if count > 1 else ()
    found, disk = ClipFeatures(), RowsOnDisk(plan.out)
    with open_worker(job, progress.note, maker, corpus) as worker:
        there = sum(worker.generated.path(clip).exists() for clip in clips)
        if there:
            progress.note(f"continuing: {there} of {len(clips)} clips were made before")
        try:
            found.add(worker.begin(progress), disk.keep)
            progress.start("clips", len(clips) + len(again) * (count - 1))

            def done(part: Part, came: ClipFeatures) -> None:
                found.add(came, disk.keep)
                progress.advance(len(part[0]) * max(1, part[1] - 1))

            if cluster:
                do_all_on_cluster(worker, job, worker.parts(count), cluster, jobs, done)
            else:
                many = choose_jobs(jobs, len(clips), evaluation.protocol, plan.device, job.weights)
                do_all(worker, job, worker.parts(count), many, done)
        finally:
            LateFiles(plan.out).keep(
                maker.files, [*maker.opened_files, *found.opened_files], evaluation.dataset
            )
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
    notes = [*notes, *noise_notes(made, draws)]
    result = describe(plan, digest, clips, notes, values, job.weights.values(), stages)
    result = result.model_copy(update={"clips": {clip.id: made[clip.id] for clip in clips}, "draws": draws})
    write_digests(plan.out, clips, found)
    write_result(plan.out, result)
    return result
