"""The study's own file: what is compared, who made what, and what the metrics say. Raters never get it.

Its hash is in the page and in every answers file, so that answers are never read with another study's key.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from fevbench.errors import RunError
from fevbench.records import Finite, Record

FORMAT: Literal["fevbench study 1"] = "fevbench study 1"
STUDY_FILE = "study.json"
PAGE_FILE = "index.html"

Slot = Literal["a", "b"]
"""One of the two clips of a question. Which of them is shown at the left is drawn anew for every rater."""


class Score(Record):
    """What a metric says of one model."""

    value: Finite | None
    """The run's number; null if it has none."""
    subjects: dict[str, tuple[Finite, int]] = Field(default_factory=dict)
    """For means over clips, each subject's sum of values and number of clips; empty for others."""


class StudyMetric(Record):
    """A metric of the runs."""

    id: str
    """The exact definition."""
    higher_is_better: bool
    """Its direction."""
    scores: list[Score]
    """One a model, in the order of the study's models."""
    reason: str = ""
    """Why it cannot be held against people's choices; empty if it can."""


class StudyModel(Record):
    """A run that takes part."""

    name: str
    """What it is called in the outcome."""
    fingerprint: str
    """The sha256 of its code or its videos."""
    control: bool
    """Whether it reads the true clips."""


class Pair(Record):
    """A comparison of two models on one clip's face and label."""

    id: str
    """The question's id on the page."""
    clip: str
    """The clip whose face and label the models were given."""
    subject: str
    """The person it shows."""
    label: str
    """The expression that was asked for."""
    a: int
    """The model that made clip a: its place among the study's models."""
    b: int
    """The model that made clip b."""


class Check(Record):
    """An attention check: the true clip against itself, visibly damaged."""

    id: str
    """The question's id on the page."""
    clip: str
    """The true clip."""
    damage: str
    """What was done to it."""
    true: Slot
    """Which of the two is undamaged, and so the right answer."""


class Study(Record):
    """A study."""

    format: Literal["fevbench study 1"] = FORMAT
    hash: str = ""
    """The sha256 of everything else here; empty until it is `sealed`."""
    seed: int
    """What the choice of comparisons and their order were drawn with."""
    question: str
    """What raters are asked; ``{label}`` stands for the expression."""
    dataset: str
    """Name, version and split of the data set."""
    protocol: str
    """The protocol's id."""
    digest: str
    """The sha256 of the true clips the runs were scored on."""
    media: str
    """The sha256 of the clips that are shown."""
    shown: int
    """How many of the pairs one rater is shown."""
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
        RunError: There is none, or it is not as it was written.
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
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RunError(f"{file} is not a study ({where or 'JSON'}: {first['msg']})", again) from error
    if study.sealed().hash != study.hash:
        raise RunError(f"{file} was changed after it was written: its hash does not fit", again)
    return study
