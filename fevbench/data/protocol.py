"""Protocols: the fixed size, frames, split and seed that make two numbers comparable.

A protocol turns a native clip into the clip that is scored, always in this order: take some of its frames,
crop each if the protocol says so, then resize each to ``size`` x ``size`` with Pillow's bicubic filter
(antialiased when shrinking) in uint8. Anything that would change a number needs a new id.

Frame 0 is the model's input. Copying it must not improve a result, so metrics of frames leave it out, in made
and in true clips; metrics of motion and networks for whole clips use it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fevbench.data.clip import Split
from fevbench.errors import FevbenchError, UnknownName, VideoError
from fevbench.registry import Registry

if TYPE_CHECKING:
    from fevbench.data.clip import Frames
    from fevbench.data.own_protocol import OwnProtocol

MOST_UNREAD = 0.1
"""Largest part of a clip after the last frame read; a larger part could hold the expression."""

RATE_ROUNDED = 0.999
"""Relative tolerance of frame rates, which containers round."""


@dataclass(frozen=True)
class Protocol:
    """How clips are sampled, resized and generated.

    Attributes:
        name: Its name on the command line.
        version: Increased whenever a result under this name could change.
        size: Height and width of a scored frame, in pixels.
        frames: Frames in a scored clip.
        stride: Every how many native frames one is taken, from the first.
        split: The default split to score.
        seed: The default seed of generation.
        reads_to_end: Whether a longer clip is read to its end: the frames are then spread evenly from its
            first frame to its last whole stride. Otherwise a longer clip is refused.
        scores_input: Whether metrics of frames score frame 0, the model's input, as version 1 did.
        fps: Frames taken per second of a clip, the nearest native ones; None if ``stride`` is used.
        crop: How frames that are not square are handled: refused, or cropped to the square in the middle.
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
    fps: float | None = None
    crop: Literal["none", "centre"] = "none"
    sampling: int = 1

    @property
    def id(self) -> str:
        """The protocol's full id, for example ``64x16@2``."""
        return f"{self.name}@{self.version}"

    @property
    def sampling_id(self) -> str:
        """The id of the sampling: the same for versions that differ only in which frames are scored.

        What is trained on sampled clips, such as a data set's expression classifier, is stored under this id.
        """
        return f"{self.name}@{self.sampling}"

    def rate(self, fps: float) -> float:
        """Frames per second of a clip sampled with the stride from a native clip with ``fps``."""
        return self.fps or fps / self.stride

    def native_frames(self, fps: float | None = None) -> int:
        """Least number of native frames of a clip with this rate."""
        return self._last(fps) + 1

    def _last(self, fps: float | None) -> int:
        """The last native frame that is taken if the clip is not read to its end."""
        if self.fps and fps:
            return self._nearest(self.frames - 1, fps)
        return (self.frames - 1) * self.stride

    def _nearest(self, number: int, fps: float) -> int:
        """The native frame nearest in time to a sampled one; of two equally near, the later."""
        return int(number * Fraction(fps) / Fraction(self.fps or fps) + Fraction(1, 2))

    def covers(self, count: int, fps: float | None = None) -> bool:
        """Whether ``count`` native frames are enough, and at most `MOST_UNREAD` of them are not read."""
        unread = count - self.native_frames(fps)
        return unread >= 0 and (self.reads_to_end or unread <= MOST_UNREAD * count)

    def frame_numbers(self, count: int, fps: float | None = None) -> list[int]:
        """Which of ``count`` native frames are taken: ``frames`` of them, the first is 0.

        Frame ``i`` is ``i * stride``. With ``reads_to_end`` it is ``i * last / (frames - 1)``,
        rounded half up, where ``last`` is the last frame that a stride ends on: the same, if the clip has no
        further stride. With ``Protocol.fps`` it is the native frame, of ``fps`` a second, that is shown
        nearest to ``i / Protocol.fps`` seconds.
        """
        if self.fps and fps:
            return [self._nearest(i, fps) for i in range(self.frames)]
        last = (count - 1) // self.stride * self.stride if self.reads_to_end else self._last(fps)
        steps = self.frames - 1
        return [(2 * i * last + steps) // (2 * steps) for i in range(self.frames)]

    def taken(self, count: int, name: str, fps: float | None = None) -> list[int]:
        """The `frame_numbers` of a clip of ``count`` native frames, after checking its length and rate.

        ``name`` is what to call it in an error, ``fps`` its native frames per second, None if unknown.

        Raises:
            VideoError: The clip is too short or too long, or its rate is unknown or too low.
        """
        if self.fps and not fps:
            what = f"{name} says no frame rate, and protocol {self.id} takes {self.fps:g} frames a second"
            raise VideoError(what, "give videos with a constant rate, or use another protocol")
        if self.fps and fps and fps < self.fps * RATE_ROUNDED:
            raise VideoError(
                f"{name} has {fps:g} frames a second, protocol {self.id} takes {self.fps:g}",
                "use a protocol of a lower rate: no frame is shown twice",
            )
        needed = self.native_frames(fps)
        if count < needed:
            raise VideoError(
                f"{name} has {count} frames, protocol {self.id} needs {needed}",
                "leave it out or choose a protocol with fewer frames (fevbench list protocols)",
            )
        if not self.covers(count, fps):
            raise VideoError(
                f"{name} has {count} frames, protocol {self.id} reads only the first {needed}",
                self._advice(),
            )
        return self.frame_numbers(count, fps)

    def sample(self, native: Frames, name: str, fps: float | None = None) -> Frames:
        """Turn a native clip ``uint8[T, H, W, 3]`` into the scored one, ``uint8[frames, size, size, 3]``.

        ``name`` is what to call it in an error, ``fps`` its rate, which protocols with a rate need.

        Raises:
            VideoError: The clip does not fit; see `taken` and `resize`.
        """
        return self.resize(native[self.taken(len(native), name, fps)], name)

    def _advice(self) -> str:
        """What to do with clips that are too long for this protocol."""
        newest = protocols.get(self.name) if self.name in protocols else self
        if newest.reads_to_end:
            return f"use {newest.id}, which is spread over the whole clip"
        if (own := _described(self.name)) and own.name == self.name:
            whole = own.model_copy(update={"rule": "uniform"})
            return f"use {whole.name}, which is spread over the whole clip"
        return (
            f"prepare the set with --frames {self.native_frames() + self.stride - 1}, spread over each take"
        )

    def resize(self, frames: Frames, name: str) -> Frames:
        """Crop and resize ``uint8[T, H, W, 3]`` to ``uint8[T, size, size, 3]``; see the module's definition.

        Raises:
            VideoError: Its frames are not square, and the protocol does not crop.
        """
        import numpy as np
        from PIL import Image

        height, width = frames.shape[1:3]
        side = min(height, width)
        if height != width and self.crop == "none":
            raise VideoError(f"{name} is {width}x{height}, not square", "crop a square around the face")
        top, left = (height - side) // 2, (width - side) // 2
        frames = frames[:, top : top + side, left : left + side]
        if side == self.size:
            return np.ascontiguousarray(frames)
        target = (self.size, self.size)
        bicubic = Image.Resampling.BICUBIC
        return np.stack([np.asarray(Image.fromarray(f).resize(target, bicubic)) for f in frames])


class Protocols(Registry[Protocol]):
    """Protocols by name, each in its newest version; ids such as ``64x16@1`` name any version.

    Names of `fevbench.data.own_protocol` need not be registered: they describe their protocol.

    Args:
        newest: The newest version of each name.
        older: Older versions, known only by their ids.
    """

    def __init__(self, newest: Sequence[Protocol], older: Sequence[Protocol]) -> None:
        super().__init__(
            "protocol", {protocol.name: protocol for protocol in newest}, "fevbench.protocols", Protocol
        )
        self.older = tuple(older)

    def __contains__(self, name: object) -> bool:
        if super().__contains__(name) or name in self._ids():
            return True
        try:
            return isinstance(name, str) and self._own(name) is not None
        except FevbenchError:
            return False

    def add(self, name: str, target: Protocol | str) -> None:
        """Register a protocol.

        Raises:
            FevbenchError: The name is taken, or describes a protocol, as ``256x64`` does.
        """
        if name not in self._targets and _described(name):
            raise FevbenchError(
                f"{name!r} is reserved for a protocol given by its name", "choose another name"
            )
        super().add(name, target)

    def get(self, name: str) -> Protocol:
        """The protocol of a name or an id.

        Raises:
            UnknownName: There is none; the message suggests similar names.
            FevbenchError: A number in the name is too small or too large.
        """
        if name in self._targets:
            return super().get(name)
        found = self._ids().get(name) or self._own(name)
        if found is None and name.partition("@")[0] in self._targets:
            stem, _, number = name.partition("@")
            hint = f"a stride of {number} is {stem}-stride{number}" if number.isdecimal() else ""
            raise UnknownName("protocol", name, self._ids(), hint)
        return found or super().get(name)

    def of(self, own: OwnProtocol) -> Protocol:
        """The protocol of an `OwnProtocol`; a built-in one, with its id, if it samples in the same way."""
        from fevbench.data.own_protocol import VERSION

        found = Protocol(
            own.name,
            VERSION,
            own.size,
            own.frames,
            own.stride or 1,
            split=own.split,
            seed=own.seed,
            reads_to_end=own.rule == "uniform",
            fps=own.fps,
            crop=own.crop,
        )
        for name in self._built_in:
            known = super().get(name)
            if replace(found, name=name, version=known.version, split=known.split, seed=known.seed) == known:
                return replace(known, split=own.split, seed=own.seed)
        return found

    def _own(self, name: str) -> Protocol | None:
        stem = name.partition("@")[0]
        if stem in self._targets:  # the part after @ is a version
            return None
        own = _described(name)
        return self.of(own) if own else None

    def _ids(self) -> dict[str, Protocol]:
        newest = (super(Protocols, self).get(name) for name in self)
        return {protocol.id: protocol for protocol in (*self.older, *newest)}


def _described(name: str) -> OwnProtocol | None:
    """The protocol that a name describes; None if it describes none."""
    if not name[:1].isdecimal():
        return None
    from fevbench.data.own_protocol import parse  # imports pydantic, which takes time

    return parse(name)


def find_protocol(name: str | Path | Protocol | None = None) -> Protocol:
    """Find a protocol by name, id or file.

    Args:
        name: A name or an id of ``fevbench list protocols``; ``SIZExFRAMES``, ``SIZExFRAMES@STRIDE`` or a
            longer name of `fevbench.data.own_protocol`; or a TOML file. None for the default.

    Raises:
        UnknownName: There is none of this name.
        FevbenchError: The file or the name does not describe a possible protocol.
    """
    if name is None:
        return protocols.get(DEFAULT_PROTOCOL)
    if isinstance(name, Protocol):
        return name
    if str(name).endswith(".toml"):
        from fevbench.data.own_protocol import read_protocol

        return protocols.of(read_protocol(Path(name).expanduser()))
    return protocols.get(str(name))


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
