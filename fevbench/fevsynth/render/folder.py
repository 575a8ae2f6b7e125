"""The folder of a rendered set: which settings own it, so that two sets never mix.

clips/        one video a clip
neutral/      one image a person and take
truth/        what is known of each of these files, until all are there
render.json   the settings; whoever continues must have the same, or more people or takes
truth.npz     the ground truth, put together
manifest.json what is in the set, written last
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fevbench.atomic import write_text
from fevbench.errors import DatasetError
from fevbench.fevsynth import VERSION
from fevbench.fevsynth.render.expression import LABELS
from fevbench.fevsynth.render.job import Job
from fevbench.fevsynth.render.population import design

SETTINGS_FILE = "render.json"
_GROWING = ("people", "takes")


@dataclass(frozen=True)
class Settings:
    """What a set is.

    Attributes:
        people: How many there are.
        takes: How often each performs each label.
        frames: Length of a clip.
        size: Width and height, pixels.
        seed: Seed of the whole set.
    """

    people: int
    takes: int
    frames: int
    size: int
    seed: int


def jobs_of(settings: Settings, folder: Path, assets: Path) -> Iterator[Job]:
    """Yield every clip and neutral image of a set, those of one person in a row.

    Args:
        settings: What the set is.
        folder: Where it goes.
        assets: Where the asset archives are.
    """
    for subject in design(settings.people, settings.seed):
        for take in range(settings.takes):
            yield Job(subject, None, take, 1, settings.size, folder, assets)
            for label in LABELS:
                yield Job(subject, label, take, settings.frames, settings.size, folder, assets)


def claim_folder(folder: Path, settings: Settings) -> None:
    """Make ``folder`` the one of this set.

    A set may grow: people and takes that are there are the first of a larger set, with the same split, the
    same files and the same pixels (`population.design`).

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
        raise DatasetError(
            f"{folder} is not empty and holds no set that is being rendered", "choose another --out"
        )


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
            f"{folder} holds a set of other settings ({'; '.join(changed)})",
            "give the same ones, choose another --out, or delete the folder",
        )
    if any(there[key] > wanted[key] for key in _GROWING):
        raise DatasetError(
            f"{folder} holds a larger set ({'; '.join(changed)})",
            "give at least as many people and takes, or choose another --out",
        )
