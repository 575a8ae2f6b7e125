"""Clips that the caller passes (arrays, tensors, lists, folders, files), as ``uint8[T, H, W, 3]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from fevbench.data.clip import Frames
from fevbench.data.facts import FileFacts
from fevbench.data.members import natural_key
from fevbench.data.own_protocol import MOST_FRAMES
from fevbench.data.pictures import PICTURE_SUFFIXES, read_picture
from fevbench.data.video import WHAT_IS_READ, is_clip, read_clip
from fevbench.errors import FevbenchError, VideoError
from fevbench.wording import first_few

LAYOUTS = ("THWC", "TCHW", "CTHW")
"""Possible orders of a clip's axes: frames, height, width, channels."""
OVERSHOOT = 0.5
"""Part of the range's width by which values may lie beyond it, and are clamped: more is another scale."""


@dataclass(frozen=True)
class Layout:
    """How to read arrays.

    Attributes:
        value_range: The values of black and white; None for uint8.
        axes: One of `LAYOUTS`; empty to find it by the axis of size 3.
    """

    value_range: tuple[float, float] | None = None
    axes: str = ""

    def __post_init__(self) -> None:
        if self.axes and self.axes not in LAYOUTS:
            raise FevbenchError(f"unknown layout {self.axes!r}", f"give one of {', '.join(LAYOUTS)}")
        if self.value_range is not None:
            low, high = self.value_range
            if not low < high:
                raise FevbenchError(
                    f"value_range ({low}, {high}) is empty", "give (low, high), as in (-1, 1)"
                )


@dataclass(frozen=True)
class GivenClip:
    """A clip that the caller passed.

    Attributes:
        name: What it is called.
        load: Returns its frames, ``uint8[T, H, W, 3]``, and the facts of its file.
    """

    name: str
    load: Callable[[], tuple[Frames, FileFacts]]


@dataclass(frozen=True)
class Given:
    """Clips that the caller passed together.

    Attributes:
        what: What to call them in errors.
        clips: In their order.
        named: Whether they have names of their own; arrays are named by their position.
    """

    what: str
    clips: tuple[GivenClip, ...]
    named: bool


def as_given(given: Any, what: str, layout: Layout) -> Given:
    """Clips in any of the accepted forms.

    Args:
        given: A folder of clips, a file, one clip or a batch as an array or tensor, or a sequence of clips,
            each a file, a folder of frames, or an array.
        what: What to call it in errors: ``made`` or ``true``.
        layout: How to read arrays.

    Raises:
        FevbenchError: It is none of these, or holds no clip.
    """
    if isinstance(given, str | PathLike):
        return _of_path(Path(given).expanduser(), what)
    if hasattr(given, "ndim"):
        array = _array(given)
        batch = list(array) if array.ndim == 5 else [array]
        return Given(
            what, tuple(_of_array(clip, f"{what} clip {i}", i, layout) for i, clip in enumerate(batch)), False
        )
    if not isinstance(given, Sequence):
        raise FevbenchError(
            f"{what}: {type(given).__name__} holds no clips", "give arrays, paths, or a folder"
        )
    if not given:
        raise FevbenchError(f"{what} holds no clip", "give at least one")
    if all(isinstance(one, str | PathLike) for one in given):
        paths = [Path(one).expanduser() for one in given]
        clips = tuple(_of_file(path) for path in paths)
        _check_names(clips, what)
        return Given(what, clips, True)
    return Given(
        what,
        tuple(_of_array(_array(one), f"{what} clip {i}", i, layout) for i, one in enumerate(given)),
        False,
    )


def as_pictures(given: Any, what: str, layout: Layout) -> Given:
    """Pictures in any of the accepted forms, each as a clip of one frame.

    Args:
        given: A folder of pictures, a batch ``[N, H, W, 3]`` or ``[N, 3, H, W]``, or a sequence of either.
        what: What to call it in errors.
        layout: How to read arrays.

    Raises:
        FevbenchError: It is none of these.
    """
    if isinstance(given, str | PathLike):
        folder = Path(given).expanduser()
        files = sorted(_entries(folder), key=natural_key) if folder.is_dir() else [folder]
        given = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
        if not given:
            raise FevbenchError(f"{folder} holds no picture", "give a folder of pictures, one per clip")
    if not hasattr(given, "ndim") and all(isinstance(one, str | PathLike) for one in given):
        clips = tuple(GivenClip(Path(one).stem, _picture_loader(Path(one))) for one in given)
        _check_names(clips, what)
        return Given(what, clips, True)
    batch = _array(given) if hasattr(given, "ndim") else np.stack([_array(one) for one in given])
    if batch.ndim != 4:
        raise FevbenchError(f"{what}: pictures of shape {batch.shape[1:]}", "give a batch [N, H, W, 3]")
    # A batch of pictures has as many axes as a clip, but cannot be CTHW.
    frames = to_frames(batch, what, layout if layout.axes != "CTHW" else Layout(layout.value_range))
    return Given(
        what,
        tuple(GivenClip(str(i), lambda i=i: (frames[i : i + 1], FileFacts())) for i in range(len(frames))),  # type: ignore[misc]
        False,
    )


def _picture_loader(path: Path) -> Callable[[], tuple[Frames, FileFacts]]:
    def load() -> tuple[Frames, FileFacts]:
        facts = FileFacts()
        return read_picture(path, facts)[None], facts

    return load


def _entries(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError as error:
        raise FevbenchError(f"{folder} cannot be read ({error.strerror})", "check its permissions") from error


def _of_path(path: Path, what: str) -> Given:
    if not path.exists():
        raise FevbenchError(f"{path} does not exist", "give a folder of clips, or a clip")
    if path.is_file() or any(
        one.suffix.lower() in PICTURE_SUFFIXES for one in _entries(path) if not is_clip(one)
    ):
        return Given(what, (_of_file(path),), True)
    found = [
        one
        for one in _entries(path)
        if is_clip(one) or (one.is_dir() and any(p.suffix.lower() in PICTURE_SUFFIXES for p in _entries(one)))
    ]
    if not found:
        raise FevbenchError(f"{path} holds no clip", WHAT_IS_READ)
    clips = tuple(_of_file(one) for one in sorted(found, key=natural_key))
    _check_names(clips, str(path))
    return Given(what, clips, True)


def _check_names(clips: Sequence[GivenClip], where: str) -> None:
    names = [clip.name for clip in clips]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FevbenchError(f"{where} holds {first_few(twice)} twice", "give each clip a name of its own")


def _of_file(path: Path) -> GivenClip:
    def load() -> tuple[Frames, FileFacts]:
        facts = FileFacts()
        frames = read_clip(path, facts, most=MOST_FRAMES + 1)
        if len(frames) > MOST_FRAMES:
            raise VideoError(f"{path} has more than {MOST_FRAMES} frames", "cut it to the part to score")
        return frames, facts

    return GivenClip(path.name if path.is_dir() else path.stem, load)


def _of_array(array: np.ndarray[Any, Any], what: str, place: int, layout: Layout) -> GivenClip:
    frames = to_frames(array, what, layout)
    return GivenClip(str(place), lambda: (frames, FileFacts()))


def _array(given: Any) -> np.ndarray[Any, Any]:
    """An array or tensor as a NumPy array."""
    if hasattr(given, "detach"):
        given = given.detach().cpu()
        given = given.float() if given.is_floating_point() else given
        return np.asarray(given)
    try:
        return np.asarray(given)
    except ValueError as error:
        raise FevbenchError(f"a clip is not an array ({error})", "give one of shape [T, H, W, 3]") from error


def to_frames(array: np.ndarray[Any, Any], what: str, layout: Layout) -> Frames:
    """A clip as ``uint8[T, H, W, 3]``.

    Args:
        array: ``uint8`` or floating point, in one of `LAYOUTS`.
        what: What to call it in errors.
        layout: How to read it.

    Raises:
        FevbenchError: Its axes or value range are unclear, or it holds NaN or values out of range.
    """
    if array.ndim != 4 or not array.size:
        raise FevbenchError(f"{what} has shape {array.shape}", "give clips of shape [T, H, W, 3]")
    frames = np.moveaxis(array, *_to_channels_last(array.shape, what, layout.axes))
    if frames.dtype == np.uint8:
        return np.ascontiguousarray(frames)
    if frames.dtype.kind != "f":
        raise FevbenchError(f"{what} holds {frames.dtype}", "give uint8, or floating point with value_range")
    if layout.value_range is None:
        raise FevbenchError(
            f"{what} holds {frames.dtype}, so its value range is unknown",
            "give value_range=(-1, 1) or (0, 1), or uint8",
        )
    if not np.isfinite(frames).all():
        raise FevbenchError(f"{what} holds NaN or infinity", "find out where they come from")
    low, high = layout.value_range
    least, most = float(frames.min()), float(frames.max())
    if max(low - least, most - high) > OVERSHOOT * (high - low):
        raise FevbenchError(
            f"{what} has values from {least:.4g} to {most:.4g}, beyond value_range ({low:g}, {high:g})",
            "give the actual range of the values",
        )
    scaled = (frames.astype(np.float32) - np.float32(low)) * np.float32(255 / (high - low))
    return np.ascontiguousarray(scaled.clip(0, 255).round().astype(np.uint8))


def _to_channels_last(shape: tuple[int, ...], what: str, axes: str) -> tuple[list[int], list[int]]:
    """The axes to move, from and to, that make a clip ``THWC``."""
    fitting = [one for one in LAYOUTS if shape[one.index("C")] == 3]
    if axes:
        fitting = [axes] if axes in fitting else []
    if not fitting:
        wanted = f" in layout {axes}" if axes else ""
        raise FevbenchError(f"{what} of shape {shape} has no axis of 3 colours{wanted}", "give RGB")
    if len(fitting) > 1:
        raise FevbenchError(
            f"{what} of shape {shape} may be {' or '.join(fitting)}", "choose one with layout="
        )
    channels = fitting[0].index("C")
    return [channels], [3]


def matched(
    made: Given, true: Given, match: str | None
) -> tuple[list[tuple[GivenClip, GivenClip]], str, list[str]]:
    """Pairs of clips, how they were found, and the names that have no partner.

    Args:
        made: Clips.
        true: Others.
        match: ``name``, ``order``, or None: by name if both have names and some agree, else by order.

    Raises:
        FevbenchError: No name agrees, or the numbers of clips differ.
    """
    if match not in (None, "name", "order"):
        raise FevbenchError(f"unknown match {match!r}", "use name or order")
    of_true: Mapping[str, GivenClip] = {clip.name: clip for clip in true.clips}
    common = [clip for clip in made.clips if clip.name in of_true]
    by_name = made.named and true.named and bool(common)
    if match == "name" and not by_name:
        here, there = (side.clips[0].name for side in (made, true))
        raise FevbenchError(
            f"no clip of {made.what} has the name of a clip of {true.what} ({here}, {there})",
            "rename them, or match by order",
        )
    if match == "name" or (match is None and by_name):
        names = {clip.name for clip in common}
        alone = [clip.name for clip in (*made.clips, *true.clips) if clip.name not in names]
        return [(clip, of_true[clip.name]) for clip in common], "name", alone
    if len(made.clips) != len(true.clips):
        raise FevbenchError(
            f"{made.what} holds {len(made.clips)} clips, {true.what} {len(true.clips)}",
            "give equally many, or files with the same names",
        )
    return list(zip(made.clips, true.clips, strict=True)), "order", []
