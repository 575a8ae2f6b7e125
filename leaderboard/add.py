"""Filing a run among the results that count, with small copies of its clips for people to look at."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from fevbench.atomic import write_text
from fevbench.data.show import write_mp4
from fevbench.data.video import LOSSLESS_SUFFIX, read_written
from fevbench.errors import RunError
from fevbench.results.files import read_result
from fevbench.results.schema import Result
from fevbench.run.folder import CLIPS_FOLDER
from leaderboard.check import DIRTY
from leaderboard.entries import TRUE_CLIPS, Entry, clips_folder, load_entries, load_entry, run_id
from leaderboard.layout import place, scored_clips, small_clip
from leaderboard.runs import check_sound
from leaderboard.truth import Truth, Truths

WIDTH = 128
"""Least width of a small clip, pixels: H.264 halves the resolution of colours, and 32 pixels are few."""
QUALITY = 18
"""H.264's constant rate factor of small clips: wrinkles and a generator's patterns stay."""


def add(run: Path, results: Path, truths: Truths, replace: bool = False, allow_dirty: bool = False) -> Entry:
    """File a run. A kill leaves either nothing of it that is shown, or all of it.

    Args:
        run: The run folder.
        results: The folder of results.
        truths: The true clips.
        replace: Whether it may take the place of another result of its model.
        allow_dirty: Whether it may have been made by changed code.

    Raises:
        RunError: Something is wrong with it, it is there already, or its place is taken.
    """
    result = read_result(run)
    check_sound(run, truths)
    if not allow_dirty:
        _check_clean(run, result)
    target = results / place(result)
    known = load_entries([results]) if results.exists() else None
    for entry in known.entries if known else ():
        same = entry.id == run_id(result)
        if same and not (replace and entry.file.resolve() == target.resolve()):
            raise RunError(f"{run} is there already: {entry.file}", "leave it out, or --replace it")
    if target.exists() and not replace:
        raise RunError(
            f"{target} holds another result of {result.model.name}", "rename the model or --replace it"
        )
    _file(run, target, result, truths.of(result))
    return load_entry(target)


def _check_clean(run: Path, result: Result) -> None:
    commit = result.environment.commit or ""
    if commit.endswith(DIRTY):
        raise RunError(
            f"{run} was made by changed code ({commit[:12]}{DIRTY})",
            "commit the changes and score it again, or --allow-dirty",
        )


def _file(run: Path, target: Path, result: Result, truth: Truth) -> None:
    """Write the small clips, then the result that makes them count."""
    folder = clips_folder(target)
    part = _empty_part(folder)
    try:
        for clip in scored_clips(result):
            frames = read_written(run / CLIPS_FOLDER / f"{clip}{LOSSLESS_SUFFIX}")
            write_mp4(small_clip(part, clip), frames, truth.fps, _scale(truth), QUALITY)
        # Between here and the result's file, its clips are nobody's, and repeating the command goes on.
        target.unlink(missing_ok=True)
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for true in truth.corpus.clips:
        path = small_clip(target.parent / TRUE_CLIPS, true.id)
        if not path.exists():
            write_mp4(path, truth.corpus.frames(true), truth.fps, _scale(truth), QUALITY)
    write_text(target, result.model_dump_json(indent=1) + "\n")


def _scale(truth: Truth) -> int:
    return -(-WIDTH // truth.protocol.size)


def _empty_part(folder: Path) -> Path:
    """A new folder beside the one to write; what killed attempts left of theirs is removed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.iterdir():
        if re.fullmatch(rf"\.{re.escape(folder.name)}\.\d+\.part", left.name):
            shutil.rmtree(left, ignore_errors=True)
    part = folder.parent / f".{folder.name}.{os.getpid()}.part"
    part.mkdir()
    return part
