"""Tiles in rows on white, with small captions: the paper of a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fevbench.atomic import replacing

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

FONT_SIZE = 11
LINE = 15
"""Height of a caption, pixels."""
GAP = 4
MARGIN = 8
LARGEST = 700_000
"""Bytes of a sheet, at most, as far as coarser colours help."""
LEVELS = (256, 128, 64)
"""Steps of a colour channel that are tried, finest first. Noise hides the steps, and costs most bytes."""


@dataclass(frozen=True)
class Row:
    """One row of tiles.

    Attributes:
        pictures: Each ``uint8[H, W, 3]``; None leaves a place empty.
        captions: Below each picture; empty for none.
        heading: Before the row.
        title: Above the row, which starts a new part; empty for none.
    """

    pictures: Sequence[Frames | None]
    captions: Sequence[str] = ()
    heading: str = ""
    title: str = ""


def lay_out(rows: Sequence[Row], tile: int, columns: Sequence[str] = ()) -> Image.Image:
    """Draw a sheet.

    Args:
        rows: From top to bottom.
        tile: Height and width of a picture on the sheet, pixels.
        columns: Above the first row, one a column.
    """
    font = ImageFont.load_default(FONT_SIZE)
    indent = max(round(font.getlength(row.heading)) + GAP if row.heading else 0 for row in rows)
    across = max(len(row.pictures) for row in rows)
    width = 2 * MARGIN + indent + across * (tile + GAP) - GAP
    height = 2 * MARGIN + sum(_height(row, tile) for row in rows) + (LINE if columns else 0)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    left, y = MARGIN + indent, MARGIN

    def write(x: float, text: str, middle: bool) -> None:
        pen.text((x, y + LINE / 2), text, "black", font, anchor="mm" if middle else "lm")

    def centre(column: int) -> float:
        return left + column * (tile + GAP) + tile / 2

    if columns:
        for i, text in enumerate(columns):
            write(centre(i), text, middle=True)
        y += LINE
    for row in rows:
        if row.title:
            write(MARGIN, row.title, middle=False)
            y += LINE
        pen.text((MARGIN, y + tile / 2), row.heading, "black", font, anchor="lm")
        for i, picture in enumerate(row.pictures):
            if picture is not None:
                sheet.paste(_scaled(picture, tile), (left + i * (tile + GAP), y))
        y += tile
        if row.captions:
            for i, text in enumerate(row.captions):
                write(centre(i), text, middle=True)
            y += LINE
        y += GAP
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    """Write a sheet as PNG, with as many levels a channel as keep it within `LARGEST`."""
    for levels in LEVELS:
        step = 256 // levels
        pixels = np.asarray(sheet).astype(np.int64)
        coarse = np.minimum((pixels + step // 2) // step * step, 255).astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(coarse).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= LARGEST:
            break
    with replacing(path) as part:
        part.write_bytes(buffer.getvalue())


def _height(row: Row, tile: int) -> int:
    return (LINE if row.title else 0) + tile + (LINE if row.captions else 0) + GAP


def _scaled(picture: Frames, tile: int) -> Image.Image:
    image = Image.fromarray(picture)
    if image.size == (tile, tile):
        return image
    shrinks = tile < image.width
    return image.resize((tile, tile), Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC)
