"""Making a study: its comparisons, its attention checks, its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.atomic import write_text
from fevbench.audit.scene import STRENGTHS, Scene, damages
from fevbench.data.corpus import Corpus, typical
from fevbench.errors import FevbenchError, RunError
from fevbench.report.sheet import Runs
from fevbench.study.page import Shown, as_picture, as_video, media_digest, render_page
from fevbench.study.pairs import choose_comparisons
from fevbench.study.record import PAGE_FILE, STUDY_FILE, Check, Pair, Study, read_study
from fevbench.study.source import metrics_of, models_of

if TYPE_CHECKING:
    from fevbench.data.clip import Clip, Frames

QUESTION = "Starting from this face, which video shows {label} better?"
DAMAGES = ("noise", "blur")
"""What attention checks do to a true clip, in turn, in the audit's greatest strength."""
PAIRS = 60
"""Comparisons one rater is shown, at most, unless told otherwise: about eight minutes."""


def make_study(
    runs: Runs,
    pairs: int | None = None,
    shown: int | None = None,
    checks: int = 5,
    seed: int = 0,
    question: str = QUESTION,
) -> tuple[Study, str]:
    """Make a study and its page. The same runs and arguments make the same ones.

    Args:
        runs: The runs to compare.
        pairs: Comparisons on the page; by default `PAIRS`, or every two models once if that is more.
        shown: How many of them one rater is shown; by default all, but not more than `PAIRS`.
        checks: Attention checks, which every rater is shown.
        seed: Draws the comparisons and their order.
        question: What raters are asked; ``{label}`` stands for the expression.

    Returns:
        The study, and its page as HTML.

    Raises:
        RunError: A run lacks a clip, or so many comparisons or checks cannot be made.
    """
    corpus, results = runs.corpus, runs.results
    clips = _scored(runs)
    models = len(results)
    two = models * (models - 1) // 2
    count = pairs if pairs is not None else min(max(PAIRS, two), two * len(clips))
    if shown is not None and shown > count:
        raise FevbenchError(f"a rater cannot be shown {shown} of {count} comparisons", "give --pairs more")
    if checks > len(clips):
        raise FevbenchError(f"{len(clips)} clips make no {checks} attention checks", "give --checks fewer")
    if not question.strip():
        raise FevbenchError("the question is empty", "say in --question what raters are to choose by")
    rng = np.random.default_rng(seed)
    chosen = choose_comparisons(models, clips, count, rng)
    ids = iter([f"q{i:04d}" for i in rng.permutation(count + checks)])
    compared, tested, media = [], [], {}
    videos: dict[tuple[str, str], bytes] = {}
    for one, other, clip in chosen:
        a, b = (one, other) if rng.random() < 0.5 else (other, one)
        pair = Pair(id=next(ids), clip=clip.id, subject=clip.subject, label=clip.label, a=a, b=b)
        compared.append(pair)
        files = []
        for model in (a, b):
            if (str(model), clip.id) not in videos:
                videos[str(model), clip.id] = as_video(runs.made(model, clip), runs.fps)
            files.append(videos[str(model), clip.id])
        media[pair.id] = Shown(clip.label, as_picture(corpus.frames(clip)), files[0], files[1])
    for i, clip in enumerate(typical(clips, corpus.dataset.labels, checks)):
        damage = DAMAGES[i % len(DAMAGES)]
        check = Check(id=next(ids), clip=clip.id, damage=damage, true="a" if rng.random() < 0.5 else "b")
        tested.append(check)
        true, damaged = corpus.frames(clip), _damaged(corpus, clip, damage)
        both = (true, damaged) if check.true == "a" else (damaged, true)
        first, second = (as_video(frames, runs.fps) for frames in both)
        media[check.id] = Shown(clip.label, as_picture(true), first, second)
    record = results[0].dataset
    study = Study(
        seed=seed,
        question=question,
        dataset=f"{record.name} {record.version} {record.split}",
        protocol=results[0].protocol.id,
        digest=record.digest,
        media=media_digest(media),
        shown=min(count, PAIRS) if shown is None else shown,
        models=models_of(results),
        metrics=metrics_of(results, {clip.id: clip.subject for clip in corpus.pool}),
        pairs=sorted(compared, key=lambda pair: pair.id),
        checks=sorted(tested, key=lambda check: check.id),
    ).sealed()
    return study, render_page(study, media)


def write_study(out: Path, study: Study, page: str) -> None:
    """Write a study's file, then its page, into a folder.

    Raises:
        RunError: The folder holds another study, whose answers could no longer be read, or something else.
    """
    file = out / STUDY_FILE
    if file.exists():
        if read_study(file).hash != study.hash:
            raise RunError(
                f"{out} holds another study, and its answers cannot be read without it",
                "choose another --out",
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is no empty folder", "choose another --out")
    write_text(file, study.model_dump_json() + "\n")
    write_text(out / PAGE_FILE, page)


def _scored(runs: Runs) -> list[Clip]:
    """The clips all runs were scored on, in the data set's order."""
    known = runs.results[0].dataset.subjects_of
    return [clip for clip in runs.corpus.clips if not known or clip.id in known]


def _damaged(corpus: Corpus, clip: Clip, name: str) -> Frames:
    import fevbench.audit.damages  # noqa: F401  (which registers them)

    scene = Scene(clip, corpus.frames(clip), corpus, np.random.default_rng(0), rank=0.0)
    return damages.get(name).apply(scene, STRENGTHS)
