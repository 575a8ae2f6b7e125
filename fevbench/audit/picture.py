"""The audit as a heat map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.atomic import replacing
from fevbench.audit.scene import STRENGTHS
from fevbench.audit.table import title_of
from fevbench.audit.verdict import Ladders
from fevbench.metrics.catalog import metrics as catalog

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from fevbench.audit.record import Audit

PICTURE_FILE = "audit.png"
COLOURS = ("#2166ac", "#f7f7f7", "#b2182b")
"""Better than on true clips, the same, as bad as it gets: told apart by the colour blind, too."""


def draw_audit(path: Path, audit: Audit) -> None:
    """Draw a row a metric and a column a damage, five strengths from left to right in each field.

    Colour says how much worse the metric got, as a part of the most it got worse by any damage that leaves
    the faces to be found. A frame says
    what the metric declares that it notices (solid) or ignores (dotted); one that is not kept has a cross.

    Args:
        path: A PNG.
        audit: What was found.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    ladders = Ladders(audit.steps)
    parts = np.stack([ladders.parts(strength) for strength in range(1, STRENGTHS + 1)], axis=-1)
    rows, columns, _ = parts.shape
    figure = Figure(figsize=(2.6 + 0.86 * columns, 1.9 + 0.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colours = LinearSegmentedColormap.from_list("audit", COLOURS)
    scale = Normalize(-1, 1)
    axes.imshow(
        np.clip(parts.reshape(rows, -1), -1, 1), cmap=colours, norm=scale, aspect="auto",
        extent=(0, columns, rows, 0), interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks(np.arange(columns) + 0.5, list(ladders.damages), rotation=35, ha="right")
    headings = [f"{name} {catalog.get(name).arrow}" for name in ladders.metrics]
    axes.set_yticks(np.arange(rows) + 0.5, headings)
    axes.tick_params(length=0)
    above = axes.secondary_xaxis("top")  # the rows are many
    above.set_xticks(np.arange(columns) + 0.5, list(ladders.damages), rotation=35, ha="left")
    above.tick_params(length=0)
    above.spines["top"].set_visible(False)
    kinds = [audit.damages[name].kind for name in ladders.damages]
    families = [catalog.get(name).definition.family for name in ladders.metrics]
    for x in range(1, columns):
        axes.axvline(x, color="white", linewidth=3 if kinds[x] == kinds[x - 1] else 9)
    for y in range(1, rows):
        axes.axhline(y, color="white", linewidth=2 if families[y] == families[y - 1] else 7)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _mark(axes, audit, ladders)
    axes.set_title(
        f"{title_of(audit)}. In each field five strengths.\n"
        "Solid frame: must notice; dotted: must ignore; cross: does not. ",
        fontsize=9, loc="left",
    )  # fmt: skip
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.7, ticks=[-1, 0, 1], pad=0.01)
    bar.ax.set_yticklabels(["better", "as true clips", "as bad as it gets"], fontsize=8)
    with replacing(path) as part:
        figure.savefig(part, format="png", dpi=150)


def _mark(axes: Axes, audit: Audit, ladders: Ladders) -> None:
    """Frames of what is declared, crosses where it is not so."""
    from matplotlib.patches import Rectangle

    for verdict in audit.verdicts:
        x, y = ladders.damages.index(verdict.damage), ladders.metrics.index(verdict.metric)
        style = "-" if verdict.must == "notice" else ":"
        frame = Rectangle(
            (x + 0.06, y + 0.1), 0.88, 0.8, fill=False, edgecolor="black", linestyle=style, zorder=4
        )
        axes.add_patch(frame)
        if not verdict.kept:
            axes.plot([x + 0.06, x + 0.94], [y + 0.1, y + 0.9], color="black")
            axes.plot([x + 0.06, x + 0.94], [y + 0.9, y + 0.1], color="black")
