"""Studies that nobody filmed, and raters whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.special import expit

from fevbench.study.make import choose_comparisons
from fevbench.study.record import Answer, Answers, Check, Pair, Score, Study, StudyMetric, StudyModel

LABELS = ("anger", "joy")


def study(
    models: int,
    subjects: int = 8,
    pairs: int = 24,
    checks: int = 2,
    metrics: dict[str, StudyMetric] | None = None,
    seed: int = 0,
) -> Study:
    """A study whose comparisons are chosen as real ones are."""
    from fevbench.data.clip import Clip

    clips = [
        Clip(f"p{who}-{label}", f"p{who}", label, "test", Path())
        for who in range(subjects)
        for label in LABELS
    ]
    chosen = choose_comparisons(models, clips, pairs, np.random.default_rng(seed))
    return Study(
        seed=seed,
        question="Which shows {label} better?",
        dataset="made-up 1 test",
        protocol="64x16@1",
        digest="d" * 64,
        media="m" * 64,
        shown=pairs,
        models=[StudyModel(name=f"m{i}", fingerprint="f" * 64, control=False) for i in range(models)],
        metrics=metrics or {},
        pairs=[
            Pair(id=f"q{i:04d}", clip=clip.id, subject=clip.subject, label=clip.label, a=a, b=b)
            for i, (a, b, clip) in enumerate(chosen)
        ],
        checks=[
            Check(id=f"q{pairs + i:04d}", clip=clips[i].id, damage="blur", true="ab"[i % 2])  # type: ignore[arg-type]
            for i in range(checks)
        ],
    ).sealed()


def raters(
    study: Study,
    strengths: Sequence[float],
    count: int,
    rng: np.random.Generator,
    of_subjects: float = 0.0,
    of_raters: float = 0.0,
    ties: float = 0.0,
    attentive: bool = True,
) -> list[Answers]:
    """Raters who choose by the Bradley-Terry model.

    Args:
        study: What they are asked.
        strengths: The models'.
        count: How many raters.
        rng: Makes their choices.
        of_subjects: Standard deviation of what a subject adds to a model's strength, for all raters.
        of_raters: Standard deviation of what a rater adds to it, for all subjects.
        ties: How often they see no difference.
        attentive: Whether they answer the attention checks rightly.
    """
    people = sorted({pair.subject for pair in study.pairs})
    by_subject = {who: rng.normal(0, of_subjects, len(strengths)) for who in people}
    everyone = []
    for i in range(count):
        by_rater = rng.normal(0, of_raters, len(strengths))
        answers = []
        for pair in study.pairs:
            own = np.asarray(strengths) + by_subject[pair.subject] + by_rater
            choice = "a" if rng.random() < expit(own[pair.a] - own[pair.b]) else "b"
            if rng.random() < ties:
                choice = "same"
            answers.append(answer(pair.id, choice))
        for check in study.checks:
            right = check.true if attentive else ("b" if check.true == "a" else "a")
            answers.append(answer(check.id, right))
        everyone.append(file(study, f"r{i}", answers))
    return everyone


def answer(question: str, choice: str, left: str = "a") -> Answer:
    return Answer.model_validate({"question": question, "left": left, "choice": choice, "ms": 900})


def file(study: Study, rater: str, answers: Sequence[Answer]) -> Answers:
    return Answers(format="fevbench study answers 1", study=study.hash, rater=rater, answers=list(answers))


def save(folder: Path, everyone: Sequence[Answers]) -> list[Path]:
    """Write answers files as the page does; returns them."""
    files = []
    for one in everyone:
        files.append(folder / f"{one.rater}.json")
        files[-1].write_text(one.model_dump_json(), encoding="utf-8")
    return files


def metric(values: Sequence[float | None], higher_is_better: bool = True, subjects: int = 0) -> StudyMetric:
    """A metric with these numbers; of so many subjects if it is a mean over clips, all alike."""
    return StudyMetric(
        id="made-up@1",
        higher_is_better=higher_is_better,
        scores=[
            Score(value=value, subjects={f"p{who}": (2.0 * (value or 0), 2) for who in range(subjects)})
            for value in values
        ],
    )
