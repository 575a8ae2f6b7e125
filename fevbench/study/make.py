"""Making a study: its runs, its comparisons, its attention checks, its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from fevbench.atomic import write_text
from fevbench.audit.damages import DamageInput, damages
from fevbench.audit.record import STRENGTHS
from fevbench.data.clip import Clip, Frames
from fevbench.data.corpus import Corpus, balanced_clips
from fevbench.errors import FevbenchError, RunError
from fevbench.metrics.catalog import Metric
from fevbench.metrics.catalog import metrics as catalog
from fevbench.report.comparable import clip_differences, distinct_names, same_weights
from fevbench.report.ranking import sample_of, unranked_reason
from fevbench.report.sheet import Runs
from fevbench.results.files import read_result
from fevbench.results.schema import MetricResult, Result
from fevbench.study.page import Shown, as_picture, as_video, media_digest, render_page
from fevbench.study.record import (
    PAGE_FILE,
    STUDY_FILE,
    Check,
    Pair,
    Score,
    Study,
    StudyMetric,
    StudyModel,
    read_study,
)

Comparison = tuple[int, int, "Clip"]
"""Two models, by their indices, and the clip whose face and label both got."""
QUESTION = "Starting from this face, which video shows {label} better?"
DAMAGES = ("noise", "blur")
"""The damages of attention checks, in turn, at the audit's greatest strength."""
PAIRS = 60
"""Default for the most comparisons per rater: about eight minutes."""


def open_runs(folders: Sequence[Path], dataset: str | None = None) -> Runs:
    """Open runs whose clips can be shown side by side; ``dataset`` is by default that of the results.

    Raises:
        RunError: There are fewer than two, one is given twice, or they are not of the same clips.
        DatasetError: The data set cannot be opened, or is not the one that was scored.
    """
    if len(folders) < 2:
        raise RunError("a comparison needs two runs, and one is given", "name another run")
    results = [read_result(folder) for folder in folders]
    for (one, first), (other, second) in combinations(zip(folders, results, strict=True), 2):
        if first == second:
            raise RunError(f"{one} and {other} are the same run", "name it once")
    for other, result in zip(folders[1:], results[1:], strict=True):
        for difference in clip_differences(results[0], result):
            raise RunError(
                f"{folders[0]} and {other} were scored on {difference}",
                "compare runs of the same data set, split, protocol and limit",
            )
    return Runs(folders, dataset)


def models_of(results: Sequence[Result]) -> list[StudyModel]:
    """The study's record of each run."""
    return [
        StudyModel(name=name, fingerprint=result.model.fingerprint, control=result.model.control)
        for name, result in zip(distinct_names(results), results, strict=True)
    ]


def metrics_of(results: Sequence[Result], subjects: Mapping[str, str]) -> dict[str, StudyMetric]:
    """The metrics in which at least one run has a value, in the catalogue's order.

    ``subjects`` is every scored clip with its subject.
    """
    found = {}
    for metric in (catalog.get(name) for name in catalog):
        those = [result.metrics.get(metric.name) for result in results]
        named = next((one for one in those if one is not None), None)
        if named is None:
            continue
        found[metric.name] = StudyMetric(
            id=named.id,
            higher_is_better=named.higher_is_better,
            scores=[_score(metric, one, subjects) for one in those],
            reason=_incomparable_reason(metric, results),
        )
    return found


def _incomparable_reason(metric: Metric, results: Sequence[Result]) -> str:
    if not metric.definition.ranked:
        return unranked_reason(metric)
    return "" if same_weights(metric, results) else "measured by different files of its networks"


def _score(metric: Metric, result: MetricResult | None, subjects: Mapping[str, str]) -> Score:
    if result is None:
        return Score(value=None)
    clips = sample_of(metric, metric.name, result).clips
    if not subjects.keys() >= clips.keys():
        return Score(value=result.value)
    counts = Counter(subjects[clip] for clip in clips)
    sums = dict.fromkeys(counts, 0.0)
    for clip, value in clips.items():
        sums[subjects[clip]] += value
    return Score(
        value=result.value, subjects={subject: (sums[subject], counts[subject]) for subject in sorted(counts)}
    )


def model_pairs(models: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """All pairs of models, in an order that is balanced after any number of pairs.

    The circle method of round-robin tournaments, of models in random order: no model meets its next opponent
    before all others have met theirs, and any ``models - 1`` first pairs connect them all.
    """
    seats: list[int | None] = [int(i) for i in rng.permutation(models)]
    if models % 2:
        seats.append(None)
    order = []
    for _ in range(len(seats) - 1):
        half = len(seats) // 2
        for one, other in zip(seats[:half], reversed(seats[half:]), strict=True):
            if one is not None and other is not None:
                order.append((one, other))
        seats = [seats[0], seats[-1], *seats[1:-1]]
    return order


def choose_comparisons(
    models: int, clips: Sequence[Clip], count: int, rng: np.random.Generator
) -> list[Comparison]:
    """Choose comparisons: none twice, each pair of models on different labels and subjects.

    Pairs of models follow the order of `model_pairs`, again and again. Each takes the clip whose label, then
    subject, then itself was used least, first by this pair and then by all pairs; ties are random.

    Raises:
        RunError: ``count`` is too small to connect all models, or larger than the number of comparisons.
    """
    pairs = model_pairs(models, rng)
    if count < models - 1:
        raise RunError(
            f"{count} comparisons cannot connect {models} models", f"give --pairs at least {models - 1}"
        )
    if count > (most := len(pairs) * len(clips)):
        raise RunError(
            f"{models} models and {len(clips)} clips make at most {most} comparisons, not {count}",
            f"give --pairs at most {most}",
        )
    used: Counter[tuple[object, ...]] = Counter()
    chosen = []
    for n in range(count):
        pair = pairs[n % len(pairs)]
        left = [clip for clip in clips if not used[pair, clip.id]]
        lots = rng.random(len(left))
        worn = [
            (
                used[pair, "label", clip.label],
                used["label", clip.label],
                used[pair, "subject", clip.subject],
                used["subject", clip.subject],
                used["clip", clip.id],
                lot,
                i,
            )
            for i, (clip, lot) in enumerate(zip(left, lots, strict=True))
        ]
        clip = left[min(worn)[-1]]
        used[pair, clip.id] += 1
        used["clip", clip.id] += 1
        for kind, name in (("label", clip.label), ("subject", clip.subject)):
            used[pair, kind, name] += 1
            used[kind, name] += 1
        chosen.append((*pair, clip))
    return chosen


def make_study(
    runs: Runs,
    pairs: int | None = None,
    shown: int | None = None,
    checks: int = 5,
    seed: int = 0,
    question: str = QUESTION,
) -> tuple[Study, str]:
    """Make a study and its page, as HTML. The same runs and arguments give the same result.

    The page has ``pairs`` comparisons, by default `PAIRS`, or every pair of models once if that is more. A
    rater sees ``shown`` of them, by default all but at most `PAIRS`, and all attention checks.

    Raises:
        RunError: A run lacks a clip, or this many comparisons or checks cannot be made.
    """
    corpus, results = runs.corpus, runs.results
    clips = _scored(runs)
    models = len(results)
    two = models * (models - 1) // 2
    count = pairs if pairs is not None else min(max(PAIRS, two), two * len(clips))
    if shown is not None and shown > count:
        raise FevbenchError(
            f"a rater cannot be shown {shown} of {count} comparisons", "give a larger --pairs"
        )
    if checks > len(clips):
        raise FevbenchError(
            f"{len(clips)} clips are too few for {checks} attention checks", "give a smaller --checks"
        )
    if not question.strip():
        raise FevbenchError("the question is empty", "write in --question what raters should choose by")
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
    for i, clip in enumerate(balanced_clips(clips, corpus.dataset.labels, checks)):
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
        RunError: The folder holds another study, whose answers need it, or something else.
    """
    file = out / STUDY_FILE
    if file.exists():
        if read_study(file).hash != study.hash:
            raise RunError(
                f"{out} holds another study, whose answers cannot be read without it",
                "choose another --out",
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is not an empty folder", "choose another --out")
    write_text(file, study.model_dump_json() + "\n")
    write_text(out / PAGE_FILE, page)


def _scored(runs: Runs) -> list[Clip]:
    """The clips all runs were scored on, in the data set's order."""
    known = runs.results[0].dataset.subjects_of
    return [clip for clip in runs.corpus.clips if not known or clip.id in known]


def _damaged(corpus: Corpus, clip: Clip, name: str) -> Frames:
    given = DamageInput(clip, corpus.frames(clip), corpus, np.random.default_rng(0), rank=0.0)
    return damages.get(name).apply(given, STRENGTHS)
