"""Reading and writing results, also of older versions, and checking the clips beside a result.

A result holds the digest of the pixels of each scored clip, and each clip file holds the digest of its
pixels. They differ if a model that is not deterministic generated the clips again; the scores then belong to
other clips.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from fevbench.atomic import write_text
from fevbench.data.clip import DIGEST_TAG, LOSSLESS_SUFFIX, Clip, Dataset, Split
from fevbench.errors import RunError, suggested_fix
from fevbench.records import first_fault
from fevbench.results.schema import RESULT_FILE, SCHEMA_VERSION, Result
from fevbench.wording import first_few, quantity

CLIPS_FOLDER = "clips"
NOISE_FOLDER = "draws"
HEAD = 4096
"""Bytes at the beginning of a clip that hold its digest, so that it need not be decoded."""
_TAG = re.compile(rb"%b\x44\x87\xc0([0-9a-f]{64})" % DIGEST_TAG.encode())
"""A tag of Matroska: its name, the element that holds a text (0x4487), its length of 64, and the text."""
Content = dict[str, Any]
"""The content of a result's file before validation: a migration step must accept any content."""
Find = Callable[[str, str], "Dataset | None"]
"""Name and version of a data set to the data set, if that version is here."""
RENAMED = {
    "03dacc5e8279385b93fa2a43babe9af8d7ff62080bf150580cb6c65a816542b3": ("fev-gan", "fev-gan-warp"),
    "e189b3368fa157582bfd2a199a065d3dd073581736f1d406f380b9b93c0e0b3c": (
        "fev-gan:12000-clips",
        "fev-gan-warp:12000-clips",
    ),
}
"""The fingerprints of models that had another name in version 0.1, to that name and today's. The model that
warps the input was called ``fev-gan``, which is now the model of the paper."""
TRAINING_FILE = "train.json"
"""File name of the settings in a training's folder."""
RUN_FILE = "run.json"
"""File name of the settings in a run folder."""
_REPEAT = "delete it and repeat its run, which keeps the clips"


def file_name(clip: Clip) -> str:
    """The file name of a generated clip."""
    return f"{clip.id}{LOSSLESS_SUFFIX}"


def check_clips(folder: Path, result: Result) -> None:
    """Check that the clips of a run folder are those that its result scored; missing clips are ignored.

    The digests stored in the clips are compared. Damaged pixels are noticed only when a clip is decoded.

    Raises:
        RunError: Some are other clips, or one cannot be read.
    """
    if others := list(other_clips(folder, result)):
        what = f"{folder}: {not_scored(others)}"
        raise RunError(what, "repeat its command, which scores the clips that are there")


def not_scored(others: Sequence[str]) -> str:
    """The text that says that some clips are not those of a result."""
    return f"{quantity(len(others), 'clip is', 'clips are')} not what was scored ({first_few(others)})"


def other_clips(folder: Path, result: Result) -> Iterator[str]:
    """Yield the files of a run folder that are not the clips of its result, by their paths in it."""
    wanted = [(CLIPS_FOLDER, clip, digest) for clip, digest in result.clips.items()]
    for clip, digests in result.draws.items():
        wanted += [(f"{NOISE_FOLDER}/{draw}", clip, digest) for draw, digest in enumerate(digests, start=1)]
    for inside, clip, digest in wanted:
        # An untrusted result may name any path: nothing outside the folder is read.
        name = f"{clip}{LOSSLESS_SUFFIX}"
        plain = "\0" not in name and Path(name).name == name
        if not plain or written_digest(folder / inside / name) not in (digest, None):
            yield f"{inside}/{name}"


def written_digest(path: Path) -> str | None:
    """The digest stored in a clip; empty if there is none or it is not a file, None if it does not exist.

    Raises:
        RunError: It cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            return ""
        with path.open("rb") as file:
            tag = _TAG.search(file.read(HEAD))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        fix = suggested_fix(error, "check its permissions")
        raise RunError(f"{path} cannot be read ({error.strerror})", fix) from error
    return tag[1].decode() if tag else ""


def is_readable(version: object) -> bool:
    """Whether results of a schema version can be read here."""
    return type(version) is int and (version == SCHEMA_VERSION or version in STEPS)


def migrate(content: Content, find: Find) -> Content:
    """Convert a result's content, of a version that `is_readable`, to this version, step by step."""
    while (version := content["schema_version"]) != SCHEMA_VERSION:
        content = {**STEPS[version](content, find), "schema_version": version + 1}
    return _with_todays_name(content)


def _with_todays_name(content: Content) -> Content:
    """Give the model its name in this version, by its fingerprint."""
    model = content.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("fingerprint"), str):
        return content
    before, now = RENAMED.get(model["fingerprint"], ("", ""))
    if not before or model.get("name") != before:
        return content
    return {**content, "model": {**model, "name": now, "adapted": True}}


def _with_subjects_and_labels(content: Content, find: Find) -> Content:
    """1 to 2: the subject and the label of every scored clip, from the data set if it is here.

    The name and version of a data set determine the subjects and labels of its clips. If a result names other
    subjects than the data set, it is about another data set of that name, and nothing is added.
    """
    record, scored = content.get("dataset"), _scored(content)
    if not isinstance(record, dict) or record.get("labels_of") or not scored:
        return content
    name, version = record.get("name"), record.get("version")
    dataset = find(name, version) if isinstance(name, str) and isinstance(version, str) else None
    if dataset is None:
        return content
    splits: tuple[Split, ...] = get_args(Split)
    clips = [clip for split in splits for clip in dataset.clips(split) if clip.id in scored]
    subjects = {clip.id: clip.subject for clip in clips}
    if len(subjects) < len(scored) or record.get("subjects_of") not in (None, {}, subjects):
        return content
    known = {
        "subjects_of": subjects,
        "labels": list(dataset.labels),
        "labels_of": {clip.id: clip.label for clip in clips},
    }
    return {**content, "dataset": {**record, **known}}


def _scored(content: Content) -> set[str]:
    """The ids of the scored clips, as far as a result holds them."""
    record, metrics = content.get("dataset"), content.get("metrics")
    subjects = record.get("subjects_of") if isinstance(record, dict) else None
    if isinstance(subjects, dict) and subjects:
        return set(subjects)
    found = metrics.values() if isinstance(metrics, dict) else ()
    of_clips = [metric.get("per_clip") for metric in found if isinstance(metric, dict)]
    return {clip for values in of_clips if isinstance(values, dict) for clip in values}


STEPS: dict[int, Callable[[Content, Find], Content]] = {1: _with_subjects_and_labels}
"""Version to the step from it to the next one."""


class NoResult(RunError):
    """A training, or an unfinished run: it has no fault, but no result yet."""


def read_result(path: Path, of_its_clips: bool = True) -> Result:
    """Read a result from its file or from its run folder; an older schema is converted to this one.

    The clips beside it must be those that it scored, unless ``of_its_clips`` is False.

    Raises:
        NoResult: It is a training, or a run that is not finished.
        RunError: There is no result, or it does not follow the schema, or the clips beside it are others.
    """
    if not path.exists():
        raise RunError(f"{path} does not exist", "give a run folder or a result.json")
    file = path / RESULT_FILE if path.is_dir() else path
    # The advice is to delete only a run's own result: other files may be the user's work.
    fix = _REPEAT if file.name == RESULT_FILE else f"give a run folder or its {RESULT_FILE}"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _without_result(path) from None
    except OSError as error:
        raise RunError(
            f"{file} cannot be read ({error.strerror})", suggested_fix(error, "check its permissions")
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
        raise RunError(f"{file} is not a result ({first_fault(error)})", fix) from error
    if of_its_clips:
        check_clips(file.parent, result)
    return result


def _dataset(name: str, version: str) -> Dataset | None:
    """The data set of a name, if it is known here and has that version."""
    from fevbench.data.datasets import dataset_here, datasets

    return dataset_here(name, version) if name in datasets else None


def _without_result(folder: Path) -> RunError:
    """The error for a folder without a result, by what the folder holds."""
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
