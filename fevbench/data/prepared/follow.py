"""Following one person's face through the frames a take is looked at in: by who it is, and by where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fevbench.data.framing import FoundFace

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
