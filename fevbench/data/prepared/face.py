"""Following one subject's face through a recording, and one square that holds it in all frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames
from fevbench.data.framing import FoundFace, Placement, square, upright

SAME_SUBJECT = 0.4
"""Least cosine of two embeddings of the same subject, at any position. In FEVSynth, faces of the same subject
have at least 0.76 within a clip, those of two subjects 0.2 on average."""
DOUBTFUL = 0.25
"""Cosine below which two faces are hardly of the same subject."""
SAME_PLACE = 0.3
"""Least overlap (intersection over union) of the boxes of a face that has not moved between two frames."""
LEAST_FOUND = 0.5
"""The subject must be found in more than this part of the searched frames."""


@dataclass(frozen=True)
class DetectedFace:
    """A face in a frame, with its embedding ``float32[512]``, of length 1."""

    face: FoundFace
    embedding: NDArray[np.float32]


def follow_subject(faces_of_frames: Mapping[int, Sequence[DetectedFace]]) -> dict[int, DetectedFace]:
    """Follow one subject: of those in most frames, the one with the largest face where one first appears.

    In later frames, the size of a face does not matter. The subject's face is the one that resembles the face
    in the first frame and is where it was before; a frame may show none.

    Returns:
        Frame number to its face. If no subject is in more than `LEAST_FOUND` of the frames, the one who is in
        most.
    """
    numbers = sorted(faces_of_frames)
    first = next((i for i in numbers if faces_of_frames[i]), None)
    if first is None:
        return {}
    paths = []
    for begun in sorted(faces_of_frames[first], key=lambda seen: seen.face.area, reverse=True):
        path = {first: begun}
        for i in numbers:
            if i > first and (
                seen := same_subject(path, i, faces_of_frames[i], shows_one_face_each(faces_of_frames))
            ):
                path[i] = seen
        paths.append(path)
    lasting = [path for path in paths if len(path) > LEAST_FOUND * len(numbers)]
    return lasting[0] if lasting else max(paths, key=len)


def shows_one_face_each(faces_of_frames: Mapping[int, Sequence[DetectedFace]]) -> bool:
    """Whether no frame shows two faces."""
    return all(len(faces) < 2 for faces in faces_of_frames.values())


def same_subject(
    subject: Mapping[int, DetectedFace], number: int, faces: Sequence[DetectedFace], alone: bool
) -> DetectedFace | None:
    """The face among ``faces`` of frame ``number`` that is the subject's, or None.

    ``subject`` holds its faces by frame number, in the order of time; ``alone`` says that no frame shows two.
    """
    first, nearest = next(iter(subject.values())), subject[min(subject, key=lambda i: abs(i - number))]
    candidates = [(similarity(first, seen), overlap(nearest.face, seen.face), seen) for seen in faces]
    if not candidates:
        return None
    similar, near, seen = max(candidates, key=lambda candidate: candidate[0] + candidate[1])
    # A face that is turned away or shows a strong expression resembles itself less. If no frame shows
    # another face, the same position is enough.
    return (
        seen if similar >= SAME_SUBJECT or (near >= SAME_PLACE and (alone or similar >= DOUBTFUL)) else None
    )


def similarity(first: DetectedFace, second: DetectedFace) -> float:
    """The cosine between two faces' embeddings."""
    return float(first.embedding @ second.embedding)


def overlap(first: FoundFace, second: FoundFace) -> float:
    """Intersection over union of two boxes."""
    sides = [min(first.box[i + 2], second.box[i + 2]) - max(first.box[i], second.box[i]) for i in (0, 1)]
    common = max(0.0, sides[0]) * max(0.0, sides[1])
    return common / max(first.area + second.area - common, 1e-9)


SIDE = 1.25
"""Side of the square, in heights of the face's box: FEVSynth's frames are 1.25 times as high as its boxes."""
RAISE = 0.028
"""Distance of the box's centre below the square's, as a part of the side; as in FEVSynth."""
ROOM = 1.05
"""Least side of the square as a multiple of the span of all boxes, for faces that move."""
SMALL = 32
"""Height in pixels below which a face is noted: most of its cropped pixels are interpolated."""

ReadFaces = Callable[["Frames"], list[DetectedFace]]
"""Finds the faces in ``uint8[H, W, 3]``, from left to right; can be pickled."""


@dataclass(frozen=True)
class FaceSearch:
    """The faces found in a recording.

    Attributes:
        seen: Number of a searched frame to the faces in it.
        subject: Number of a frame to the face of the followed subject, if the frame shows it.
    """

    seen: dict[int, list[DetectedFace]]
    subject: dict[int, DetectedFace]

    @property
    def faces(self) -> int:
        """Number of frames with the subject's face."""
        return len(self.subject)

    @property
    def looks(self) -> int:
        """Number of searched frames."""
        return len(self.seen)

    def shown(self) -> str:
        """In how many of the searched frames the subject's face is, in words."""
        return f"a face in {self.faces} of {self.looks} frames looked at"

    def shows(self, number: int, faces: Callable[[], list[DetectedFace]]) -> bool:
        """Whether a frame shows the subject; ``faces`` finds its faces if it was not searched before."""
        if number in self.seen:
            return number in self.subject
        there = faces()
        alone = shows_one_face_each({**self.seen, number: there})
        return same_subject(self.subject, number, there, alone) is not None

    def placement(self, align: str) -> Placement:
        """The placement of the square; ``align`` is ``none`` or ``eyes``."""
        found = [seen.face for seen in self.subject.values()]
        return upright(np.mean([f.points for f in found], 0)) if align == "eyes" else around(found)

    def notes(self, placement: Placement) -> list[str]:
        """Notes on the faces."""
        corners = [placement @ (x, y, 1) for x, y in ((0, 0), (0, 1), (1, 0), (1, 1))]
        low, high = np.min(corners, 0), np.max(corners, 0)
        others = {
            i: [one.face for one in seen if one is not self.subject.get(i)] for i, seen in self.seen.items()
        }
        inside = [any(_centre_is_in(face, low, high) for face in faces) for faces in others.values()]
        first = next(iter(self.subject.values()))
        unlike = [similarity(first, seen) < DOUBTFUL for seen in self.subject.values()]
        height = float(np.median([seen.face.box[3] - seen.face.box[1] for seen in self.subject.values()]))
        counted = {
            "other faces in {} of {} frames looked at, one subject is followed": sum(
                map(bool, others.values())
            ),
            "another face in the square in {} of {} frames looked at": sum(inside),
            "perhaps another subject's face in {} of {} frames looked at": sum(unlike),
        }
        notes = [what.format(count, self.looks) for what, count in counted.items() if count]
        if height < SMALL:
            notes.append(f"its face is {height:.0f} px high, less than {SMALL}")
        return [*([self.shown()] if self.faces < self.looks else []), *notes]


def search_faces(frames: Mapping[int, Frames], read_faces: ReadFaces) -> FaceSearch:
    """Search the subject of a recording in some of its frames: number to ``uint8[H, W, 3]``."""
    seen = {i: read_faces(frame) for i, frame in frames.items()}
    return FaceSearch(seen, follow_subject(seen))


def around(faces: Sequence[FoundFace]) -> Placement:
    """The square around one subject's faces: their mean box, enlarged, larger still if they move."""
    boxes = np.array([face.box for face in faces])
    left, top, right, bottom = boxes.mean(0)
    span = np.concatenate([boxes[:, :2].min(0), boxes[:, 2:].max(0)])
    side = max(SIDE * (bottom - top), ROOM * max(span[2] - span[0], span[3] - span[1]))
    x, y = (left + right) / 2, (top + bottom) / 2 - RAISE * side
    return square(x - side / 2, y - side / 2, side)


def _centre_is_in(face: FoundFace, low: NDArray[np.floating], high: NDArray[np.floating]) -> bool:
    left, top, right, bottom = face.box
    centre = ((left + right) / 2, (top + bottom) / 2)
    return bool((low <= centre).all() and (centre <= high).all())
