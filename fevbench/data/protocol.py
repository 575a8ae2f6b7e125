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

MOST_UNREAD = 0.1
"""Part of a clip that may lie after the last frame read; more could hold what the clip is about."""


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
        reads_to_end: Whether a clip that goes on past the frames this reads is read to its end: they are then
            spread evenly from its first frame to its last whole stride. Otherwise such a clip is refused.
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
    reads_to_end: bool = False
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

    def covers(self, count: int) -> bool:
        """Whether a clip of ``count`` native frames is long enough, and read but for `MOST_UNREAD` of it."""
        unread = count - self.native_frames
        return unread >= 0 and (self.reads_to_end or unread <= MOST_UNREAD * count)

    def frame_numbers(self, count: int) -> list[int]:
        """Which of ``count`` native frames are taken: ``frames`` of them, the first is 0.

        Frame ``i`` is ``i * stride``. With ``reads_to_end`` it is ``i * last / (frames - 1)``,
        rounded half up, where ``last`` is the last frame that a stride ends on: the same, if the clip has no
        further stride.
        """
        last = (count - 1) // self.stride * self.stride if self.reads_to_end else self.native_frames - 1
        steps = self.frames - 1
        return [(2 * i * last + steps) // (2 * steps) for i in range(self.frames)]

    def sample(self, native: Frames, name: str) -> Frames:
        """Turn a native clip ``uint8[T, H, W, 3]`` into the one scored, ``uint8[frames, size, size, 3]``.

        Raises:
            VideoError: The clip is too short, goes on past what is read, or is not square.
        """
        if len(native) < self.native_frames:
            raise VideoError(
                f"{name} has {len(native)} frames, protocol {self.id} needs {self.native_frames}",
                "leave it out or choose a protocol with fewer frames (fevbench list protocols)",
            )
        if not self.covers(len(native)):
            raise VideoError(
                f"{name} goes on after frame {self.native_frames - 1} of {len(native)}, the last that "
                f"protocol {self.id} reads",
                self._way_out(),
            )
        return self.resize(native[self.frame_numbers(len(native))], name)

    def _way_out(self) -> str:
        """What to do with clips that go on past what this protocol reads."""
        newest = protocols.get(self.name) if self.name in protocols else self
        if newest.reads_to_end:
            return f"use {newest.id}, which is spread over the whole clip"
        return f"prepare the set with --frames {self.native_frames + self.stride - 1}, spread over each take"

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
        super().__init__(
            "protocol", {protocol.name: protocol for protocol in newest}, "fevbench.protocols", Protocol
        )
        self.older = tuple(older)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._ids()

    def get(self, name: str) -> Protocol:
        """The protocol of a name or an id.

        Raises:
            UnknownName: There is none; the message suggests near names.
        """
        return super().get(name) if name in self._targets else self._ids().get(name) or super().get(name)

    def _ids(self) -> dict[str, Protocol]:
        newest = (super(Protocols, self).get(name) for name in self)
        return {protocol.id: protocol for protocol in (*self.older, *newest)}


_FIRST = (
    Protocol("64x16", version=1, size=64, frames=16, stride=2, scores_input=True),
    Protocol("64x32", version=1, size=64, frames=32, stride=1, scores_input=True),
    Protocol("128x32", version=1, size=128, frames=32, stride=1, scores_input=True),
)
protocols = Protocols(
    newest=[replace(protocol, version=2, scores_input=False, reads_to_end=True) for protocol in _FIRST],
    older=_FIRST,
)
"""Version 2 takes the same frames as version 1, and leaves frame 0 out of all metrics of frames."""
DEFAULT_PROTOCOL = "64x16"
