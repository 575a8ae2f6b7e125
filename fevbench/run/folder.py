"""The run folder, the unit of resume: the settings that own it, its clips, its result.

runs/copy--fevsynth--64x16--test--seed0/
run.json      the settings; whoever continues must have the same
clips/        one lossless clip each
draws/N/      some of them made again, where a metric compares clips of one face and label
result.json   written last
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.errors import RunError
from fevbench.results.schema import RESULT_FILE
from fevbench.run.late import READS_FILE
from fevbench.run.plan import Settings

SETTINGS_FILE = "run.json"
CLIPS_FOLDER = "clips"
DRAWS_FOLDER = "draws"
_OWN_PART = re.compile(r"\.(run|result)\.\d+\.[^.]+\.part\.json")


def default_folder(settings: Settings) -> Path:
    """``runs/MODEL--DATASET--PROTOCOL--SPLIT--seedN``, with the limit if there is one."""
    protocol = settings.protocol.partition("@")[0]
    parts = [settings.model, settings.dataset, protocol, settings.split, f"seed{settings.seed}"]
    if settings.limit is not None:
        parts.append(f"limit{settings.limit}")
    return Path("runs") / "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)


def claim_folder(out: Path, settings: Settings) -> bool:
    """Make ``out`` this run's folder.

    Returns:
        Whether a run with these settings was begun here before.

    Raises:
        RunError: The folder holds another run, or something else, or cannot be written.
    """
    file = out / SETTINGS_FILE
    try:
        begun = file.exists()
        if not begun and out.exists() and not out.is_dir():
            raise RunError(f"{out} is a file", "give --out a folder")
        if not begun and out.exists() and not all(_OWN_PART.fullmatch(path.name) for path in out.iterdir()):
            raise RunError(f"{out} is not empty and holds no run", "choose another --out")
        if begun and _holds_work(out):
            _check_same(file, settings)
        else:
            write_text(file, settings.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{out} cannot be written ({error.strerror})", "choose another --out") from error
    if not os.access(out, os.W_OK):
        raise RunError(f"{out} cannot be written", "choose another --out")
    return begun


def discard(out: Path) -> None:
    """Delete what a run made from its folder, and nothing else; the folder can then be claimed anew."""
    if (out / SETTINGS_FILE).exists():
        (out / RESULT_FILE).unlink(missing_ok=True)
        (out / READS_FILE).unlink(missing_ok=True)
        for clip in _clips(out):
            clip.unlink()


def _holds_work(out: Path) -> bool:
    """Whether anything here would be lost or mixed up by a run with other settings."""
    return (out / RESULT_FILE).exists() or any(_clips(out))


def _clips(out: Path) -> list[Path]:
    folders = (CLIPS_FOLDER, f"{DRAWS_FOLDER}/*")
    return sorted(clip for folder in folders for clip in out.glob(f"{folder}/*{LOSSLESS_SUFFIX}"))


def _check_same(file: Path, settings: Settings) -> None:
    try:
        before = Settings.model_validate_json(file.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise RunError(f"{file} is broken", "choose another --out, or start anew with --overwrite") from error
    old, new = before.model_dump(), settings.model_dump()
    changed = [_difference(key, old[key], new[key]) for key in old if old[key] != new[key]]
    if changed:
        raise RunError(
            f"{file.parent} holds a run with other settings ({'; '.join(changed)})",
            "choose another --out, or start it anew with --overwrite",
        )


def _difference(key: str, old: object, new: object) -> str:
    if key == "fingerprint":
        return "the model's code or videos have changed, or files and weights it is built from"
    return f"{key.replace('_', ' ')} {old} → {new}"
