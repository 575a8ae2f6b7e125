"""Protocols: the fixed size, frames, split and seed that make two numbers comparable.

A protocol turns a native clip into the clip that is scored, always in this order: take every
``stride``-th frame from the first, then resize each to ``size`` x ``size`` with Pillow's bicubic
filter (antialiased when shrinking) in uint8. Anything that would change a number needs a new id.

Frame 0 is the model's input. A model that copies it is no better for that, so metrics of frames do not score
it, on either side; metrics of motion and networks that see whole clips do see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fevbench.data.clip import Split
from fevbench.errors import VideoError
from fevbench.registry import Registry

if TYPE_CHECKING:
    from fevbench.data.clip import Frames


@dataclass(frozen=True)
class Protocol:
    """How clips are sampled, resized and generated.

    Attributes:
        name: What the command line calls it.
        version: Raised whenever a number under this name could change.
        size: Height and width of a scored frame, in pixels.
        frames: Frames in a scored clip.
        stride: Every how many native frames one is taken, from the first.
        split: The split that is scored unless another is asked for.
        seed: The seed of generation unless another is asked for.
        scores_input: Whether metrics of frames score frame 0, the model's input, as version 1 did.
        sampling: The first version that samples and resizes clips as this one does.
    """

    name: str
    version: int
    size: int
    frames: int
    stride: int
    split: Split = "test"
    seed: int = 0
    scores_input: bool = False
    sampling: int = 1

    @property
    def id(self) -> str:
        """The protocol's full id, for example ``64x16@2``."""
        return f"{self.name}@{self.version}"

    @property
    def sampling_id(self) -> str:
        """What decides the sampled clips: the same for versions that differ only in what is scored.

        Whatever was learnt from sampled clips, such as a data set's judge, is kept under it.
        """
        return f"{self.name}@{self.sampling}"

    @property
    def native_frames(self) -> int:
        """How many native frames a clip must have."""
        return (self.frames - 1) * self.stride + 1

    def sample(self, native: Frames, name: str) -> Frames:
        """Turn a native clip into the clip that is scored.

        Args:
            native: ``uint8[T, H, W, 3]``.
            name: What to call the clip in an error.

        Returns:
            ``uint8[frames, size, size, 3]``.

        Raises:
            VideoError: The clip is too short, or not square.
        """
        if len(native) < self.native_frames:
            raise VideoError(
                f"{name} has {len(native)} frames, protocol {self.id} needs {self.native_frames}",
                "leave it out or choose a protocol with fewer frames (fevbench list protocols)",
            )
        return self.resize(native[: self.native_frames : self.stride], name)

    def resize(self, frames: Frames, name: str) -> Frames:
        """Resize ``uint8[T, H, W, 3]`` to ``uint8[T, size, size, 3]``; see the module's definition."""
        import numpy as np
        from PIL import Image

        height, width = frames.shape[1:3]
        if height != width:
            raise VideoError(f"{name} is {width}x{height}, not square", "crop a square around the face")
        if height == self.size:
            return np.ascontiguousarray(frames)
        target = (self.size, self.size)
        bicubic = Image.Resampling.BICUBIC
        return np.stack([np.asarray(Image.fromarray(f).resize(target, bicubic)) for f in frames])


class Protocols(Registry[Protocol]):
    """Protocols by name, each in its newest version; ids such as ``64x16@1`` name any version.

    Args:
        newest: What a name stands for.
        older: Versions that are still known, by their ids only.
    """

    def __init__(self, newest: Sequence[Protocol], older: Sequence[Protocol]) -> None:
        super().__init__("protocol", {protocol.name: protocol for protocol in newest})
        self.older = tuple(older)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._ids()

    def get(self, name: str) -> Protocol:
        """The protocol of a name or an id.

        Raises:
            UnknownName: There is none; the message suggests near names.
        """
        known = self._ids().get(name)
        return super().get(name) if known is None else known

    def _ids(self) -> dict[str, Protocol]:
        newest = (super(Protocols, self).get(name) for name in self)
        return {protocol.id: protocol for protocol in (*self.older, *newest)}


_FIRST = (
    Protocol("64x16", version=1, size=64, frames=16, stride=2, scores_input=True),
    Protocol("64x32", version=1, size=64, frames=32, stride=1, scores_input=True),
    Protocol("128x32", version=1, size=128, frames=32, stride=1, scores_input=True),
)
protocols = Protocols(
    newest=[replace(protocol, version=2, scores_input=False) for protocol in _FIRST], older=_FIRST
)
"""Version 2 takes the same frames as version 1, and leaves frame 0 out of all metrics of frames."""
DEFAULT_PROTOCOL = "64x16"
