"""Pictures of a set: rows and columns of labelled frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fevbench.atomic import replacing
from fevbench.data.clip import Frames, Subject
from fevbench.data.datasets import SPLITS
from fevbench.fevsynth.measure.composition import BALANCED
from fevbench.fevsynth.measure.folder import RenderedSet, Shot
from fevbench.progress import Progress

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
    """Draw a sheet of rows of ``tile`` pixels; ``columns`` stand above the first row, one a column."""
    font = ImageFont.load_default(FONT_SIZE)
    indent = max(round(font.getlength(row.heading)) + GAP if row.heading else 0 for row in rows)
    across = max(len(row.pictures) for row in rows)
    width = 2 * MARGIN + indent + across * (tile + GAP) - GAP
    lines = sum(bool(row.title) + bool(row.captions) for row in rows) + bool(columns)
    height = 2 * MARGIN + len(rows) * (tile + GAP) + lines * LINE
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


def _scaled(picture: Frames, tile: int) -> Image.Image:
    image = Image.fromarray(picture)
    if image.size == (tile, tile):
        return image
    shrinks = tile < image.width
    return image.resize((tile, tile), Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC)


SUBJECTS_SHOWN = 8
PER_PAGE = 4
"""Subjects on a sheet at full size."""
ACROSS = 12
"""Neutral images in a row."""
STRIP = 8
"""Frames shown of a clip."""
VARIANT_SUBJECTS = 2
"""Subjects who show each variant."""
SMALL, MIDDLE, FULL = 64, 96, 128


def write_sheets(rendered: RenderedSet, folder: Path, progress: Progress) -> list[Path]:
    """Draw every sheet, write them as PNG, and return the files."""
    test = [person for person in rendered.subjects.values() if person.split == "test"]
    chosen = balanced(test or list(rendered.subjects.values()), SUBJECTS_SHOWN)
    pages = [chosen[start : start + PER_PAGE] for start in range(0, len(chosen), PER_PAGE)]
    draw: dict[str, Callable[[], Image.Image]] = {
        "people": partial(subject_rows, rendered),
        f"expressions-{SMALL}": partial(expressions, rendered, chosen, SMALL),
        "strips": partial(strips, rendered, chosen),
        "variants": partial(variants, rendered),
    }
    for number, page in enumerate(pages, start=1):
        draw[f"expressions-{FULL}-{number}"] = partial(expressions, rendered, page, FULL)
    progress.start("contact sheets", len(draw))
    files = []
    for name, make in draw.items():
        files.append(folder / f"{name}.png")
        save(make(), files[-1])
        progress.advance(1)
    return files


def balanced(subjects: Sequence[Subject], count: int) -> list[Subject]:
    """Choose subjects one by one, each with the attributes shown least so far; always the same ones."""
    left: list[Subject] = list(subjects)
    chosen: list[Subject] = []
    shown: Counter[tuple[str, object]] = Counter()
    while left and len(chosen) < count:
        best = min(
            left, key=lambda person: sum(shown[name, person.attributes.get(name)] for name in BALANCED)
        )
        left.remove(best)
        chosen.append(best)
        shown.update((name, best.attributes.get(name)) for name in BALANCED)
    return sorted(chosen, key=lambda person: person.id)


def subject_rows(rendered: RenderedSet) -> Image.Image:
    """The first neutral image of everybody, split by split."""
    rows = []
    for split in SPLITS:
        ids = [person.id for person in rendered.subjects.values() if person.split == split]
        for start in range(0, len(ids), ACROSS):
            part = ids[start : start + ACROSS]
            pictures = [rendered.data.neutral(person) for person in part]
            rows.append(Row(pictures, part, title="" if start else f"{split}: {len(ids)} subjects"))
    return lay_out(rows, SMALL)


def expressions(rendered: RenderedSet, chosen: Sequence[Subject], tile: int) -> Image.Image:
    """A row per subject: frame 0 of the first clip, then the apex of every label, in the first take."""
    first = _first_take(rendered)
    rows = []
    for person in chosen:
        shots = [first.get((person.id, label)) for label in rendered.labels]
        there = [shot for shot in shots if shot]
        neutral = rendered.frames(there[0])[0] if there else None
        pictures = [neutral, *(_peak(rendered, shot) if shot else None for shot in shots)]
        rows.append(Row(pictures, heading=person.id))
    return lay_out(rows, tile, ("neutral", *rendered.labels))


def strips(rendered: RenderedSet, chosen: Sequence[Subject]) -> Image.Image:
    """A clip of each label, each by another subject, from the first frame to the last."""
    first = _first_take(rendered)
    moments = np.linspace(0, rendered.length - 1, STRIP).round().astype(int).tolist()
    rows = []
    for i, label in enumerate(rendered.labels):
        shot = first.get((chosen[i % len(chosen)].id, label))
        if shot:
            rows.append(Row(list(rendered.at(shot, moments)()), heading=label))
    return lay_out(rows, MIDDLE, [f"frame {moment}" for moment in moments])


def variants(rendered: RenderedSet) -> Image.Image:
    """A row per label: the apex of each of its variants, by two subjects where as many show it."""
    rows = []
    for label in rendered.labels:
        found: dict[str, dict[str, Shot]] = {}
        for shot in rendered.shots:
            if shot.clip.label == label:
                found.setdefault(shot.performance.variant, {}).setdefault(shot.clip.subject, shot)
        pictures: list[Frames | None] = []
        captions: list[str] = []
        for variant, by_person in sorted(found.items()):
            shown = balanced([rendered.subjects[person] for person in by_person], VARIANT_SUBJECTS)
            pictures += [_peak(rendered, by_person[person.id]) for person in shown]
            captions += [f"{person.id}: {variant}" for person in shown]
            missing = VARIANT_SUBJECTS - len(shown)
            pictures += [None] * missing
            captions += [""] * missing
        rows.append(Row(pictures, captions, heading=label))
    return lay_out(rows, MIDDLE)


def _first_take(rendered: RenderedSet) -> dict[tuple[str, str], Shot]:
    repetition = rendered.repetitions[0]
    return {
        (shot.clip.subject, shot.clip.label): shot for shot in rendered.shots if shot.repetition == repetition
    }


def _peak(rendered: RenderedSet, shot: Shot) -> Frames:
    frame: Frames = rendered.frames(shot)[shot.peak(rendered.length)]
    return frame
