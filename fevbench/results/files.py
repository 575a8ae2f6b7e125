"""Reading and writing results."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.errors import RunError
from fevbench.results.clips import check_clips
from fevbench.results.migrate import is_readable, migrate
from fevbench.results.schema import RESULT_FILE, SCHEMA_VERSION, Result

REPEAT = "delete it and repeat its run, which keeps the clips"


def read_result(path: Path, of_its_clips: bool = True) -> Result:
    """Read a result from its file or from its run folder; one of an older schema as one of this.

    Args:
        path: The file, or the folder.
        of_its_clips: Whether the clips that lie beside it must be those it is about.

    Raises:
        RunError: There is no result, or it does not follow the schema, or the clips beside it are others.
    """
    if not path.exists():
        raise RunError(f"{path} does not exist", "give a run folder or a result.json")
    file = path / RESULT_FILE if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "finish the run: repeat its command; or give another folder"
        raise RunError(f"{path} holds no {RESULT_FILE}", fix) from None
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror})", "check its permissions") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{file} is not a result ({error})", f"give another file, or {REPEAT}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if not is_readable(version):
        raise RunError(
            f"{file} has schema version {version}, this fevbench reads {SCHEMA_VERSION}",
            f"use the fevbench that wrote it, or {REPEAT}",
        )
    try:
        result = Result.model_validate_json(json.dumps(migrate(content)))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunError(f"{file} is not a result ({where}: {first['msg']})", REPEAT) from error
    if of_its_clips:
        check_clips(file.parent, result)
    return result


def write_result(folder: Path, result: Result) -> Path:
    """Write a result into a run folder, atomically; returns the file."""
    path = folder / RESULT_FILE
    write_text(path, result.model_dump_json(indent=1) + "\n")
    return path
