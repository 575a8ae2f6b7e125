"""Which pictures of a folder are the frames of a clip, and in what order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from fevbench.data.pictures import PICTURE_SUFFIXES
from fevbench.errors import VideoError
from fevbench.wording import first_few

COMPANIONS = frozenset((
    "alpha", "contact", "copy", "cover", "depth", "flow", "heatmap", "landmarks", "mask", "masks", "matte",
    "mesh", "normals", "overlay", "parsing", "poster", "preview", "seg", "segmentation", "sheet", "thumb",
    "thumbnail",
))  # fmt: skip
"""Words in the names of pictures that lie beside frames but are not frames."""
ONE_CLIP = "leave only the frames of one clip in a folder"
Value = tuple[float, ...]
"""The numbers in a file name."""
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
_DIGITS = re.compile(r"(\d+)")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class FolderFrames:
    """The pictures of a folder.

    Attributes:
        beside: Pictures that are not frames, by their names.
        gap: The two frames between which numbers are missing, in words; empty for none.
    """

    frames: tuple[Path, ...]
    beside: tuple[Path, ...] = ()
    gap: str = ""


def frames_of(folder: Path, paths: Iterable[Path]) -> FolderFrames:
    """The frames among the files ``paths`` of a folder, in natural order.

    Raises:
        VideoError: They are not one clip: two pictures of the same frame, names that differ in more than
            numbers, frames of several clips, or numbers whose order is unclear.
    """
    series: dict[str, list[Path]] = {}
    for path in paths:
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith("."):
            series.setdefault(_NUMBER.sub("#", path.stem.lower()), []).append(path)
    beside: list[Path] = []
    if len(series) > 1:
        own = {name: files for name, files in series.items() if not COMPANIONS & set(_WORD.findall(name))}
        if len(own) != 1:
            _refuse_mixture(folder, series)
        beside = [path for name, files in series.items() if name not in own for path in files]
        series = own
    files = next(iter(series.values()), [])
    values = _values(folder, files)
    _check_twins(folder, files, values)
    order = sorted(range(len(files)), key=lambda i: (values[i], files[i].name))
    ordered = [files[i] for i in order]
    gap = _gap(ordered, [values[i] for i in order])
    return FolderFrames(tuple(ordered), tuple(sorted(beside, key=natural_key)), gap)


def without_companions(name: str) -> str | None:
    """A name without the words of `COMPANIONS`, as ``1`` of ``1_mask``; None if it contains none."""
    words = [word for word in _WORD.findall(name.lower()) if word in COMPANIONS]
    if not words:
        return None
    return re.sub(rf"[\W_]*(?:{'|'.join(words)})(?![^\W\d_])", "", name, flags=re.IGNORECASE).strip(" _-.")


def natural_key(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A sort key that puts ``2`` before ``10``; equal numbers are sorted by name."""
    parts = _DIGITS.split(path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _refuse_mixture(folder: Path, series: dict[str, list[Path]]) -> None:
    shown = [min(files, key=natural_key).name for files in series.values()]
    if not any("#" in name for name in series):
        raise VideoError(
            f"{folder} holds pictures without numbers in their names ({first_few(sorted(shown))})",
            "number them: 0001.png, 0002.png …",
        )
    raise VideoError(f"{folder} holds pictures of several kinds ({first_few(sorted(shown))})", ONE_CLIP)


def _values(folder: Path, files: Sequence[Path]) -> list[Value]:
    """The numbers in each name; ``0.16`` is before ``0.2``, but ``1.9`` before ``1.10``."""
    found = [_NUMBER.findall(path.stem) for path in files]
    decimals = [tuple(float(text.replace(",", ".")) for text in texts) for texts in found]
    parts = [re.split("[.,]", text)[1] for texts in found for text in texts if re.search("[.,]", text)]
    if len({len(part) for part in parts}) < 2:
        return decimals
    counters = [tuple(float(n) for text in texts for n in re.split("[.,]", text)) for texts in found]
    if _is_even(decimals) != _is_even(counters):
        return decimals if _is_even(decimals) else counters
    # Decimals as programs print them do not end in zero; counters do not begin with zero.
    if not any(part.endswith("0") for part in parts):
        return decimals
    if any(part.startswith("0") and len(part) > 1 for part in parts):
        raise VideoError(
            f"{folder} holds frames whose order is not certain ({first_few([path.name for path in files])})",
            "write all numbers with the same number of digits",
        )
    return counters


def _is_even(values: Sequence[Value]) -> bool:
    """Whether only one number changes, in equal steps except for rounding."""
    changing = _changing(values)
    steps = [b - a for a, b in pairwise(sorted(changing[0]))] if len(changing) == 1 else []
    return len(steps) > 1 and max(steps) < 1.5 * min(steps)


def _changing(values: Sequence[Value]) -> list[Value]:
    """The numbers that differ between names, each over all names; none if names hold different counts."""
    columns = list(zip(*values, strict=True)) if len({len(value) for value in values}) == 1 else []
    return [column for column in columns if len(set(column)) > 1]


def _check_twins(folder: Path, files: Sequence[Path], values: Sequence[Value]) -> None:
    """Check that no frame occurs twice, and that the numbers are of only one clip."""
    first: dict[Value, Path] = {}
    for path, value in sorted(zip(files, values, strict=True)):
        twin = first.setdefault(value, path)
        if twin is not path:
            raise VideoError(f"{folder} holds the same frame twice: {twin.name} and {path.name}", ONE_CLIP)
    changing = _changing(values)
    if len(changing) > 1 and not any(len(set(column)) == len(files) for column in changing):
        names = sorted((path.name for path in files), key=lambda name: natural_key(Path(name)))
        raise VideoError(f"{folder} holds frames of several clips ({names[0]} … {names[-1]})", ONE_CLIP)


def _gap(ordered: Sequence[Path], values: Sequence[Value]) -> str:
    """The first place where the changing number makes a larger step than usual."""
    changing = _changing(values)
    if len(changing) != 1:
        return ""
    steps = [round(b - a, 6) for a, b in pairwise(changing[0])]
    usual = Counter(steps).most_common(1)[0][0]
    for i, step in enumerate(steps):
        if step > 1.5 * usual:
            return f"{ordered[i].name} to {ordered[i + 1].name}"
    return ""
