"""A training's folder, the unit of resuming.

trainings/fev-gan--fevsynth--fevsynth-64x16--seed0/
.lock                   while a process trains
train.json              the settings; a command that continues must have the same
checkpoint.pt           the last good state of everything
losses.csv              every loss of every step
tensorboard/            the same, live
curves.png              the same as curves, up to the last sample
samples/                sheets and videos of the same subjects, at regular steps
generators/             the averaged generator at those steps
generator.safetensors   the averaged generator at the end
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.errors import suggested_fix
from fevbench.locks import locked
from fevbench.records import Record
from fevbench.results.files import TRAINING_FILE
from fevbench.training.checkpoint import CHECKPOINT_FILE
from fevbench.training.guard import TrainingError

SETTINGS_FILE, LOCK_FILE = TRAINING_FILE, ".lock"
SAMPLES_FOLDER, GENERATORS_FOLDER = "samples", "generators"


class Settings(Record):
    """What identifies a training; a command with the same settings continues it."""

    model: str
    dataset: str
    dataset_version: str
    config_name: str
    """The configuration it started from."""
    config: dict[str, Any]
    """Every field of the configuration."""
    seed: int
    init: str | None = None
    """The sha256 of the generator it started from."""


def default_folder(settings: Settings) -> Path:
    """``trainings/MODEL--DATASET--CONFIG--seedN``, or the folder of an older version's training.

    That was ``runs/train--MODEL--…``, among the runs; it is used if the new folder does not exist.
    """
    parts = [settings.model, settings.dataset, settings.config_name, f"seed{settings.seed}"]
    name = "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)
    folder, before = Path("trainings", name), Path("runs", f"train--{name}")
    return before if not folder.exists() and (before / SETTINGS_FILE).exists() else folder


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Keep other processes from training in a folder.

    Raises:
        TrainingError: Another process does, or the folder cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise TrainingError(f"{out} is a file", "give --out a folder")
    with ExitStack() as held:
        try:
            out.mkdir(parents=True, exist_ok=True)
            if held.enter_context(locked(out / LOCK_FILE, patience=0)) is False:
                raise TrainingError(
                    f"another process is writing to {out}", "wait until it is done, or choose another --out"
                )
        except OSError as error:
            fix = suggested_fix(error, "choose another --out")
            raise TrainingError(f"{out} cannot be written ({error.strerror})", fix) from error
        yield


def claim_folder(out: Path, settings: Settings) -> bool:
    """Make ``out`` this training's folder; returns whether there is a checkpoint to continue from.

    Raises:
        TrainingError: The folder holds another training or something else, or it cannot be written.
    """
    file = out / SETTINGS_FILE
    try:
        others = [path for path in out.iterdir() if path.name != LOCK_FILE] if out.exists() else []
        if others and not file.exists():
            raise TrainingError(f"{out} is not empty and holds no training", "choose another --out")
        kept = (out / CHECKPOINT_FILE).exists()
        if kept:
            _check_same(file, settings)
        else:
            write_text(file, settings.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise TrainingError(f"{out} cannot be written ({error.strerror})", "choose another --out") from error
    return kept


def _check_same(file: Path, settings: Settings) -> None:
    try:
        before = Settings.model_validate_json(file.read_text(encoding="utf-8")).model_dump()
    except (ValidationError, UnicodeDecodeError) as error:
        raise TrainingError(f"{file} is broken", "choose another --out") from error
    now = Settings.model_validate_json(settings.model_dump_json()).model_dump()
    old, new = ({**values, **values["config"]} for values in (before, now))
    changed = [
        f"{key} {old.get(key)} → {new.get(key)}"
        for key in dict.fromkeys([*old, *new])
        if key not in ("config", "config_name") and old.get(key) != new.get(key)
    ]
    if changed:
        raise TrainingError(
            f"{file.parent} holds a training with other settings ({'; '.join(changed)})",
            "choose another --out",
        )
