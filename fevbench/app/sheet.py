"""Rows as the page's table, and as one clip to download."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from fevbench.app.animate import protocol_of
from fevbench.data import show
from fevbench.data.clip import EXPRESSIONS, Frames
from fevbench.generate.photograph import FPS
from fevbench.wording import grouped

if TYPE_CHECKING:
    from fevbench.app.animate import Reading, Row

ASSETS = Path(__file__).parent / "assets"
CELL = 128
"""Pixels of a clip below which it is enlarged to be shown."""


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
        videos={row.model: _as_address(row) for row in rows if row.clips},
        csim=csim_text,
        left_out=grouped((reason, name) for name, reason in left_out.items()),
        absent=absent,
    )


def csim_text(reading: Reading) -> str:
    """The number that stands below a clip."""
    return "no face" if reading.csim is None else f"csim {reading.csim:.2f}"


def _as_address(row: Row) -> Markup:
    """A model's clips, one beside the other in one video, as the address of their bytes: no file stays."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.mp4"
        show.write_mp4(path, show.beside(list(_cells(row).values())), _rate(row))
        content = base64.b64encode(path.read_bytes()).decode()
    return Markup("data:video/mp4;base64,") + content


def write_sheet(path: Path, rows: Sequence[Row]) -> None:
    """Write all clips of all models as one clip, mp4 or GIF by the suffix, with names and csim above them.

    Args:
        path: The file.
        rows: One or more with clips.
    """
    parts = []
    for row in rows:
        cells = [
            show.captioned(show.captioned(clip, csim_text(row.readings[label])), label)
            for label, clip in _cells(row).items()
        ]
        parts.append(show.captioned(show.beside(cells), row.model))
    write = show.write_gif if path.suffix == ".gif" else show.write_mp4
    write(path, np.concatenate(parts, axis=1), _rate(rows[0]))


def _cells(row: Row) -> dict[str, Frames]:
    """The clips as they are shown: small ones are enlarged."""
    return {label: show.enlarged(clip, max(1, CELL // clip.shape[1])) for label, clip in row.clips.items()}


def _rate(row: Row) -> float:
    """Frames a second."""
    size = next(iter(row.clips.values())).shape[1]
    return protocol_of(size).rate(FPS)
