"""Answers files: that they are of this study, whole, each rater's once; and whose answers count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from fevbench.errors import RunError
from fevbench.foreign import one_line
from fevbench.records import Record
from fevbench.study.record import Slot, Study

MOST_BYTES = 16 << 20
AGAIN = "ask the rater to save the file again"


class Answer(Record):
    """One choice."""

    question: str
    """The question's id."""
    left: Slot
    """Which of its clips was at the left."""
    choice: Literal["a", "b", "same"]
    """The better clip, or neither."""
    ms: Annotated[int, Field(ge=0)]
    """Milliseconds from when the clips first played."""


class Answers(Record):
    """What the page saves."""

    format: Literal["fevbench study answers 1"]
    study: str
    """The study's hash."""
    rater: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    """A random code, or the one that was given in the page's address."""
    answers: list[Answer]
    """In the order in which they were given."""


@dataclass(frozen=True)
class Raters:
    """Whose answers count.

    Attributes:
        kept: Those that do.
        failed: Rater to how many attention checks were answered wrongly, of those that are left out for it.
        unchecked: Raters left out because they answered no attention check.
        empty: Raters left out because they compared nothing.
        duplicates: How many files held only what another one of the same rater holds.
    """

    kept: tuple[Answers, ...]
    failed: dict[str, int]
    unchecked: tuple[str, ...]
    empty: tuple[str, ...]
    duplicates: int

    @property
    def left_out(self) -> str:
        """How many raters are left out and why, in words; empty if none are."""
        counts = (
            (len(self.failed), "failed attention checks"),
            (len(self.unchecked), "answered no attention check"),
            (len(self.empty), "compared nothing"),
        )
        return ", ".join(f"{count} {why}" for count, why in counts if count)


def read_answers(files: Sequence[Path], study: Study, forgiven: int = 0) -> Raters:
    """Read answers files and see whose answers count.

    A rater may have saved twice: a file whose answers are the beginning of another's of the same rater, or
    all of them, is a duplicate.

    Args:
        files: The files.
        study: The study they answer.
        forgiven: How many wrongly answered attention checks do not matter.

    Raises:
        RunError: A file is damaged, answers another study, contradicts another one of the same rater, or
            nobody's answers count.
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
            raise RunError(f"{before} and {file} are of one rater and contradict each other", "leave one out")
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
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "JSON"
        raise RunError(f"{file} is no answers file ({where}: {one_line(first['msg'])})", AGAIN) from error
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
    # By code, so that the order of the files does not decide which resample is whose.
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
