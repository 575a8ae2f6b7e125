"""Finding the faces of a photograph, and framing one as the data set's faces are framed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import FRAMING, FoundFace, cut_out, upright
from fevbench.extractors.faces import FaceFinder
from fevbench.generate.photograph import PhotographError

if TYPE_CHECKING:
    from fevbench.data.clip import Frames

__all__ = ["DETECTOR", "FRAMING", "FoundFace", "choose_face", "find_faces", "frame_face"]

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
LEAST_FACE = 20
"""Pixels between the sides of a face's box below which no model has anything to work with."""


def find_faces(photograph: Frames, detector: Path) -> list[FoundFace]:
    """The faces of ``uint8[H, W, 3]``, from left to right.

    Args:
        photograph: The picture.
        detector: The file of `DETECTOR`.
    """
    return FaceFinder("cpu", detector).faces(photograph)


def choose_face(
    faces: list[FoundFace], which: int | None, name: str, shape: tuple[int, ...]
) -> tuple[FoundFace, list[str]]:
    """The face that is meant.

    Args:
        faces: Those of the photograph.
        which: Its number from the left, counted from 1; None for the one a photographer would mean, the
            largest, if it is not far from the middle.
        name: What to call the photograph in an error.
        shape: Height and width of the photograph.

    Returns:
        The face, and what to say of the choice.

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
