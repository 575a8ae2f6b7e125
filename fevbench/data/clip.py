"""What a clip, a subject and a data set are.

A *clip* is one recording of one subject performing one expression, starting from the neutral face. Its
pixels are always ``uint8[T, H, W, 3]``, RGB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Frames: TypeAlias = "NDArray[np.uint8]"
"""Only for type checkers, so that listing clips does not import NumPy."""

EXPRESSIONS: tuple[str, ...] = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The six basic expressions in the order of every label index in this project (alphabetical)."""

Split = Literal["train", "val", "test"]
LOSSLESS_SUFFIX = ".mkv"
"""Suffix of the clips that fevbench writes, losslessly: FFV1 in Matroska."""
DIGEST_TAG = "FRAMES_SHA256"
"""Metadata tag of such a clip that holds the sha256 of its frames."""


@dataclass(frozen=True)
class Subject:
    """A subject of a data set.

    Attributes:
        id: Unique within the data set.
        split: The split all of this subject's clips belong to; splits never share a subject.
        attributes: Other known attributes, for example ``{"sex": "female", "age": "young"}``.
    """

    id: str
    split: Split
    attributes: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Clip:
    """Location and content of one clip; `Dataset.frames` reads its pixels.

    Attributes:
        id: Unique within the data set and usable as a file name; clips made elsewhere match by it.
        subject: The ``Subject.id`` of the subject.
        label: The expression, one of the data set's labels.
        split: The split of the subject.
        path: A video file, a folder of frames, or a file with many clips.
    """

    id: str
    subject: str
    label: str
    split: Split
    path: Path


@runtime_checkable
class Dataset(Protocol):
    """The interface of a data set; everything else in fevbench works on any object that has it."""

    name: str
    version: str
    title: str
    licence: str
    citation: str
    fps: float
    labels: tuple[str, ...]

    def subjects(self) -> tuple[Subject, ...]:
        """Every subject, in a fixed order."""

    def clips(self, split: Split) -> tuple[Clip, ...]:
        """The clips of a split, in a fixed order."""

    def frames(self, clip: Clip) -> Frames:
        """The clip at native size and rate: ``uint8[T, H, W, 3]``. Frame 0 is the neutral face."""
