"""Whether a face network tells the people apart: across takes, at both sizes, at rest and at the apex."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from fevbench.data.protocol import DEFAULT_PROTOCOL, Protocol, protocols
from fevbench.fevsynth.measure.networks import has_face
from fevbench.fevsynth.measure.pairs import FacePairs
from fevbench.fevsynth.measure.record import Estimate
from fevbench.records import Finite, Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.fevsynth.measure.study import Study

MOST_SIMILAR = 5


class Separation(Record):
    """One kind of frames at one size."""

    frames: str
    """``neutral`` or ``apex``."""
    size: int
    """Height and width, pixels."""
    faces: int
    """Faces that were compared."""
    missing: int
    """Frames without a face, left out."""
    same: Estimate
    """Mean cosine of one person's faces in different takes."""
    different: Estimate
    """Mean cosine of different people's faces."""
    auc: Estimate
    """The chance that a same-person pair is the more alike of two pairs."""


class Resemblance(Record):
    """Two people."""

    people: tuple[str, str]
    """Their ids."""
    cosine: Finite
    """Mean cosine over all pairs of their faces."""


class Identity(Record):
    """The face network on the set."""

    separations: list[Separation]
    """Neutral and apex frames, as stored and at the size of the default protocol."""
    most_similar: list[Resemblance]
    """The people most alike in their neutral frames as stored."""


def measure(study: Study) -> Identity:
    """Embed frame 0 and the middle of the apex of every clip, and every neutral image."""
    rendered = study.rendered
    shots, images = rendered.shots, rendered.neutrals
    small = protocols.get(DEFAULT_PROTOCOL)
    sides = [rendered.at(shot, [0, shot.peak(rendered.length)]) for shot in shots]
    stills = list(map(rendered.image, images))
    people = [shot.clip.subject for shot in shots]
    takes = [shot.take for shot in shots]
    separations: list[Separation] = []
    most_similar: list[Resemblance] = []
    for size, change in ((rendered.size, None), (small.size, small)):
        embed = partial(study.networks.features, "arcface")
        of_clips = embed(f"identity {size} px", _changed(sides, change), 2)
        of_images = embed(f"neutral {size} px", _changed(stills, change), 1)
        neutral = np.concatenate([of_clips[:, 0], of_images[:, 0]])
        who = people + [image.subject for image in images]
        when = takes + [image.take for image in images]
        rest, pairs = separation("neutral", size, neutral, who, when)
        peak, _ = separation("apex", size, of_clips[:, 1], people, takes)
        separations += [rest, peak]
        if change is None:
            most_similar = [
                Resemblance(people=(a, b), cosine=cosine) for a, b, cosine in pairs.most_similar(MOST_SIMILAR)
            ]
    return Identity(separations=separations, most_similar=most_similar)


def separation(
    frames: str, size: int, embeddings: NDArray[np.float32], subjects: Sequence[str], takes: Sequence[int]
) -> tuple[Separation, FacePairs]:
    """Compare all faces.

    Args:
        frames: What kind of frames they are.
        size: Of a frame, pixels.
        embeddings: ``float32[N, D]``, of length 1; NaN where no face is found.
        subjects: The person of each.
        takes: The take of each.
    """
    kept = np.flatnonzero(has_face(embeddings)).tolist()
    pairs = FacePairs(embeddings[kept], [subjects[i] for i in kept], [takes[i] for i in kept])
    found = Separation(
        frames=frames,
        size=size,
        faces=len(kept),
        missing=len(embeddings) - len(kept),
        same=pairs.same(),
        different=pairs.different(),
        auc=pairs.auc(),
    )
    return found, pairs


def _changed(
    sources: Sequence[Callable[[], Frames]], protocol: Protocol | None
) -> list[Callable[[], Frames]]:
    if protocol is None:
        return list(sources)
    return [partial(_resized, source, protocol) for source in sources]


def _resized(source: Callable[[], Frames], protocol: Protocol) -> Frames:
    return protocol.resize(source(), "a frame")
