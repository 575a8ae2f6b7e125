"""The logs of a training: losses as CSV and for TensorBoard, their curves, and samples to view."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from fevbench.atomic import replacing, write_text
from fevbench.data.clip import Frames
from fevbench.data.show import grid, write_mp4
from fevbench.errors import MissingPackage
from fevbench.training.data import TrainingSet

LOSSES_FILE, TENSORBOARD_FOLDER = "losses.csv", "tensorboard"
CURVES_FILE = "curves.png"
WINDOWS = 50
"""Points per curve: each is the mean over a part of the training, because single steps are noisy."""
ACROSS = 3
SHOWN = 8
"""Frames of a clip on a sheet."""
SCALE = 2
FPS = 12.5


class Log:
    """Losses on the disk; a training that continues after a step drops the losses of later steps.

    ``lost`` is the number of earlier steps without losses, because the file was damaged or removed.

    Raises:
        MissingPackage: tensorboard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingPackage("training", "tensorboard", "train") from error
        path = folder / LOSSES_FILE
        kept = _whole_rows(path, step)
        write_text(path, "".join(f"{row}\n" for row in kept))
        self.lost = step - max(0, len(kept) - 1)
        self._file = path.open("a", encoding="utf-8", newline="")
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._empty = not kept
        self._board = SummaryWriter(str(folder / TENSORBOARD_FOLDER), purge_step=step + 1)

    def write(self, step: int, losses: Mapping[str, float], clips_per_second: float) -> None:
        """Write a step's losses."""
        if self._empty:
            self._rows.writerow(["step", *losses])
            self._empty = False
        self._rows.writerow([step, *(f"{value:.9g}" for value in losses.values())])
        for name, value in losses.items():
            self._board.add_scalar(f"loss/{name}", value, step)
        self._board.add_scalar("clips per second", clips_per_second, step)

    def flush(self) -> None:
        """Check that what was written is on the disk."""
        self._file.flush()
        self._board.flush()

    def close(self) -> None:
        """Write the remaining losses and close the files."""
        self._file.close()
        self._board.close()


def _whole_rows(path: Path, step: int) -> list[str]:
    """The names and the rows up to a step, in order; empty without names."""
    if not step or not path.exists():
        return []
    names, *rows = path.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
    if not names.startswith("step,"):
        return []
    kept, last = [names], 0
    for row in rows:
        cells = row.split(",")
        if len(cells) == names.count(",") + 1 and cells[0].isdecimal() and last < int(cells[0]) <= step:
            kept.append(row)
            last = int(cells[0])
    return kept


def draw_curves(folder: Path) -> Path:
    """Draw ``curves.png``: every loss of ``losses.csv`` over the steps, its running mean in front.

    Losses that are computed only in some steps are 0 in the others, which are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with (folder / LOSSES_FILE).open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")[1:]
        rows = np.loadtxt(file, delimiter=",", ndmin=2)
    down = -(-len(names) // ACROSS)
    figure = Figure(figsize=(4 * ACROSS, 2.4 * down), layout="constrained")
    FigureCanvasAgg(figure)
    for i, name in enumerate(names):
        axes = figure.add_subplot(down, ACROSS, i + 1)
        seen = rows[:, i + 1] != 0
        steps, values = rows[seen, 0], rows[seen, i + 1]
        axes.plot(steps, values, color="0.8", linewidth=0.5)
        axes.plot(*_means(steps, values), color="tab:blue")
        if len(values):
            axes.set_ylim(*_range(values))
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    path = folder / CURVES_FILE
    with replacing(path) as part:
        figure.savefig(part, dpi=100, format="png")
    return path


def _means(steps: np.ndarray, values: np.ndarray) -> tuple[list[float], list[float]]:
    """The mean step and value of each window."""
    parts = np.array_split(np.arange(len(values)), min(WINDOWS, len(values)) or 1)
    kept = [part for part in parts if len(part)]
    return [float(steps[p].mean()) for p in kept], [float(values[p].mean()) for p in kept]


def _range(values: np.ndarray) -> tuple[float, float]:
    """The range to show, without outliers of the first steps, which would flatten the rest."""
    low, high = np.percentile(values, [0.5, 99.5])
    margin = 0.05 * (high - low) or 1e-6
    return float(low - margin), float(high + margin)


def choose(data: TrainingSet) -> list[int]:
    """Indices of one clip per label, of as many different subjects as possible."""
    subjects = list(dict.fromkeys(data.subjects))
    chosen = []
    for label in range(len(data.label_names)):
        fitting = [i for i in range(len(data)) if data.labels[i] == label]
        subject = subjects[label % len(subjects)]
        chosen += [next((i for i in fitting if data.subjects[i] == subject), fitting[0])] if fitting else []
    return chosen


def write_samples(folder: Path, step: int, made: Frames, true: Frames) -> list[Path]:
    """Write ``step-000500.png`` (above each made clip the true one, some frames) and ``.mp4``.

    ``made`` and ``true`` are ``uint8[N, T, S, S, 3]``.
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
