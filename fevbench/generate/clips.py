"""Asking a model for clips of a framed face, and putting one back into the photograph."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.data import show
from fevbench.data.clip import Frames
from fevbench.data.corpus import Corpus
from fevbench.data.framing import Placement
from fevbench.data.protocol import Protocol
from fevbench.engine.generate import GeneratedClips
from fevbench.generate.photograph import Photograph
from fevbench.models.apart import open_maker
from fevbench.models.asked import LocalMaker, Maker
from fevbench.models.built import build
from fevbench.models.found import FoundModel
from fevbench.progress import Progress

SUFFIXES = (".mp4", ".gif", ".png")
ACROSS = 3
"""Clips in a row of a moving grid."""


def make_clips(
    found: FoundModel,
    face: Photograph,
    protocol: Protocol,
    seed: int,
    device: str,
    progress: Progress,
    seconds: float | None = None,
) -> dict[str, Frames]:
    """Clips of a face for each requested expression, made as in a run: label to ``uint8[T, S, S, 3]``.

    A model that was found apart (`fevbench.models.apart.find_apart`) is asked in its own process, where
    ``seconds`` limits the time per clip; programs have a limit of their own.

    Raises:
        ModelError: The model cannot make clips of a photograph, fails, or breaks the protocol.
    """
    found.check_generates()
    # A photograph can be repeated for any length.
    corpus = Corpus(face, replace(protocol, reads_to_end=True), "test")
    with tempfile.TemporaryDirectory() as folder:
        if found.process:
            limit = None if found.is_outside else seconds
            maker: Maker = open_maker(found, corpus, device, progress, limit)
        else:
            maker = LocalMaker(build(found, corpus, device, progress), corpus, device)
        made = GeneratedClips(maker, corpus, Path(folder), seed)
        for note in made.notes:
            progress.note(f"note: {note}")
        made.make_all(progress)
        return {clip.label: made.frames(clip) for clip in corpus.clips}


def write_clips(path: Path, clips: Mapping[str, Frames], fps: float, scale: int) -> None:
    """Write one clip ``uint8[T, S, S, 3]``, or several in a grid with their labels.

    The suffix decides: a video, an animation, or frames side by side.
    """
    large = {label: show.enlarged(frames, scale) for label, frames in clips.items()}
    if len(large) > 1:
        large = {label: show.captioned(frames, label) for label, frames in large.items()}
    if path.suffix.lower() == ".png":
        show.write_png(path, list(large.values()))
        return
    pictures = list(large.values())
    rows = [show.beside(pictures[i : i + ACROSS]) for i in range(0, len(pictures), ACROSS)]
    reads_to_end = np.concatenate(rows, axis=1) if len(pictures) > 1 else pictures[0]
    write = show.write_gif if path.suffix.lower() == ".gif" else show.write_mp4
    write(path, reads_to_end, fps)


FEATHER = 0.12
"""Width of the transition from the photograph to the clip, inside the border, as a part of the side."""
LARGEST, LARGEST_OF_MANY = 1280, 640
"""Longer side of the written file in pixels: of one clip, and of each clip in a grid."""
LEAST_SIZE, LARGEST_SIZE = 64, 512
"""Least and largest height and width of a clip for pasting, pixels."""


def largest(clips: int) -> int:
    """The longer side of a photograph that is written with this many clips, pixels."""
    return LARGEST if clips == 1 else LARGEST_OF_MANY


def fitting_size(placement: Placement) -> int:
    """The size of a clip with one pixel per pixel of its place in the photograph, within limits."""
    side = round(float(np.hypot(*placement[:, 0])))
    return min(max(side, LEAST_SIZE), LARGEST_SIZE)


def shrunk(photograph: Frames, largest: int) -> Frames:
    """``uint8[H, W, 3]`` with its longer side at most ``largest``."""
    picture = Image.fromarray(photograph)
    picture.thumbnail((largest, largest), Image.Resampling.BICUBIC)
    return np.asarray(picture)


def pasted(photograph: Frames, clip: Frames, placement: Placement) -> Frames:
    """The photograph ``uint8[H, W, 3]`` with the clip ``uint8[T, S, S, 3]`` where its face is, turned back.

    Returns:
        ``uint8[T, H, W, 3]``, feathered at the square's border; outside it every frame is the photograph.
    """
    height, width = photograph.shape[:2]
    corners = placement @ np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    left, top = np.clip(np.floor(corners.min(1)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(1)), 0, (width, height)).astype(int)
    video = np.repeat(photograph[None], len(clip), 0)
    if right <= left or bottom <= top:
        return video
    # From pixels of the region to parts of the square.
    back: NDArray[np.float64] = np.linalg.inv(placement[:, :2]).astype(np.float64)
    start = back @ (np.array([left, top]) - placement[:, 2])
    weight = _weight(back, start, right - left, bottom - top)[..., None]
    # A clip larger than its place is first shrunk with a filter.
    side = min(clip.shape[1], max(1, round(float(np.hypot(*placement[:, 0])))))
    (a, b), (d, e) = back * side
    c, f = start * side
    for frame, made in zip(video, clip, strict=True):
        small = Image.fromarray(made).resize((side, side), Image.Resampling.BICUBIC)
        padded = np.pad(np.asarray(small), ((2, 2), (2, 2), (0, 0)), mode="edge")
        turned = Image.fromarray(padded).transform(
            (right - left, bottom - top),
            Image.Transform.AFFINE,
            (a, b, c + 2, d, e, f + 2),
            Image.Resampling.BICUBIC,
        )
        region = frame[top:bottom, left:right]
        region[:] = np.round(weight * np.asarray(turned, np.float32) + (1 - weight) * region)
    return video


def _weight(
    back: NDArray[np.float64], start: NDArray[np.float64], width: int, height: int
) -> NDArray[np.float32]:
    """How much of the clip each pixel shows, 0 at the square's border: ``float32[height, width]``."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    parts = np.stack([x, y], -1) @ back.T + start
    inwards = np.minimum(parts, 1 - parts).min(-1)
    ramp = np.clip(inwards / FEATHER, 0, 1)
    weight: NDArray[np.float32] = (ramp**2 * (3 - 2 * ramp)).astype(np.float32)
    return weight
