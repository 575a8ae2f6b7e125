"""Reading any photograph, and offering it to a model as a data set of one person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fevbench.data.clip import EXPRESSIONS, Clip, Split, Subject
from fevbench.data.pictures import read_picture
from fevbench.errors import FevbenchError, VideoError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

LEAST = 24
"""Height and width a photograph must have, pixels."""
LARGEST = 4096
"""Longer side that is kept; no model here looks at more of a face."""


class PhotographError(FevbenchError):
    """A photograph that cannot be used."""


def read_photograph(path: Path) -> Frames:
    """Read a picture as people see it.

    As `fevbench.data.pictures.read_picture`; of an animation the first picture counts.

    Args:
        path: Any file Pillow reads.

    Returns:
        ``uint8[H, W, 3]``, RGB, its longer side at most `LARGEST`.

    Raises:
        PhotographError: It is missing, no picture, damaged, too small, or too large to open.
    """
    if not path.is_file():
        raise PhotographError(f"{path} does not exist", "check --image")
    try:
        picture = read_picture(path, largest=LARGEST, first=True)
    except VideoError as error:
        raise PhotographError(error.what, error.fix) from error
    height, width = picture.shape[:2]
    if min(height, width) < LEAST:
        raise PhotographError(
            f"{path} is {width}x{height}, too small to show a face", f"use {LEAST} px or more"
        )
    whole = Image.fromarray(picture)
    whole.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    return np.asarray(whole)


class Photograph:
    """A still face as a data set of one person, so that a model is asked as in a run.

    Args:
        still: ``uint8[S, S, 3]``, the framed face.
        name: What to call the person.
        labels: The expressions that are wanted.
        fps: Frames a second of what will be made.
    """

    name = "photograph"
    version = "1"
    title = "one photograph"
    licence = "the user's"
    citation = ""
    labels = EXPRESSIONS

    def __init__(self, still: Frames, name: str, labels: Sequence[str], fps: float) -> None:
        self.fps = fps
        self._still = still
        self._person = Subject(name, "test")
        self._clips = tuple(Clip(f"{name}-{label}", name, label, "test", Path(name)) for label in labels)

    def subjects(self) -> tuple[Subject, ...]:
        """The person."""
        return (self._person,)

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """One a wanted expression."""
        return self._clips if split == "test" else ()

    def frames(self, clip: Clip) -> Frames:
        """The face, long enough for every protocol; only frame 0 is ever asked for."""
        return np.broadcast_to(self._still, (256, *self._still.shape))
