"""The run folder, the unit of resume: the settings that own it, its clips, its result.

runs/copy--fevsynth--64x16--test--seed0/
run.json      the settings; whoever continues must have the same
clips/        one lossless clip each
outside/      what a program outside said while it made them; see `fevbench.models.workplace`
draws/N/      some of them made again, where a metric compares clips of one face and label
result.json   written last
.lock         there while a process works in it
"""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.data.protocol import protocols
from fevbench.data.video import LOSSLESS_SUFFIX
from fevbench.engine.late import READS_FILE
from fevbench.engine.plan import Settings
from fevbench.errors import RunError, way_out
from fevbench.locks import locked
from fevbench.models.workplace import OUTSIDE_FOLDER
from fevbench.results.files import CLIPS_FOLDER as CLIPS_FOLDER
from fevbench.results.files import NOISE_FOLDER as NOISE_FOLDER
from fevbench.results.schema import RESULT_FILE

SETTINGS_FILE = "run.json"
LOCK_FILE = ".lock"
_OWN_PART = re.compile(r"\.(run|result)\.\d+\.[^.]+\.part\.json")


def default_folder(settings: Settings) -> Path:
    """``runs/MODEL--DATASET--PROTOCOL--SPLIT--seedN``, with the limit if there is one.

    A protocol's newest version goes by its name, an older one by its id: two versions are two runs.
    """
    protocol = settings.protocol.partition("@")[0]
    if protocols.get(protocol).id != settings.protocol:
        protocol = settings.protocol
    parts = [settings.model, settings.dataset, protocol, settings.split, f"seed{settings.seed}"]
    if settings.limit is not None:
        parts.append(f"limit{settings.limit}")
    return Path("runs") / "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts)


def holds_run(out: Path, settings: Settings | None) -> bool:
    """Whether a run was begun in a folder. Nothing is written: the disk may be read-only.

    Args:
        out: The folder, which need not be there.
        settings: What a run that has made something must have; None where it may have any.

    Raises:
        RunError: The folder holds another run, or something else, or cannot be read.
    """
    file = out / SETTINGS_FILE
    try:
        if not out.exists():
            return False
        if not out.is_dir():
            raise RunError(f"{out} is a file", "give --out a folder")
        if not file.exists():
            if all(path.name == LOCK_FILE or _OWN_PART.fullmatch(path.name) for path in out.iterdir()):
                return False
            raise RunError(f"{out} is not empty and holds no run", "choose another --out")
        if settings is not None and _holds_work(out):
            _check_same(file, settings)
    except OSError as error:
        fix = way_out(error, "check its permissions, or choose another --out")
        raise RunError(f"{out} cannot be read ({error.strerror})", fix) from error
    return True


class Claim:
    """A run folder that this process alone works in, until the claim is released.

    Args:
        out: The folder; made if need be.
        settings: What identifies the run.
        overwrite: Whether a run with other settings may be there. It stays until `start_anew`.

    Attributes:
        begun: Whether a run was begun here before.

    Raises:
        RunError: Another process works in the folder; or it holds another run or something else, or cannot
            be written.
    """

    def __init__(self, out: Path, settings: Settings, overwrite: bool = False) -> None:
        self._out, self._settings = out, settings
        with ExitStack() as stack:
            try:
                out.mkdir(parents=True, exist_ok=True)
                if stack.enter_context(locked(out / LOCK_FILE, patience=0)) is False:
                    raise RunError(
                        f"another process works in {out}", "wait until it is done, or choose another --out"
                    )
                self.begun = holds_run(out, None if overwrite else settings)
                if not self.begun or not _holds_work(out):
                    self._write_settings()
            except (FileExistsError, NotADirectoryError) as error:
                raise RunError(f"{out} is a file, or lies in one", "give --out a folder") from error
            except OSError as error:
                fix = way_out(error, "choose another --out")
                raise RunError(f"{out} cannot be written ({error.strerror})", fix) from error
            self._held = stack.pop_all()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let other processes work in the folder."""
        self._held.close()

    def holds_work(self) -> bool:
        """Whether the folder holds clips or a result."""
        return _holds_work(self._out)

    def start_anew(self) -> None:
        """Delete what a run made from the folder, and nothing else."""
        for file in (RESULT_FILE, READS_FILE):
            (self._out / file).unlink(missing_ok=True)
        for clip in _clips(self._out):
            clip.unlink()
        shutil.rmtree(self._out / OUTSIDE_FOLDER, ignore_errors=True)
        self._write_settings()

    def _write_settings(self) -> None:
        write_text(self._out / SETTINGS_FILE, self._settings.model_dump_json(indent=1) + "\n")


def claim_folder(out: Path, settings: Settings, overwrite: bool = False) -> Claim:
    """Make ``out`` this run's folder; see `Claim`."""
    return Claim(out, settings, overwrite)


def _holds_work(out: Path) -> bool:
    """Whether anything here would be lost or mixed up by a run with other settings."""
    return (out / RESULT_FILE).exists() or any(_clips(out))


def _clips(out: Path) -> list[Path]:
    folders = (CLIPS_FOLDER, f"{NOISE_FOLDER}/*")
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
