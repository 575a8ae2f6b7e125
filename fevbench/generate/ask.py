"""Asking a model for clips of a framed face, as a run would, and writing them for people to look at."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data import show
from fevbench.data.corpus import Corpus
from fevbench.data.protocol import Protocol
from fevbench.engine.generate import GeneratedClips
from fevbench.errors import FevbenchError
from fevbench.generate.photograph import Photograph
from fevbench.models.built import build

if TYPE_CHECKING:
    from fevbench.data.clip import Frames
    from fevbench.models.found import FoundModel
    from fevbench.progress import Progress

SUFFIXES = (".mp4", ".gif", ".png")
ACROSS = 3
"""Clips in a row of a moving grid."""


def make_clips(
    found: FoundModel, face: Photograph, protocol: Protocol, seed: int, device: str, progress: Progress
) -> dict[str, Frames]:
    """Ask a model for each wanted expression of a face.

    Args:
        found: The model.
        face: The framed face.
        protocol: Size and length of the clips.
        seed: Another seed, another performance.
        device: The torch device.
        progress: Hears how it proceeds.

    Returns:
        Label to ``uint8[T, S, S, 3]``.

    Raises:
        ModelError: The model cannot make clips of a photograph, fails, or breaks the protocol.
    """
    found.check_generates()
    # A photograph goes on for as long as one likes.
    corpus = Corpus(face, replace(protocol, whole=True), "test")
    with tempfile.TemporaryDirectory() as folder:
        built = build(found, corpus, device, progress)
        made = GeneratedClips(built, corpus, Path(folder), seed, device)
        for note in made.notes:
            progress.note(f"note: {note}")
        made.make_all(progress)
        return {clip.label: made.frames(clip) for clip in corpus.clips}


def check_suffix(path: Path) -> None:
    """See that the format is known before anything is computed.

    Raises:
        FevbenchError: It is not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise FevbenchError(f"{path} is of no known format", f"end its name in {', '.join(SUFFIXES)}")


def write_clips(path: Path, clips: Mapping[str, Frames], fps: float, scale: int) -> None:
    """Write one clip, or several in a grid with their labels.

    Args:
        path: Its suffix decides: a video, an animation, or frames side by side.
        clips: Label to ``uint8[T, S, S, 3]``.
        fps: Frames a second.
        scale: How many times as large to show them.
    """
    large = {label: show.enlarged(frames, scale) for label, frames in clips.items()}
    if len(large) > 1:
        large = {label: show.captioned(frames, label) for label, frames in large.items()}
    if path.suffix.lower() == ".png":
        show.write_png(path, list(large.values()))
        return
    pictures = list(large.values())
    rows = [show.beside(pictures[i : i + ACROSS]) for i in range(0, len(pictures), ACROSS)]
    whole = np.concatenate(rows, axis=1) if len(pictures) > 1 else pictures[0]
    write = show.write_gif if path.suffix.lower() == ".gif" else show.write_mp4
    write(path, whole, fps)
