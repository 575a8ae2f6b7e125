"""What people look at while a model trains: a sheet and a short video of the same people each time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fevbench.atomic import replacing
from fevbench.data.show import grid, write_mp4

if TYPE_CHECKING:
    from fevbench.data.clip import Frames
    from fevbench.training.data import TrainingSet

SHOWN = 8
"""Frames of a clip on a sheet."""
SCALE = 2
FPS = 12.5


def choose(data: TrainingSet) -> list[int]:
    """Places of a clip of each label, of as many people as there are."""
    people = list(dict.fromkeys(data.subjects))
    chosen = []
    for label in range(len(data.label_names)):
        fitting = [i for i in range(len(data)) if data.labels[i] == label]
        person = people[label % len(people)]
        chosen += [next((i for i in fitting if data.subjects[i] == person), fitting[0])] if fitting else []
    return chosen


def write_samples(folder: Path, step: int, made: Frames, true: Frames) -> list[Path]:
    """Write ``step-000500.png`` (above each made clip the true one, some frames) and ``.mp4``.

    Args:
        folder: Where they go.
        step: Steps trained.
        made: ``uint8[N, T, S, S, 3]``.
        true: The same clips as they really are.
    """
    moments = np.linspace(0, made.shape[1] - 1, SHOWN).round().astype(int)
    rows = [clip[moments] for pair in zip(true, made, strict=True) for clip in pair]
    sheet = Image.fromarray(grid(rows))
    sheet = sheet.resize((SCALE * sheet.width, SCALE * sheet.height), Image.Resampling.BICUBIC)
    picture, video = folder / f"step-{step:06d}.png", folder / f"step-{step:06d}.mp4"
    with replacing(picture) as part:
        sheet.save(part)
    both = np.concatenate([true, made], axis=2)  # the true clip above the made one
    write_mp4(video, np.concatenate(list(both), axis=2), FPS, SCALE)
    return [picture, video]
