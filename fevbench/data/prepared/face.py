"""Following one subject's face through a recording, and the one square that holds it in all frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.framing import FoundFace, square, upright

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.data.framing import Placement

SAME = 0.4
"""Cosine of two embeddings from which on two faces are one person's, wherever they are. Of FEVSynth's people,
faces of one have 0.76 and more in a clip, those of two 0.2 in the mean."""
DOUBTFUL = 0.25
"""Cosine below which two faces are hardly one person's."""
NEAR = 0.3
"""Overlap (intersection over union) of boxes in two looks from which on a face has stayed where it was."""
LEAST = 0.5
"""Part of the frames looked at in which a person must be found; half is not enough."""


@dataclass(frozen=True)
class Seen:
    """A face in a frame, and whose it is.

    Attributes:
        face: Where it is.
        embedding: ``float32[512]``, of length 1.
    """

    face: FoundFace
    embedding: NDArray[np.float32]


def follow(looks: Mapping[int, Sequence[Seen]]) -> dict[int, Seen]:
    """Follow one person: the largest in the first frame that shows a face of those who are in most frames.

    How large a face is says nothing of who it is in any later frame. There, the face is the person's that
    resembles the one in the first frame and lies where it lay before; it may be none.

    Args:
        looks: Frame number to the faces in it.

    Returns:
        Frame number to the person's face; of nobody in more than `LEAST` of the frames, who is in most.
    """
    moments = sorted(looks)
    first = next((i for i in moments if looks[i]), None)
    if first is None:
        return {}
    paths = []
    for begun in sorted(looks[first], key=lambda seen: seen.face.area, reverse=True):
        path = {first: begun}
        for i in moments:
            if i > first and (seen := again(path, i, looks[i], is_alone(looks))):
                path[i] = seen
        paths.append(path)
    lasting = [path for path in paths if len(path) > LEAST * len(moments)]
    return lasting[0] if lasting else max(paths, key=len)


def is_alone(looks: Mapping[int, Sequence[Seen]]) -> bool:
    """Whether no frame shows two faces."""
    return all(len(faces) < 2 for faces in looks.values())


def again(person: Mapping[int, Seen], moment: int, faces: Sequence[Seen], alone: bool) -> Seen | None:
    """The face of a person in another frame, or None.

    Args:
        person: Frame number to the person's face, in the order of time.
        moment: The other frame's number.
        faces: The faces in it.
        alone: Whether no frame shows two faces.
    """
    first, nearest = next(iter(person.values())), person[min(person, key=lambda i: abs(i - moment))]
    candidates = [(similarity(first, seen), overlap(nearest.face, seen.face), seen) for seen in faces]
    if not candidates:
        return None
    alike, near, seen = max(candidates, key=lambda candidate: candidate[0] + candidate[1])
    # A face turned away or drawn by a strong expression resembles itself less. Where nobody else is about, to
    # have stayed is enough.
    return seen if alike >= SAME or (near >= NEAR and (alone or alike >= DOUBTFUL)) else None


def similarity(first: Seen, second: Seen) -> float:
    """The cosine between two faces."""
    return float(first.embedding @ second.embedding)


def overlap(first: FoundFace, second: FoundFace) -> float:
    """Intersection over union of two boxes."""
    sides = [min(first.box[i + 2], second.box[i + 2]) - max(first.box[i], second.box[i]) for i in (0, 1)]
    common = max(0.0, sides[0]) * max(0.0, sides[1])
    return common / max(first.area + second.area - common, 1e-9)


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
