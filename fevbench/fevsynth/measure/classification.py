"""How well answers agree with labels: accuracy, mean recall, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from fevbench.fevsynth.measure.record import Estimate, absent, mean, resampled
from fevbench.records import Record
from fevbench.stats.bootstrap import draw_subjects

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.int64]


class Agreement(Record):
    """Answers against labels."""

    accuracy: Estimate
    """The share of samples answered with their label."""
    mean_recall: Estimate
    """The mean over labels of the share of a label's samples answered with it."""
    labels: list[str]
    """The rows of ``confusion``: what is shown."""
    answers: list[str]
    """The columns of ``confusion``: what was answered."""
    confusion: list[list[int]]
    """How many samples of each label got each answer."""


def agreement(
    shown: Indices,
    answered: Indices,
    subjects: Sequence[str],
    labels: Sequence[str],
    answers: Sequence[str],
    sample: str,
) -> Agreement:
    """Compare answers with labels.

    Args:
        shown: ``int[N]`` index into ``labels``.
        answered: ``int[N]`` index into ``answers``.
        subjects: The person of each sample.
        labels: What can be shown.
        answers: What can be answered; a sample is right where the two names are equal.
        sample: What a sample is, in the plural.
    """
    wanted = np.array([answers.index(label) for label in labels], dtype=np.int64)
    right = answered == wanted[shown] if len(shown) else np.zeros(0, bool)
    confusion = np.zeros((len(labels), len(answers)), np.int64)
    np.add.at(confusion, (shown, answered), 1)
    return Agreement(
        accuracy=mean(right.astype(np.float64), subjects, sample),
        mean_recall=_mean_recall(shown, right, subjects, len(labels), sample),
        labels=list(labels),
        answers=list(answers),
        confusion=confusion.tolist(),
    )


def _mean_recall(
    shown: Indices, right: NDArray[np.bool_], subjects: Sequence[str], labels: int, sample: str
) -> Estimate:
    if len(np.unique(shown)) < labels:
        return absent("not every label is shown", sample)
    people, person = np.unique(np.asarray(subjects), return_inverse=True)
    hits, counts = np.zeros((2, len(people), labels))
    np.add.at(hits, (person, shown), right)
    np.add.at(counts, (person, shown), 1)
    draws = draw_subjects(len(people))
    with np.errstate(invalid="ignore", divide="ignore"):
        # NaN where nobody drawn shows a label.
        recalls = ((draws @ hits) / (draws @ counts)).mean(axis=1)
    value = float((hits.sum(axis=0) / counts.sum(axis=0)).mean())
    return resampled(value, recalls, len(shown), sample, len(people))
