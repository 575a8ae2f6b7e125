"""The losses of a training as curves, for people to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fevbench.atomic import replacing
from fevbench.training.log import LOSSES_FILE

CURVES_FILE = "curves.png"
WINDOWS = 50
"""A line is the mean over one of so many parts of the training; single steps would hide it."""
ACROSS = 3


def draw_curves(folder: Path) -> Path:
    """Draw ``curves.png``: every loss of ``losses.csv`` over the steps, its running mean in front.

    Losses that are computed in some steps only are 0 in the others, which are left out.

    Args:
        folder: The training's folder.

    Returns:
        The picture.
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
    """What to show: the first steps' outliers would make the rest a flat line."""
    low, high = np.percentile(values, [0.5, 99.5])
    margin = 0.05 * (high - low) or 1e-6
    return float(low - margin), float(high + margin)
