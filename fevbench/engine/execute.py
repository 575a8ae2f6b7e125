"""Carrying out a plan. The run folder is the unit of resuming: the same plan continues its run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.engine.folder import Claim, LateFiles, earlier_result, holds_run
from fevbench.models.apart import open_maker, threads_of_a_run

if TYPE_CHECKING:
    from fevbench.engine.plan import Cluster, Plan
    from fevbench.models.asked import Maker
    from fevbench.progress import Progress
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
        plan: The run.
        progress: Receives the progress.
        offline: Never use the network.
        pull: Receives the progress of downloads.
        features: The folder of the feature caches; by default the one in ``FEVBENCH_HOME``.
        overwrite: Start over in the run folder, whatever the settings of the run in it. Its content is
            deleted only after all checks that can be made before the new run.
        jobs: Number of workers; by default, what the machine allows and the work needs. The result is the
            same for any number.
        clip_timeout: Seconds that a model's process may take per clip.
        cluster: The cluster that does the work; by default, this machine does.

    Returns:
        The result; the unchanged earlier one if it already holds everything requested.

    Raises:
        FevbenchError: An error that the user can fix; finished work is kept.
    """
    evaluation, settings = plan.evaluation, plan.settings
    corpus = Corpus(evaluation.dataset, evaluation.protocol, settings.split, settings.limit)
    plan = plan.with_clips(corpus.clips)
    maker, threads = None, threads_of_a_run()
    if plan.model.is_outside:
        _note_untracked(plan.model.untracked, progress)
    if (
        not plan.model.fingerprint_is_complete
    ):  # its fingerprint, which identifies the run, is known only when it is built
        if plan.model.networks:
            weights.require_all(plan.model.networks, offline=offline, progress=pull)
        maker = open_maker(plan.model, corpus, plan.device, progress, clip_timeout, threads)
        plan = _with_fingerprint(plan, maker, progress)
    # Before anything is written: a finished run is recognised on a read-only disk, too.
    if not overwrite and holds_run(plan.out, plan.settings):
        for note in LateFiles(plan.out).changed():
            progress.note(note)
        done, plan = earlier_result(plan, corpus, progress)
        if done:
            return done
    with Claim(plan.out, plan.settings, overwrite) as claim:
        if claim.begun and not overwrite:  # another process may have finished it in the meantime
            done, plan = earlier_result(plan, corpus, progress)
            if done:
                return done
        # Check packages and the model before downloading, and weights before generating.
        for extractor in plan.evaluation.extractors:
            extractor.versions()
        own: dict[str, weights.LocalWeight] = {}
        if plan.model.networks:
            own = weights.require_all(plan.model.networks, offline=offline, progress=pull)
        maker = maker or open_maker(plan.model, corpus, plan.device, progress, clip_timeout, threads)
        from fevbench.engine.carry_out import carry_out  # imports torch, which a finished run does not need

        return carry_out(
            plan, claim, maker, own, corpus, progress,
            offline=offline, pull=pull, features=features, overwrite=overwrite, jobs=jobs,
            clip_timeout=clip_timeout, cluster=cluster,
        )  # fmt: skip


def _with_fingerprint(plan: Plan, built: Maker, progress: Progress) -> Plan:
    """The plan with the fingerprint of the built model: of its code and all files and weights in it."""
    _note_untracked(built.untracked, progress)
    found = replace(plan.model, fingerprint=built.fingerprint)
    settings = plan.settings.model_copy(update={"fingerprint": built.fingerprint})
    return replace(plan, model=found, settings=settings)


def _note_untracked(untracked: Sequence[str], progress: Progress) -> None:
    for what in untracked:
        progress.note(
            f"note: fevbench cannot see whether {what} changes; after a change, start over with --overwrite"
        )
