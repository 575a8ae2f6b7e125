"""A photograph: reading it, framing a face, notes on its quality; and as a data set of one subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.clip import EXPRESSIONS, Clip, Frames, Split, Subject
from fevbench.data.framing import FRAMING, FoundFace, Placement, upright
from fevbench.data.pictures import read_picture
from fevbench.data.protocol import Protocol
from fevbench.errors import FevbenchError, VideoError

ReadExpressions = Callable[[Frames], NDArray[np.float32]]
"""Frames ``uint8[N, H, W, 3]`` to probabilities ``float32[N, 7]`` of `CLASSES`, NaN without a face."""

FPS = 25.0
"""Native frames a second, of which a protocol takes every so many: FEVSynth's."""
LEAST = 24
"""Height and width a photograph must have, pixels."""
LARGEST = 4096
"""Longer side to which photographs are shrunk; no model here uses larger faces."""


class PhotographError(FevbenchError):
    """A photograph that cannot be used."""


def read_photograph(path: Path) -> Frames:
    """Read a picture as `read_picture` does, of an animation the first; its longer side is at most `LARGEST`.

    Raises:
        PhotographError: It is missing, not a picture, damaged, too small, or too large to open.
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

    ``still`` is the framed face, ``uint8[S, S, 3]``, ``name`` what to call the subject.
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
        self._subject = Subject(name, "test")
        self._clips = tuple(Clip(f"{name}-{label}", name, label, "test", Path(name)) for label in labels)

    def subjects(self) -> tuple[Subject, ...]:
        """The subject."""
        return (self._subject,)

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """One clip per requested expression."""
        return self._clips if split == "test" else ()

    def frames(self, clip: Clip) -> Frames:
        """The face, repeated often enough for every protocol; only frame 0 is ever used."""
        return np.broadcast_to(self._still, (1 << 24, *self._still.shape))  # which takes no memory


DETECTOR = "scrfd-500m"
"""The detector's name in the weights registry."""
LEAST_FACE = 20
"""Least width of a face's box in pixels; smaller faces are useless for any model."""


def photograph_protocol(protocol: Protocol, size: int) -> Protocol:
    """A protocol at another size. Frames and stride stay, for models that know motion by its pace."""
    return replace(protocol, name="photograph", size=size)


def find_faces(photograph: Frames, detector: Path) -> list[FoundFace]:
    """The faces of ``uint8[H, W, 3]``, from left to right; ``detector`` is the file of `DETECTOR`."""
    from fevbench.extractors.faces import FaceFinder

    return FaceFinder("cpu", detector).faces(photograph)


def choose_face(
    faces: list[FoundFace],
    which: int | None,
    name: str,
    shape: tuple[int, ...],
    otherwise: str = "choose with --face 1 to {count}",
) -> tuple[FoundFace, list[str]]:
    """Choose a face; returns it with a note on the choice.

    ``which`` is its number from the left, counted from 1; None for the most prominent face: the largest,
    unless it is far from the middle. ``otherwise`` says how to choose another.

    Raises:
        PhotographError: There is no face or not this one, or it is too small.
    """
    if not faces:
        raise PhotographError(f"no face was found in {name}", "use a frontal photograph of a face")
    if which is not None and which > len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise PhotographError(f"{name} shows {count}, not {which}", "choose another --face")
    notes = []
    if which is None:
        which = 1 + max(range(len(faces)), key=lambda i: _prominence(faces[i], shape))
        if len(faces) > 1:
            notes.append(
                f"{name} shows {len(faces)} faces: taken is {which}, counted from the left, large and near "
                f"the middle; {otherwise.format(count=len(faces))}"
            )
    face = faces[which - 1]
    side = min(face.box[2] - face.box[0], face.box[3] - face.box[1])
    if side < LEAST_FACE:
        raise PhotographError(
            f"the face in {name} is {side:.0f} px wide", f"use one of {LEAST_FACE} px or more"
        )
    return face, notes


def _prominence(face: FoundFace, shape: tuple[int, ...]) -> float:
    """The area of a face; half of it for a face in a corner of the picture."""
    middle = np.array(shape[1::-1]) / 2
    centre = (np.array(face.box[:2]) + face.box[2:]) / 2
    away = np.hypot(*(centre - middle)) / np.hypot(*middle)
    return float(face.area * (1 - away / 2))


READER_SIZE = 256
"""Height and width, pixels, of the framed face that is checked for being neutral."""
READER = ("face-api", "face-api-manifest", "scrfd-500m")
"""Networks that tell whether a face is neutral, by names in the weights registry: they call all of 16
neutral subjects of FEVSynth neutral, at 0.91 or more; fer-xception only half of them."""
NEUTRAL = 0.5
"""The least probability of a neutral face."""
ASIDE = 0.2
"""Largest distance of the nose from the middle of the face, in distances between the eyes. FEVSynth's
subjects stay within 0.09; three-quarter views begin at about 0.2."""
BETWEEN = (0.42, 0.72)
"""Range of the nose between eyes (0) and mouth (1). FEVSynth's subjects lie between 0.50 and 0.65."""
OUTSIDE = 0.1
"""Largest part of the framed square outside the photograph."""


def turned(points: NDArray[np.floating]) -> tuple[float, float]:
    """The rotation of a face, by its five points ``[5, 2]``.

    How far the nose lies right of the middle, in distances between the eyes, about 0 in a frontal view; and
    where it lies between the eyes (0) and the mouth (1), about 0.57.
    """
    axes = upright(points)[:, :2]
    # In the upright face, as parts of the framed square.
    seen = points.astype(np.float64) @ axes / np.hypot(*axes[:, 0]) ** 2
    eyes, nose, mouth = seen[:2].mean(0), seen[2], seen[3:].mean(0)
    aside = (nose - (eyes + mouth) / 2)[0] / (FRAMING[1] - FRAMING[0])[0]
    return float(aside), float((nose - eyes)[1] / max((mouth - eyes)[1], 1e-6))


def notes_on_framing(points: NDArray[np.floating], size: int, picture: Frames) -> list[str]:
    """Notes on the size, place and view of a face in ``uint8[H, W, 3]``, by its five points ``[5, 2]``."""
    return notes_on_size(upright(points), size, picture) + notes_on_view(points)


def notes_on_view(points: NDArray[np.floating]) -> list[str]:
    """Notes on a face that is not frontal, by its five points ``[5, 2]``."""
    aside, between = turned(points)
    if abs(aside) > ASIDE:
        return ["the face is not seen from the front but from the side: expect less of its far half"]
    if not BETWEEN[0] <= between <= BETWEEN[1]:
        way = "up" if between < BETWEEN[0] else "down"
        return [f"the face is not seen from the front: it is turned {way}"]
    return []


def notes_on_size(placement: Placement, size: int, picture: Frames) -> list[str]:
    """Notes on a face that is small, or cut by the border of the photograph ``uint8[H, W, 3]``."""
    notes = []
    side = float(np.hypot(*placement[:, 0]))
    if side < size / 2:
        notes.append(
            f"the face is small: its frame has {side:.0f} px in the photograph, and {size} in the clip"
        )
    if (outside := _outside(placement, picture)) > OUTSIDE:
        notes.append(
            f"the face is at the border: {outside:.0%} of its frame lie outside, where the border is repeated"
        )
    return notes


def _outside(placement: Placement, picture: Frames) -> float:
    """The part of a square that lies outside the picture."""
    steps = (np.arange(50) + 0.5) / 50
    x, y = np.meshgrid(steps, steps)
    places = placement @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    inside = (places >= 0).all(0) & (places[0] < picture.shape[1]) & (places[1] < picture.shape[0])
    return float(1 - inside.mean())


def notes_on_expression(still: Frames, read: ReadExpressions) -> list[str]:
    """Notes on a framed face ``uint8[S, S, 3]`` that is not neutral, by a network that classifies it."""
    from fevbench.extractors.expressions import CLASSES

    (probabilities,) = read(still[None])
    if np.isnan(probabilities).any() or probabilities[CLASSES.index("neutral")] >= NEUTRAL:
        return []
    seen = CLASSES[int(probabilities.argmax())]
    if seen == "neutral":
        return []
    return [f"the face is not neutral but shows {seen} (face-api): models expect a neutral one"]
