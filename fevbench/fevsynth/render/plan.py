"""The plan of a set: its subjects, its settings and folder, and each clip and neutral image.

clips/        one video per clip
neutral/      one image per subject and take
truth/        the facts of each of these files, until all are rendered
render.json   the settings; a command that continues must have the same, or more subjects or takes
truth.npz     the ground truth of all clips and images
manifest.json the content of the set, written last
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.atomic import write_text
from fevbench.data.clip import Split
from fevbench.errors import DatasetError
from fevbench.fevsynth import VERSION, Performance
from fevbench.fevsynth.render.expression import ARKIT_UNITS, LABELS

SEXES = ("female", "male")
ANCESTRIES = ("african", "asian", "caucasian")
AGES = ("young", "middle", "old")

MOST_SUBJECTS = 100_000
"""Most subjects of a set; with more, seeds of different sets would be equal."""

# 8 train, 1 val and 3 test in every twelve. The first three subjects already hold one to train on and one to
# test on, and the order never depends on how many follow: a set that grows keeps everybody's split.
_BLOCK: tuple[Split, ...] = (
    *("train", "train", "test"),
    *("train", "train", "val"),
    *("train", "train", "test"),
    *("train", "train", "test"),
)
# Two young, two middle-aged and one old subject in every five.
_AGE_CYCLE = ("young", "middle", "young", "old", "middle")
# Where in the six combinations of sex and ancestry, and in the age cycle, each split begins: chosen so that
# what is left over of the cycles in one split is made up for by the others, for 24 and for 96 subjects.
_START: dict[Split, tuple[int, int]] = {"train": (0, 0), "val": (4, 2), "test": (0, 1)}


@dataclass(frozen=True)
class Subject:
    """One subject of the set.

    Attributes:
        id: ``p000``, ``p001``, ... ``p999``, ``p1000``, ...
        split: The split of all that subject's clips.
        sex: One of `SEXES`.
        ancestry: The main one of the subject's mixture, one of `ANCESTRIES`.
        age: One of `AGES`.
        seed: Everything else about the subject follows from it.
    """

    id: str
    split: Split
    sex: str
    ancestry: str
    age: str
    seed: int


def design(count: int, seed: int) -> list[Subject]:
    """Lay out a set.

    Every split walks through the six combinations of sex and ancestry and, at the same time, through the
    cycle of ages. Six and five have no common divisor, so any six subjects in a row of one split hold each
    combination once, and any thirty each combination with the ages 2:2:1. Nothing about a subject depends on
    ``count``: a larger set begins with the smaller one.

    The seeds of two sets never meet, and are plain numbers that fit a manifest; numpy hashes a seed before
    use, so that neighbouring ones give independent streams.

    Raises:
        ValueError: There are more subjects than seeds.
    """
    if count > MOST_SUBJECTS:
        raise ValueError(f"{count} subjects are more than {MOST_SUBJECTS}")
    return [_subject(number, seed) for number in range(count)]


def _subject(number: int, seed: int) -> Subject:
    block, place = divmod(number, len(_BLOCK))
    split = _BLOCK[place]
    rank = block * _BLOCK.count(split) + _BLOCK[:place].count(split)
    combination, age = (start + rank for start in _START[split])
    return Subject(
        id=f"p{number:03d}",
        split=split,
        # Two and three have no common divisor either: six in a row are the six combinations.
        sex=SEXES[combination % len(SEXES)],
        ancestry=ANCESTRIES[combination % len(ANCESTRIES)],
        age=_AGE_CYCLE[age % len(_AGE_CYCLE)],
        seed=seed * MOST_SUBJECTS + number,
    )


Floats = NDArray[np.float64]

LICENCE = "CC0-1.0"
UNITS = tuple(sorted(ARKIT_UNITS))
"""The face units in the order of the columns of `Rendered.weights`."""


@dataclass(frozen=True)
class Job:
    """One clip, or one neutral image, to render.

    Attributes:
        label: The expression; None for a neutral image.
        frames: Length; 1 for a neutral image.
        size: Width and height in pixels.
    """

    subject: Subject
    label: str | None
    repetition: int
    frames: int
    size: int
    folder: Path
    assets: Path

    @property
    def id(self) -> str:
        """The id of the clip or image: subject, label if any, and take, joined by hyphens."""
        return "-".join(filter(None, (self.subject.id, self.label, str(self.repetition))))

    @property
    def file(self) -> str:
        """Path of the pixels below the set's folder."""
        return f"neutral/{self.id}.png" if self.label is None else f"clips/{self.id}.mkv"

    @property
    def path(self) -> Path:
        """The file of the pixels."""
        return self.folder / self.file

    @property
    def sidecar(self) -> Path:
        """The file of what is known about the pixels."""
        return self.folder / "truth" / f"{self.id}.npz"

    @property
    def origin(self) -> dict[str, Any]:
        """A digest of what determines the pixels: a file with the same origin need not be rendered again."""
        return {
            "renderer": VERSION,
            "subject": {key: value for key, value in asdict(self.subject).items() if key != "split"},
            "label": self.label,
            "take": self.repetition,
            "frames": self.frames,
            "size": self.size,
        }

    def rng(self) -> np.random.Generator:
        """The random numbers of this clip or image, independent of those of any other and of the subject's.

        A spawn key keeps them apart; with ``default_rng([seed, 0, 0])`` numpy would pad the shorter seed of
        the subject with zeros and give both the same numbers.
        """
        kind = 0 if self.label is None else 1 + LABELS.index(self.label)
        return np.random.default_rng(
            np.random.SeedSequence(self.subject.seed, spawn_key=(kind, self.repetition))
        )


@dataclass(frozen=True)
class Rendered:
    """The pixels of T frames, and their ground truth.

    Attributes:
        frames: (T, size, size, 3) uint8, RGB.
        performance: The timing of the expression; None for a neutral image.
        weights: (T, 52) weight of each of `UNITS`, blinks included; 1 is the modelled full strength.
        pose: (T, 3) yaw, pitch and roll of the head, degrees.
        points: (T, 5, 2) pixels; see `fevbench.fevsynth.truth.Truth`.
        light: (3,) unit vector towards the key light.
        key: (3,) linear RGB strength of the key light.
        ambient: (3,) linear RGB strength of the light from all around.
    """

    frames: NDArray[np.uint8]
    performance: Performance | None
    weights: Floats
    pose: Floats
    points: Floats
    light: Floats
    key: Floats
    ambient: Floats


SETTINGS_FILE = "render.json"
_GROWING = ("people", "takes")


@dataclass(frozen=True)
class Settings:
    """The settings of a set.

    Attributes:
        takes: Performances of each label per subject.
        frames: Length of a clip.
        size: Width and height, pixels.
    """

    people: int
    takes: int
    frames: int
    size: int
    seed: int


def jobs_of(settings: Settings, folder: Path, assets: Path) -> Iterator[Job]:
    """Yield every clip and neutral image of a set, those of one subject in a row."""
    for subject in design(settings.people, settings.seed):
        for repetition in range(settings.takes):
            yield Job(subject, None, repetition, 1, settings.size, folder, assets)
            for label in LABELS:
                yield Job(subject, label, repetition, settings.frames, settings.size, folder, assets)


def claim_folder(folder: Path, settings: Settings) -> None:
    """Claim ``folder`` for this set.

    A set may grow: its subjects and takes are the first of a larger set, with the same split, files and
    pixels (`design`).

    Raises:
        DatasetError: The folder holds a set of other settings, a larger one, or something else, or cannot be
            written.
    """
    wanted = {"renderer": VERSION, **asdict(settings)}
    try:
        _check_free(folder, wanted)
        write_text(folder / SETTINGS_FILE, json.dumps(wanted, indent=1) + "\n")
    except OSError as error:
        raise DatasetError(
            f"{folder} cannot be written ({error.strerror})", "choose another --out"
        ) from error


def _check_free(folder: Path, wanted: dict[str, Any]) -> None:
    file = folder / SETTINGS_FILE
    if file.exists():
        _check_fits(folder, _read(file), wanted)
    elif folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise DatasetError(f"{folder} is not empty and holds no unfinished rendering", "choose another --out")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {key: content[key] for key in ("renderer", *Settings.__dataclass_fields__)}
    except (ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{file} is broken", "choose another --out, or delete the folder") from error


def _check_fits(folder: Path, there: dict[str, Any], wanted: dict[str, Any]) -> None:
    changed = [f"{key} {there[key]}, not {wanted[key]}" for key in there if there[key] != wanted[key]]
    if any(there[key] != wanted[key] for key in there if key not in _GROWING):
        raise DatasetError(
            f"{folder} holds a set with other settings ({'; '.join(changed)})",
            "give the same ones, choose another --out, or delete the folder",
        )
    if any(there[key] > wanted[key] for key in _GROWING):
        raise DatasetError(
            f"{folder} holds a larger set ({'; '.join(changed)})",
            "give at least as many subjects and repetitions, or choose another --out",
        )
