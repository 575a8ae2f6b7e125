"""Checking a finished run for the leaderboard: its result, its settings and its lossless clips."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fevbench.data.video import LOSSLESS_SUFFIX, read_written
from fevbench.engine.folder import SETTINGS_FILE
from fevbench.engine.plan import Settings
from fevbench.errors import FevbenchError, RunError
from fevbench.results.files import CLIPS_FOLDER, not_scored, other_clips, read_result
from fevbench.results.schema import RESULT_FILE, Result
from fevbench.wording import first_few
from leaderboard.check import Finding, check_result
from leaderboard.ground_truth import GroundTruth
from leaderboard.layout import scored_clips


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a finished run."""
    return (path / RESULT_FILE).is_file()


def check_run(folder: Path, ground_truth: GroundTruth) -> Iterator[Finding]:
    """Yield the findings on a finished run.

    Raises:
        RunError: It holds no result.
    """
    result = read_result(folder, of_its_clips=False)
    yield from check_result(result, ground_truth)
    yield from check_settings(folder, result)
    yield from check_clips(folder, result)


def check_sound(folder: Path, ground_truth: GroundTruth) -> None:
    """Check that a finished run has no fault.

    Raises:
        RunError: It has one.
    """
    faults = [finding.what for finding in check_run(folder, ground_truth) if finding.fault]
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise RunError(f"{folder}: {faults[0]}{more}", f"see `fevbench leaderboard check {folder}`")


def check_settings(folder: Path, result: Result) -> Iterator[Finding]:
    """Yield differences between a run's settings and its result."""
    try:
        settings = Settings.model_validate_json((folder / SETTINGS_FILE).read_bytes())
    except (OSError, ValueError):
        yield Finding(f"{SETTINGS_FILE} is missing or broken")
        return
    said = {
        "model": result.model.name,
        "fingerprint": result.model.fingerprint,
        "dataset": result.dataset.name,
        "dataset_version": result.dataset.version,
        "protocol": result.protocol.id,
        "split": result.dataset.split,
        "limit": result.dataset.limit,
        "seed": result.seed,
    }
    for key, value in settings.model_dump().items():
        if key in said and said[key] != value:
            yield Finding(f"{SETTINGS_FILE} says {key} {value!r}, {RESULT_FILE} {said[key]!r}")


def check_clips(folder: Path, result: Result) -> Iterator[Finding]:
    """Yield the faults of a run's clips: missing, damaged, of another shape, or not the scored ones."""
    clips = folder / CLIPS_FOLDER
    if not clips.is_dir():
        yield Finding(f"no {CLIPS_FOLDER}/: repeat the run's command, which makes them again")
        return
    wanted = {f"{clip}{LOSSLESS_SUFFIX}" for clip in scored_clips(result)}
    there = {path.name for path in clips.iterdir() if not path.name.startswith(".")}
    if lacking := sorted(wanted - there):
        yield Finding(f"{CLIPS_FOLDER}/ lacks {first_few(lacking)}")
    if more := sorted(there - wanted):
        yield Finding(f"{CLIPS_FOLDER}/ holds what was not scored: {first_few(more)}")
    size = result.protocol.size
    broken: set[str] = set()
    for name in sorted(wanted & there):
        try:
            read_written(clips / name, (result.protocol.frames, size, size))
        except FevbenchError as error:
            broken.add(f"{CLIPS_FOLDER}/{name}")
            yield Finding(str(error).replace(f"{folder}/", ""))
    others = [path for path in other_clips(folder, result) if path not in broken]
    if others:
        yield Finding(not_scored(others))
