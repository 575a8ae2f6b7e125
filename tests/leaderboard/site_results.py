"""A folder of made-up results with clips, for tests of the site."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from made_up_results import scored

from fevbench.data.show import write_mp4
from fevbench.results.schema import Result
from leaderboard.small_clips import archive_of, write_small_clips

PEOPLE = tuple(f"p{i:02d}" for i in range(8))
LABELS = ("anger", "joy")
CLIPS = {f"{person}-{i}": label for person in PEOPLE for i, label in enumerate(LABELS)}
FRAMES = 16
HOSTILE = '<script>alert("x")</script>'
"""A name that must stay a name."""


def result(name: str, csim: float, motion: float, **changes: Any) -> Result:
    """A model with these means; the clips differ a little, each model's in its own way."""
    waves = {clip: 0.01 * np.sin(i + 7 * csim) for i, clip in enumerate(CLIPS)}
    clips = {
        "csim": {clip: csim + wave for clip, wave in waves.items()},
        "motion": {clip: motion - wave for clip, wave in waves.items()},
        "accuracy": {clip: float(label == "joy") for clip, label in CLIPS.items()},
    }
    own = 0.2 * np.sin(7 * motion * np.arange(12))
    replicates = [100 - 50 * motion + i + float(step) for i, step in enumerate(own)]
    made = scored(name, clips, {"fvd": (100 - 50 * motion, replicates)}, **changes)
    labels = made.dataset.model_copy(update={"labels": list(LABELS), "labels_of": CLIPS})
    read = made.metrics["accuracy"].model_copy(
        update={"readings": dict.fromkeys(CLIPS, "joy"), "ceiling_readings": dict(CLIPS)}
    )
    return made.model_copy(update={"dataset": labels, "metrics": {**made.metrics, "accuracy": read}})


def models() -> dict[str, Result]:
    """File stem to result: three models, one of them hostile, and a control."""
    return {
        "good": result("good", 0.9, 0.8),
        "middling": result("middling", 0.6, 0.9, model__adapted=True),
        "hostile": result(HOSTILE, 0.3, 0.2, model__notes=[f"note {HOSTILE}"]),
        "real": result("real", 0.95, 1.0, model__control=True),
    }


def write(folder: Path, results: Mapping[str, Result], with_clips: bool = True) -> Path:
    """Write results, and clips in which a bar moves a step a frame; returns the folder."""
    for at, (stem, one) in enumerate(results.items()):
        put(folder / f"{stem}.json", one)
        if with_clips:
            write_small_clips(
                archive_of(folder, stem), {clip: mp4(bar(at, i)) for i, clip in enumerate(CLIPS)}
            )
    if with_clips:
        write_small_clips(archive_of(folder, "true"), {clip: mp4(bar(9, i)) for i, clip in enumerate(CLIPS)})
    return folder


def mp4(frames: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        write_mp4(Path(scratch, "a.mp4"), frames, 12.5)
        return Path(scratch, "a.mp4").read_bytes()


def put(file: Path, one: Result) -> None:
    """Write one result."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(one.model_dump_json(), encoding="utf-8")


def bar(model: int, clip: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """``uint8[16, 32, 32, 3]``: a white bar whose place says which frame it is."""
    frames = np.full((FRAMES, 32, 32, 3), 12 * model + 3 * clip % 60, np.uint8)
    for t in range(FRAMES):
        frames[t, :, 2 * t : 2 * t + 2] = 255
    return frames
