"""Reading and writing results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.errors import FevbenchError, RunError, way_out
from fevbench.results.clips import check_clips
from fevbench.results.migrate import is_readable, migrate
from fevbench.results.schema import RESULT_FILE, SCHEMA_VERSION, Result

if TYPE_CHECKING:
    from fevbench.data.clip import Dataset

TRAINING_FILE = "train.json"
"""What the settings of a training are called, in its folder."""
RUN_FILE = "run.json"
"""What the settings of a run are called, in its folder."""
_REPEAT = "delete it and repeat its run, which keeps the clips"


class NoResult(RunError):
    """A training, or a run that is not finished: nothing is wrong with it, and it holds no result."""


def read_result(path: Path, of_its_clips: bool = True) -> Result:
    """Read a result from its file or from its run folder; one of an older schema as one of this.

    Args:
        path: The file, or the folder.
        of_its_clips: Whether the clips that lie beside it must be those it is about.

    Raises:
        NoResult: It is a training, or a run that is not finished.
        RunError: There is no result, or it does not follow the schema, or the clips beside it are others.
    """
    if not path.exists():
        raise RunError(f"{path} does not exist", "give a run folder or a result.json")
    file = path / RESULT_FILE if path.is_dir() else path
    # Nothing but a run's own result is ever to be deleted: other files are somebody's work.
    fix = _REPEAT if file.name == RESULT_FILE else f"give a run folder or its {RESULT_FILE}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _without_result(path) from None
    except OSError as error:
        raise RunError(
            f"{file} cannot be read ({error.strerror})", way_out(error, "check its permissions")
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is not a result ({error})", fix) from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version is None and file.name in (TRAINING_FILE, RUN_FILE):
        raise _without_result(file.parent)
    if not is_readable(version):
        raise RunError(
            f"{file} has schema version {version}, this fevbench reads {SCHEMA_VERSION}",
            fix if version is None else f"use the fevbench that wrote it, or {fix}",
        )
    try:
        result = Result.model_validate_json(json.dumps(migrate(content, _dataset)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{file} is not a result ({where}: {first['msg']})", fix) from error
    if of_its_clips:
        check_clips(file.parent, result)
    return result


def _dataset(name: str, version: str) -> Dataset | None:
    """The data set of a name, if it is one of those known by name and of that version."""
    from fevbench.data.datasets import datasets, open_dataset

    if name not in datasets:
        return None
    try:
        dataset = open_dataset(name)
    except FevbenchError:
        return None
    return dataset if dataset.version == version else None


def _without_result(folder: Path) -> RunError:
    """The error of a folder without a result, by what it is instead."""
    if (folder / TRAINING_FILE).is_file():
        return NoResult(
            f"{folder} is a training, not a run", f"score its generator: fevbench run MODEL:{folder} DATASET"
        )
    if (folder / RESULT_FILE).is_file():
        return RunError(f"{folder / RUN_FILE} is not a result", f"give {folder}")
    if (folder / RUN_FILE).is_file():
        return NoResult(f"{folder} is a run that is not finished", "repeat its command")
    fix = "finish the run: repeat its command; or give another folder"
    return RunError(f"{folder} holds no {RESULT_FILE}", fix)


def write_result(folder: Path, result: Result) -> Path:
    """Write a result into a run folder, atomically; returns the file."""
    path = folder / RESULT_FILE
    write_text(path, result.model_dump_json(indent=1) + "\n")
    return path
