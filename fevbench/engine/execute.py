"""Carrying out a plan. The run folder is the unit of resume: the same plan continues where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fevbench import weights
from fevbench.data.corpus import Corpus
from fevbench.engine.folder import Claim, LateReads, earlier_result, holds_run
from fevbench.models.apart import at_work

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
        from fevbench.engine.carry_out import carry_out  # torch, which nobody needs who is done

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
