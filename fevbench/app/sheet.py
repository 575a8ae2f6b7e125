"""Rows as the page's table, and as one clip to download."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fevbench.data import show
from fevbench.data.clip import EXPRESSIONS, Frames
from fevbench.wording import grouped

if TYPE_CHECKING:
    from fevbench.app.animate import Reading, Row

ASSETS = Path(__file__).parent / "assets"


def table(rows: Sequence[Row], left_out: Mapping[str, str], absent: Mapping[str, str]) -> str:
    """The table as HTML: a row a model, a column an expression. Names and messages in it are escaped.

    Args:
        rows: What was made so far.
        left_out: Models that are not shown, to the reason.
        absent: Classifiers that are not here, to the reason.
    """
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("table.html").render(
        expressions=EXPRESSIONS,
        rows=rows,
        videos={row.model: base64.b64encode(row.video).decode() for row in rows if row.clips},
        csim=csim_text,
        left_out=grouped((reason, name) for name, reason in left_out.items()),
        absent=absent,
    )


def csim_text(reading: Reading) -> str:
    """The number that stands below a clip."""
    return "no face" if reading.csim is None else f"csim {reading.csim:.2f}"


def draw_sheet(rows: Sequence[Row]) -> Frames:
    """All clips of all models as one clip, with names and csim above them.

    Args:
        rows: One or more with clips.
    """
    parts = []
    for row in rows:
        cells = [
            show.captioned(show.captioned(clip, csim_text(row.readings[label])), label)
            for label, clip in row.cells.items()
        ]
        parts.append(show.captioned(show.beside(cells), row.model))
    return np.concatenate(parts, axis=1)
