"""The one square of a take that holds the face in all of its frames, so that the background stands still."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import FoundFace, square, upright
from fevbench.data.prepared.follow import DOUBTFUL, Seen, again, follow, is_alone, similarity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.data.framing import Placement

SIDE = 1.25
"""Side of the square, in heights of the face's box: FEVSynth's frames are 1.25 times as high as its boxes."""
RAISE = 0.028
"""How far the box's centre lies below the square's, parts of the side; as in FEVSynth."""
ROOM = 1.05
"""The square is larger if the face moves: at least so many times what its boxes span."""
SMALL = 32
"""Pixels: a face that is less high is worth a note, as what is cut out is mostly made up by resizing."""

Eyes = Callable[["Frames"], list[Seen]]
"""The faces in ``uint8[H, W, 3]`` from left to right, and whose they are; may be sent to another process."""


@dataclass(frozen=True)
class Looked:
    """What was found in a take.

    Attributes:
        seen: Number of a frame looked at to the faces in it.
        person: Number of a frame to the face of the person who is followed, where it is there.
    """

    seen: dict[int, list[Seen]]
    person: dict[int, Seen]

    @property
    def faces(self) -> int:
        """In how many frames the person's face was found."""
        return len(self.person)

    @property
    def looks(self) -> int:
        """In how many frames it was looked for."""
        return len(self.seen)

    def shown(self) -> str:
        """In how many of the frames the person's face is, in words."""
        return f"a face in {self.faces} of {self.looks} frames looked at"

    def shows(self, moment: int, faces: Callable[[], list[Seen]]) -> bool:
        """Whether a frame shows the person.

        Args:
            moment: The frame's number.
            faces: Gives the faces in it; called only if it was not looked at before.
        """
        if moment in self.seen:
            return moment in self.person
        there = faces()
        return again(self.person, moment, there, is_alone({**self.seen, moment: there})) is not None

    def placement(self, align: str) -> Placement:
        """Where the square lies.

        Args:
            align: ``none`` or ``eyes``.
        """
        found = [seen.face for seen in self.person.values()]
        return upright(np.mean([f.points for f in found], 0)) if align == "eyes" else around(found)

    def notes(self, placement: Placement) -> list[str]:
        """What a reader should know of the faces.

        Args:
            placement: Where the square lies.
        """
        corners = [placement @ (x, y, 1) for x, y in ((0, 0), (0, 1), (1, 0), (1, 1))]
        low, high = np.min(corners, 0), np.max(corners, 0)
        others = {
            i: [one.face for one in seen if one is not self.person.get(i)] for i, seen in self.seen.items()
        }
        inside = [any(_centre_in(face, low, high) for face in faces) for faces in others.values()]
        first = next(iter(self.person.values()))
        strange = [similarity(first, seen) < DOUBTFUL for seen in self.person.values()]
        height = float(np.median([_height(seen.face) for seen in self.person.values()]))
        told = {
            "other faces in {} of {} frames looked at, one person is followed": sum(
                map(bool, others.values())
            ),
            "another face in the square in {} of {} frames looked at": sum(inside),
            "perhaps another person's face in {} of {} frames looked at": sum(strange),
        }
        notes = [what.format(count, self.looks) for what, count in told.items() if count]
        if height < SMALL:
            notes.append(f"its face is {height:.0f} px high, less than {SMALL}")
        return [*([self.shown()] if self.faces < self.looks else []), *notes]


def look(frames: Mapping[int, Frames], eyes: Eyes) -> Looked:
    """Look for the person of a take in some of its frames.

    Args:
        frames: Number to frame, ``uint8[H, W, 3]``.
        eyes: Finds the faces in a frame.
    """
    seen = {i: eyes(frame) for i, frame in frames.items()}
    return Looked(seen, follow(seen))


def around(faces: Sequence[FoundFace]) -> Placement:
    """The square around one person's faces: their mean box, enlarged, larger still if they move."""
    boxes = np.array([face.box for face in faces])
    left, top, right, bottom = boxes.mean(0)
    span = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    side = max(SIDE * (bottom - top), ROOM * max(span[2] - span[0], span[3] - span[1]))
    x, y = (left + right) / 2, (top + bottom) / 2 - RAISE * side
    return square(x - side / 2, y - side / 2, side)


def _height(face: FoundFace) -> float:
    return face.box[3] - face.box[1]


def _centre_in(face: FoundFace, low: NDArray[np.floating], high: NDArray[np.floating]) -> bool:
    left, top, right, bottom = face.box
    centre = ((left + right) / 2, (top + bottom) / 2)
    return bool((low <= centre).all() and (centre <= high).all())
