"""Records of measures: the file of a study, estimates with intervals, answers of classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from fevbench.errors import DatasetError, FevbenchError
from fevbench.records import Finite, Record
from fevbench.results.schema import Environment, Interval, WeightRecord
from fevbench.stats.bootstrap import LEVEL, METHOD, draw_subjects, percentile_interval, subject_bootstrap

Indices = NDArray[np.int64]

SCHEMA_VERSION: Literal[1] = 1


class NotMeasurable(FevbenchError):
    """A measure is impossible on this set; the advice says which set would allow it."""


class Estimate(Record):
    """One value with its sample."""

    value: Finite | None
    """The value, or null."""
    reason: str = ""
    """Why there is no value."""
    n: int
    """Number of samples."""
    sample: str
    """What a sample is, in the plural."""
    subjects: int
    """Number of subjects."""
    interval: Interval | None = None
    """95 % interval over subjects; null if there is none."""


class Entry(Record):
    """The outcome of one measure."""

    created: str
    """UTC time, ISO 8601."""
    seconds: float
    """Wall time."""
    parameters: dict[str, int]
    """Options of the command line that change this measure."""
    weights: list[WeightRecord]
    """The pretrained files that were used."""
    environment: Environment
    """Where it ran."""
    result: dict[str, Any]
    """The result; the fields are those of the measure's record in ``fevbench.fevsynth.measure``."""


class Measured(Record):
    """Everything measured of one rendered set."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this schema."""
    dataset: str
    """Name of the data set."""
    version: str
    """Its version."""
    manifest_sha256: str
    """Hash of its manifest, which holds the hash of every clip."""
    truth_sha256: str
    """Hash of its ground truth."""
    measures: dict[str, Entry]
    """Measure name to its outcome."""
    not_measured: dict[str, str]
    """Measure name to why it is impossible on this set."""


def absent(reason: str, sample: str) -> Estimate:
    """An estimate without a value."""
    return Estimate(value=None, reason=reason, n=0, sample=sample, subjects=0)


def mean(values: Sequence[float] | NDArray[Any], subjects: Sequence[str], sample: str) -> Estimate:
    """The mean over samples, with the subject bootstrap's interval; ``sample`` is their plural."""
    if not len(values):
        return absent(f"no {sample}", sample)
    found = [float(value) for value in values]
    bounds = subject_bootstrap(found, subjects)
    return Estimate(
        value=float(np.mean(found)),
        n=len(found),
        sample=sample,
        subjects=len(set(subjects)),
        interval=bounds and interval(*bounds),
    )


def resampled(value: float, statistics: NDArray[np.float64], n: int, sample: str, subjects: int) -> Estimate:
    """A value with the interval of its statistic over resamples of subjects, ``float64[RESAMPLES]``.

    It rests on ``n`` samples, of a kind named in the plural, of so many subjects; see `draw_subjects`.
    """
    bounds = interval(*percentile_interval(statistics)) if subjects > 1 else None
    return Estimate(value=value, n=n, sample=sample, subjects=subjects, interval=bounds)


def interval(low: float, high: float) -> Interval:
    """The bounds as the result schema writes them."""
    return Interval(low=low, high=high, level=LEVEL, method=METHOD)


def read_measured(path: Path) -> Measured:
    """Read the file of `fevbench data measure`.

    Raises:
        DatasetError: The file is missing or holds something else.
    """
    try:
        return Measured.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        why = error.strerror if isinstance(error, OSError) else "it does not follow the schema"
        fix = "delete it, or choose another --out"
        raise DatasetError(f"{path} cannot be read ({why})", fix) from error


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
    """Compare answers, ``int[N]`` indices into ``answers``, with what was shown, into ``labels``.

    A sample is right where the two names are equal.
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
    names, person = np.unique(np.asarray(subjects), return_inverse=True)
    hits, counts = np.zeros((2, len(names), labels))
    np.add.at(hits, (person, shown), right)
    np.add.at(counts, (person, shown), 1)
    draws = draw_subjects(len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        # NaN if no drawn subject shows a label.
        recalls = ((draws @ hits) / (draws @ counts)).mean(axis=1)
    value = float((hits.sum(axis=0) / counts.sum(axis=0)).mean())
    return resampled(value, recalls, len(shown), sample, len(names))
