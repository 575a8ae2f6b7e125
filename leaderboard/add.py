"""Adding a run to the leaderboard's results, with small copies of its clips for viewing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fevbench.atomic import write_text
from fevbench.data.clip import Frames
from fevbench.data.show import write_mp4
from fevbench.data.video import LOSSLESS_SUFFIX, read_written
from fevbench.errors import RunError
from fevbench.results.files import CLIPS_FOLDER, read_result
from fevbench.results.schema import Result
from leaderboard.check import DIRTY
from leaderboard.entries import Entry, load_entry, run_id
from leaderboard.ground_truth import GroundTruth, TrueClips
from leaderboard.history import entries_of, read_history, record
from leaderboard.layout import place, scored_clips, small_of
from leaderboard.runs import check_sound
from leaderboard.small_clips import CLIPS_SUFFIX, TRUE_CLIPS, archive_of, find_small_clips, write_small_clips

WIDTH = 128
"""Least width of a small clip, pixels: H.264 halves the resolution of colours, which hurts small clips."""
QUALITY = 18
"""H.264's constant rate factor of small clips, which preserves wrinkles and a generator's artefacts."""


def add(
    run: Path, results: Path, truths: GroundTruth, replace: bool = False, allow_dirty: bool = False
) -> Entry:
    """Add a run, and write the table's new state into the history.

    After a kill, either nothing or everything of the run is shown. With ``replace`` it may take the place of
    another result of its model; with ``allow_dirty``, code with uncommitted changes may have made it.

    Raises:
        RunError: The run has a fault, is already there, or its place is taken.
    """
    result = read_result(run)
    check_sound(run, truths)
    read_history(results)  # raises for a broken history before anything is written
    if not allow_dirty:
        _check_clean(run, result)
    target = results / place(result)
    known = entries_of(results) if results.exists() else ()
    for entry in known:
        same = entry.id == run_id(result)
        if same and not (replace and entry.file.resolve() == target.resolve()):
            raise RunError(f"{run} is there already: {entry.file}", "leave it out, or give --replace")
    _check_own(target, result, known)
    if target.exists() and not replace:
        raise RunError(
            f"{target} holds another result of {result.model.name}", "rename the model, or give --replace"
        )
    _file(run, target, result, truths.of(result))
    record(results)
    return load_entry(target)


def _check_own(target: Path, result: Result, known: Sequence[Entry]) -> None:
    """Check that a result does not replace that of another model with the same file name."""
    for entry in known:
        name = entry.result.model.name
        if entry.file.resolve() == target.resolve() and name != result.model.name:
            raise RunError(
                f"{target} holds a result of {name}, and {result.model.name} would get the same file name",
                "rename the model",
            )


def _check_clean(run: Path, result: Result) -> None:
    commit = result.environment.commit or ""
    if commit.endswith(DIRTY):
        raise RunError(
            f"{run} was made by code with uncommitted changes ({commit[:12]}{DIRTY})",
            "commit them and score it again, or give --allow-dirty",
        )


def _file(run: Path, target: Path, result: Result, truth: TrueClips) -> None:
    """Write the small clips, then the result that makes them count."""
    folder, name = target.parent, target.stem
    shown = small_of(scored_clips(result))
    made = {
        clip: _small(read_written(run / CLIPS_FOLDER / f"{clip}{LOSSLESS_SUFFIX}"), truth) for clip in shown
    }
    true = find_small_clips(folder, TRUE_CLIPS)
    try:
        known = true.all() if true else {}
    except OSError as error:
        raise RunError(f"{true and true.path} cannot be read ({error.strerror})", "delete them") from error
    lacking = [clip for clip in truth.corpus.clips if clip.id in made and clip.id not in known]
    known |= {clip.id: _small(truth.corpus.frames(clip), truth) for clip in lacking}
    # Until its new file exists, a replaced result is gone, so that no old result has new clips.
    target.unlink(missing_ok=True)
    write_small_clips(archive_of(folder, name), made)
    if lacking or not archive_of(folder, TRUE_CLIPS).exists():
        write_small_clips(archive_of(folder, TRUE_CLIPS), known)
    for old in (folder / name, folder / TRUE_CLIPS):  # of older versions, without an archive
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
    write_text(target, result.model_dump_json(indent=1) + "\n")


def _small(frames: Frames, truth: TrueClips) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / f"small{CLIPS_SUFFIX}"
        write_mp4(path, frames, truth.fps, -(-WIDTH // truth.protocol.size), QUALITY)
        return path.read_bytes()
