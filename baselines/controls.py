"""Controls: clips whose place in every metric's order is known before it is measured.

They read the true clips, so they are not models. A metric that does not order them as described
here does not measure what its name says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fevbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from fevbench.data.clip import Clip, Frames
    from fevbench.models.protocol import ModelSpec


class Copy:
    """The input face, frozen: identity is perfect, nothing moves."""

    control = True

    def __init__(self, spec: ModelSpec) -> None:
        self._frames = spec.frames

    def generate(
        self, images: torch.Tensor, labels: torch.Tensor, generator: torch.Generator
    ) -> torch.Tensor:
        """Repeat each image of ``float32[B, 3, H, W]`` over time."""
        return images[:, None].repeat(1, self._frames, 1, 1, 1)


class Real:
    """The true clip: the ceiling of every metric that compares with the truth."""

    control = True

    def __init__(self, spec: ModelSpec) -> None:
        self._corpus = spec.corpus

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The true clip itself."""
        return self._corpus.frames(wanted)


class Shuffled(Real):
    """The true clip's frames in random order: every frame is real, the motion is not.

    Where frame 0 is the input and not scored, it stays where it is.
    """

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The true frames, permuted."""
        import torch

        frames = super().clip(wanted, generator)
        kept = 0 if self._corpus.protocol.scores_input else 1
        order = kept + torch.randperm(len(frames) - kept, generator=generator).numpy()
        return np.concatenate([frames[:kept], frames[order]])


class OtherPerson(Real):
    """The right expression by the wrong person: the next person of the split."""

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The true clip of the same label by the person after this one."""
        same = self._next(wanted, lambda clip: clip.label == wanted.label and clip.subject != wanted.subject)
        return self._corpus.frames(same)

    def _next(self, wanted: Clip, fits: Callable[[Clip], bool]) -> Clip:
        pool = self._corpus.pool
        start = pool.index(wanted)
        for clip in pool[start + 1 :] + pool[:start]:
            if fits(clip):
                return clip
        raise DatasetError(
            f"clip {wanted.id} has no counterpart in the {self._corpus.split} split of "
            f"{self._corpus.dataset.name}",
            "this control needs two people and two labels",
        )


class OtherExpression(OtherPerson):
    """The right person with the wrong expression: the next label of the same person."""

    def clip(self, wanted: Clip, generator: torch.Generator) -> Frames:
        """The true clip of the same person with the label after this one."""
        other = self._next(wanted, lambda clip: clip.subject == wanted.subject and clip.label != wanted.label)
        return self._corpus.frames(other)
