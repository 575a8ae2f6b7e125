"""Reading any photograph, and offering it to a model as a data set of one person."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fevbench.data.clip import EXPRESSIONS, Clip, Split, Subject
from fevbench.errors import FevbenchError

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

    It is turned as its EXIF data says; transparent parts are white; grey becomes RGB; 16 bits a channel
    become 8; of an animation the first frame counts.

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
        with warnings.catch_warnings(), Image.open(path) as picture:
            # Pillow warns of large pictures, and refuses twice as large ones.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture.draft("RGB", (LARGEST, LARGEST))  # a JPEG can be decoded at a fraction of its size
            whole = _eight_bits(ImageOps.exif_transpose(picture), path)
    except Image.DecompressionBombError as error:
        raise PhotographError(f"{path} is too large to open ({error})", "shrink it first") from error
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError) as error:
        raise PhotographError(f"{path} is no picture, or a damaged one ({error})", "give another") from error
    if min(whole.size) < LEAST:
        raise PhotographError(
            f"{path} is {whole.width}x{whole.height}, too small to show a face", f"use {LEAST} px or more"
        )
    whole.thumbnail((LARGEST, LARGEST), Image.Resampling.BICUBIC)
    return np.asarray(whole)


def _eight_bits(picture: Image.Image, path: Path) -> Image.Image:
    """The picture in RGB."""
    if picture.mode.startswith("I"):  # 16 bits of grey; 32 are as good as never used
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise PhotographError(f"{path} has more than 16 bits a channel", "save it with 8")
        picture = Image.fromarray((values / 257).round().astype(np.uint8))
    if picture.mode == "F":
        raise PhotographError(f"{path} has floating-point pixels", "save it with 8 bits a channel")
    if "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    return picture.convert("RGB")


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
