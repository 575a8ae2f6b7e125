"""Protocols: the fixed size, frames, split and seed that make two numbers comparable.

A protocol turns a native clip into the clip that is scored, always in this order: take every
``stride``-th frame from the first, then resize each to ``size`` x ``size`` with Pillow's bicubic
filter (antialiased when shrinking) in uint8. Anything that would change a number needs a new id.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    name: str
    version: int
    size: int
    frames: int
    stride: int
    split: Split = "test"
    seed: int = 0

    @property
    def id(self) -> str:
        """The protocol's full id, for example ``64x16@1``."""
        return f"{self.name}@{self.version}"

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


protocols: Registry[Protocol] = Registry(
    "protocol",
    {
        "64x16": Protocol("64x16", version=1, size=64, frames=16, stride=2),
        "64x32": Protocol("64x32", version=1, size=64, frames=32, stride=1),
        "128x32": Protocol("128x32", version=1, size=128, frames=32, stride=1),
    },
)
DEFAULT_PROTOCOL = "64x16"
