"""What a clip metric sees: one generated clip beside its true clip, pixels and features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames
    from fevbench.metrics.identity import InputFaces

    Features = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ClipView:
    """One clip to be measured: the frames that the metric looks at (`Metric.first`), here T of them.

    Attributes:
        frames: The generated clip, ``uint8[T, H, W, 3]``.
        truth: The true clip, of the same shape.
        label: The expression that was asked for.
        subject: The person.
        labels: The data set's labels, in their order.
        generated: Extractor name to the generated clip's features: ``float32[T, D]`` for extractors that
            look at frames, alone or beside the true clip's, ``float32[T - 1, D]`` for those that look at each
            beside the next, ``float32[1, D]`` for those that look at clips, ``float32[P * T, D]`` for those
            that look at P pairs of clips of this face and label.
        true: The same of the true clip.
        faces: Extractor name to the input faces of all subjects who are scored.
        input: Extractor name to the features of the input face, the true clip's frame 0, ``float32[1, D]``;
            by default the first row of ``true``, which is right where no frame is left out.
    """

    frames: Frames
    truth: Frames
    label: str
    subject: str
    labels: Sequence[str]
    generated: Features
    true: Features
    faces: Mapping[str, InputFaces] = field(default_factory=dict)
    input: Features = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.input:
            first = {name: features[:1] for name, features in self.true.items()}
            object.__setattr__(self, "input", first)
