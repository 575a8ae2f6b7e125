"""The study's own file, which raters never get, and the answers that raters save.

The study's file holds the comparisons, the models of their clips, and the values of their metrics. Its hash
is in the page and in every answers file, so that answers are never read with the file of another study.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from fevbench.errors import RunError
from fevbench.records import Finite, Record, first_fault
from fevbench.sanitise import one_line

FORMAT: Literal["fevbench study 1"] = "fevbench study 1"
STUDY_FILE = "study.json"
PAGE_FILE = "index.html"
Slot = Literal["a", "b"]
"""One of the two clips of a question. Which one is shown on the left is chosen at random for every rater."""
MOST_BYTES = 16 << 20
AGAIN = "ask the rater to save the file again"


class Score(Record):
    """The values of a metric for one model."""

    value: Finite | None
    """The run's value; null if it has none."""
    subjects: dict[str, tuple[Finite, int]] = Field(default_factory=dict)
    """For means over clips, each subject's sum of values and number of clips; empty for others."""


class StudyMetric(Record):
    """A metric of the runs."""

    id: str
    higher_is_better: bool
    scores: list[Score]
    """One per model, in the order of the study's models."""
    reason: str = ""
    """Why it cannot be compared with the raters' choices; empty if it can."""


class StudyModel(Record):
    """A run that takes part."""

    name: str
    fingerprint: str
    """The sha256 of its code or its videos."""
    control: bool
    """Whether it reads the true clips."""


class Pair(Record):
    """A comparison of two models on one clip's face and label."""

    id: str
    """The question's id on the page."""
    clip: str
    """The clip whose face and label the models got."""
    subject: str
    label: str
    a: int
    """The model of clip a: its index among the study's models."""
    b: int
    """The model of clip b."""


class Check(Record):
    """An attention check: the true clip against itself, visibly damaged."""

    id: str
    """The question's id on the page."""
    clip: str
    """The true clip."""
    damage: str
    """Its damage."""
    true: Slot
    """Which of the two is undamaged, and so the right answer."""


class Study(Record):
    """A study."""

    format: Literal["fevbench study 1"] = FORMAT
    hash: str = ""
    """The sha256 of all other fields; empty before `sealed`."""
    seed: int
    """The seed of the comparisons and their order."""
    question: str
    """The question to raters; ``{label}`` stands for the expression."""
    dataset: str
    """Name, version and split of the data set."""
    protocol: str
    """The protocol's id."""
    digest: str
    """The sha256 of the true clips the runs were scored on."""
    media: str
    """The sha256 of the shown clips."""
    shown: int
    """Number of pairs per rater."""
    models: list[StudyModel]
    metrics: dict[str, StudyMetric]
    pairs: list[Pair]
    checks: list[Check]

    def sealed(self) -> Study:
        """The same study with its hash."""
        content = self.model_copy(update={"hash": ""}).model_dump_json()
        return self.model_copy(update={"hash": hashlib.sha256(content.encode()).hexdigest()})


def read_study(path: Path) -> Study:
    """Read a study from its file or the folder it is in.

    Raises:
        RunError: There is none, or it was changed.
    """
    file = path / STUDY_FILE if path.is_dir() else path
    again = "give the folder that `fevbench study make` wrote with --study"
    try:
        study = Study.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        raise RunError(f"{file} does not exist", again) from None
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror})", again) from error
    except ValidationError as error:
        raise RunError(f"{file} is not a study ({first_fault(error)})", again) from error
    if study.sealed().hash != study.hash:
        raise RunError(f"{file} was changed after it was written: its hash does not fit", again)
    return study


class Answer(Record):
    """One choice."""

    question: str
    """The question's id."""
    left: Slot
    """The clip that was on the left."""
    choice: Literal["a", "b", "same"]
    """The better clip, or neither."""
    ms: Annotated[int, Field(ge=0)]
    """Milliseconds since the clips first played."""


class Answers(Record):
    """The file that the page saves."""

    format: Literal["fevbench study answers 1"]
    study: str
    """The study's hash."""
    rater: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """A random code, or the one in the page's address."""
    answers: list[Answer]
    """The answers in their order."""


@dataclass(frozen=True)
class Raters:
    """The answers that count, and why other raters are left out.

    ``failed`` is rater to number of wrong attention checks, ``duplicates`` the number of files whose answers
    are all in another file of the same rater.
    """

    kept: tuple[Answers, ...]
    failed: dict[str, int]
    unchecked: tuple[str, ...]
    empty: tuple[str, ...]
    duplicates: int

    @property
    def left_out(self) -> str:
        """How many raters are left out and why, in words; empty if none."""
        counts = (
            (len(self.failed), "failed attention checks"),
            (len(self.unchecked), "answered no attention check"),
            (len(self.empty), "compared nothing"),
        )
        return ", ".join(f"{count} {why}" for count, why in counts if count)


def read_answers(files: Sequence[Path], study: Study, forgiven: int = 0) -> Raters:
    """Read answers files, and leave out raters with more than ``forgiven`` wrong attention checks.

    A rater may have saved twice: a file whose answers are the beginning of another file of the same rater, or
    all of it, is a duplicate.

    Raises:
        RunError: A file is damaged, answers another study, contradicts another one of the same rater, or
            no rater's answers count.
    """
    by_rater: dict[str, tuple[Path, Answers]] = {}
    duplicates = 0
    for file in files:
        answers = _read(file, study)
        if answers.rater not in by_rater:
            by_rater[answers.rater] = (file, answers)
            continue
        before, known = by_rater[answers.rater]
        short, long = sorted((known.answers, answers.answers), key=len)
        if long[: len(short)] != short:
            raise RunError(
                f"{before} and {file} are of the same rater and contradict each other", "leave one out"
            )
        duplicates += 1
        if len(answers.answers) > len(known.answers):
            by_rater[answers.rater] = (file, answers)
    raters = _sort([answers for _, answers in by_rater.values()], study, forgiven, duplicates)
    if not raters.kept:
        raise RunError(f"no rater's answers count: {raters.left_out}", "collect more answers")
    return raters


def _read(file: Path, study: Study) -> Answers:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise RunError(f"{file} is larger than {MOST_BYTES >> 20} MiB", "give files that the page saved")
        answers = Answers.model_validate_json(file.read_bytes())
    except OSError as error:
        raise RunError(
            f"{file} cannot be read ({error.strerror})", "give files that the page saved"
        ) from error
    except ValidationError as error:
        raise RunError(f"{file} is not an answers file ({first_fault(error)})", AGAIN) from error
    if answers.study != study.hash:
        raise RunError(
            f"{file} answers another study ({one_line(answers.study)[:12]}, not {study.hash[:12]})",
            "leave it out, or give its own study with --study",
        )
    asked = [answer.question for answer in answers.answers]
    known = {pair.id for pair in study.pairs} | {check.id for check in study.checks}
    if strange := next((name for name in asked if name not in known), None):
        raise RunError(f"{file} answers {one_line(strange)!r}, which the study does not ask", AGAIN)
    if twice := next((name for name in asked if asked.count(name) > 1), None):
        raise RunError(f"{file} answers {twice} twice", AGAIN)
    return answers


def _sort(everyone: Sequence[Answers], study: Study, forgiven: int, duplicates: int) -> Raters:
    right = {check.id: check.true for check in study.checks}
    kept, unchecked, empty = [], [], []
    failed: dict[str, int] = {}
    # Sorted by code, so that resamples do not depend on the order of the files.
    for answers in sorted(everyone, key=lambda one: one.rater):
        checked = [answer for answer in answers.answers if answer.question in right]
        wrong = sum(answer.choice != right[answer.question] for answer in checked)
        if len(checked) == len(answers.answers):
            empty.append(answers.rater)
        elif right and not checked:
            unchecked.append(answers.rater)
        elif wrong > forgiven:
            failed[answers.rater] = wrong
        else:
            kept.append(answers)
    return Raters(tuple(kept), failed, tuple(unchecked), tuple(empty), duplicates)
