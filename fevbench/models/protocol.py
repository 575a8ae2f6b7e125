"""What a model must do to be scored.

A model is any class whose constructor takes a :class:`ModelSpec` and which has one method::

    class Frozen:
        "The input face, frozen."

        def __init__(self, spec):
            self.frames = spec.frames

        def generate(self, images, labels, generator):
            return images[:, None].repeat(1, self.frames, 1, 1, 1)

Clips that are looked up and not generated (controls, videos made elsewhere) come from a
:class:`ClipSource` instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from fevbench.progress import Progress, Silent

if TYPE_CHECKING:
    import torch

    from fevbench.data.clip import Clip, Frames
    from fevbench.data.corpus import Corpus


@dataclass(frozen=True)
class ModelSpec:
    """What a model gets when it is built.

    Attributes:
        frames: Frames a clip must have, the input's neutral frame included.
        size: Height and width of the input and of every frame, in pixels.
        labels: The expressions in the order of the label indices.
        device: The torch device to run on, for example ``"cpu"`` or ``"cuda"``.
        corpus: The true clips being scored. Only controls may read them. Models may read the train subjects
            of its data set.
        progress: Receives the progress while the model is built.
    """

    frames: int
    size: int
    labels: tuple[str, ...]
    device: str
    corpus: Corpus
    progress: Progress = field(default_factory=Silent)


@runtime_checkable
class VideoModel(Protocol):
    """A model: one neutral face and a label in, a video out."""

    def generate(
        self, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Make one video for each input.

        Args:
            images: ``float32[B, 3, H, W]`` in [-1, 1], neutral faces. In a run ``B`` is 1, so that a
                clip depends only on its own seed. If the class sets ``batch = N``, clips are made in fixed
                groups of N; the last group may be smaller.
            labels: ``int64[B]``, indices into ``ModelSpec.labels``.
            generator: The source of every random number the model draws, on its device.

        Returns:
            ``float32[B, T, 3, H, W]`` in [-1, 1].
        """


@runtime_checkable
class ClipSource(Protocol):
    """A source of clips that already exist, or are made from true clips."""

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The clip to score for ``wanted``: ``uint8[T, H, W, 3]``, RGB, at the protocol's size."""
