"""Reading any photograph, framing a face of it, and offering that to a model as a data set of one subject."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fevbench.data.clip import EXPRESSIONS, Clip, Split, Subject
from fevbench.data.framing import FRAMING, FoundFace, cut_out, upright
from fevbench.data.pictures import read_picture
from fevbench.errors import FevbenchError, VideoError
from fevbench.extractors.faces import FaceFinder

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

LEAST = 24
"""Height and width a photograph must have, pixels."""
LARGEST = 4096
"""Longer side that is kept; no model here looks at more of a face."""


class PhotographError(FevbenchError):
    """A photograph that cannot be used."""


def read_photograph(path: Path) -> Frames:
    """Read a picture as `read_picture` does, of an animation the first; its longer side is at most `LARGEST`.

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
    """A still face as a data set of one subject, so that a model is asked as in a run.

    Args:
        still: ``uint8[S, S, 3]``, the framed face.
        name: What to call the subject.
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
        """The subject."""
        return (self._person,)

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """One a wanted expression."""
        return self._clips if split == "test" else ()

    def frames(self, clip: Clip) -> Frames:
        """The face, long enough for every protocol; only frame 0 is ever asked for."""
        return np.broadcast_to(self._still, (256, *self._still.shape))


__all__ = ["DETECTOR", "FRAMING", "FoundFace", "choose_face", "find_faces", "frame_face"]

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
LEAST_FACE = 20
"""Pixels between the sides of a face's box below which no model has anything to work with."""


def find_faces(photograph: Frames, detector: Path) -> list[FoundFace]:
    """The faces of ``uint8[H, W, 3]``, from left to right; ``detector`` is the file of `DETECTOR`."""
    return FaceFinder("cpu", detector).faces(photograph)


def choose_face(
    faces: list[FoundFace], which: int | None, name: str, shape: tuple[int, ...]
) -> tuple[FoundFace, list[str]]:
    """The face that is meant, and what to say of the choice.

    ``which`` is its number from the left, counted from 1; None is for the one a photographer would mean, the
    largest, if it is not far from the middle.

    Raises:
        PhotographError: There is none; there are not so many; or the face is too small.
    """
    if not faces:
        raise PhotographError(
            f"no face was found in {name}", "use a photograph of a face seen from the front"
        )
    if which is not None and which > len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise PhotographError(f"{name} shows {count}, not {which}", "choose another --face")
    notes = []
    if which is None:
        which = 1 + max(range(len(faces)), key=lambda i: _prominence(faces[i], shape))
        if len(faces) > 1:
            notes.append(
                f"{name} shows {len(faces)} faces: taken is {which}, counted from the left, large and near "
                f"the middle; choose with --face 1 to {len(faces)}"
            )
    face = faces[which - 1]
    side = min(face.box[2] - face.box[0], face.box[3] - face.box[1])
    if side < LEAST_FACE:
        raise PhotographError(
            f"the face in {name} is {side:.0f} px wide", f"use one of {LEAST_FACE} px or more"
        )
    return face, notes


def _prominence(face: FoundFace, shape: tuple[int, ...]) -> float:
    """The area of a face; half of it if it lies in a corner of the picture."""
    middle = np.array(shape[1::-1]) / 2
    centre = (np.array(face.box[:2]) + face.box[2:]) / 2
    away = np.hypot(*(centre - middle)) / np.hypot(*middle)
    return float(face.area * (1 - away / 2))


def frame_face(photograph: Frames, face: FoundFace, size: int) -> Frames:
    """The face turned upright, where `FRAMING` has it: ``uint8[size, size, 3]``.

    Beyond the photograph its border is repeated.
    """
    return cut_out(photograph, upright(face.points), size)
