"""The same frames on both sides of a split: a person under two ids, or a take that was copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames, Split
    from fevbench.data.prepared.manifest import ClipEntry

SIDE = 16
"""The hash compares 16 pixels of each of 16 rows with their neighbours: 256 bits."""
NEAR = 12
"""Bits in which two frames differ at most if they are the same picture: see docs/datasets/README.md."""
BLOCK = 2048
"""Frames that are compared with all others at once."""
CONTRAST = 6.0
"""Standard deviation of the 272 grey values below which a frame is not compared."""


@dataclass(frozen=True)
class Pair:
    """Two clips of different people in different splits that share a frame.

    Attributes:
        first: One.
        second: The other.
        bits: In how many bits of 256 their nearest frames differ.
    """

    first: ClipEntry
    second: ClipEntry
    bits: int


def perceptual_hash(frame: Frames) -> str:
    """A difference hash of ``uint8[H, W, 3]`` as 64 hexadecimal digits; it outlives recoding and resizing.

    Empty if there is next to nothing to see, as in a dark room: noise would be all that is compared.
    """
    grey = Image.fromarray(frame).convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(grey).astype(np.int16)
    if pixels.std() < CONTRAST:
        return ""
    return np.packbits(pixels[:, 1:] > pixels[:, :-1]).tobytes().hex()


def across_splits(clips: Sequence[ClipEntry], home: Mapping[str, Split]) -> list[Pair]:
    """The pairs of clips of different splits that share a frame, each once, nearest first.

    Args:
        clips: All clips.
        home: The split of each person.
    """
    rows = [(clip, bits) for clip in clips for bits in clip.hashes if bits]
    if not rows:
        return []
    signs = np.array([_signs(bits) for _, bits in rows], np.float32)
    splits = np.array([sorted(set(home.values())).index(home[clip.subject]) for clip, _ in rows])
    nearest: dict[tuple[str, str], Pair] = {}
    for start in range(0, len(rows), BLOCK):
        stop = start + BLOCK
        # Of ±1 vectors, the product counts equal bits less different ones.
        differing = (signs.shape[1] - signs[start:stop] @ signs.T) / 2
        apart = splits[start:stop, None] < splits
        for i, j in np.argwhere((differing <= NEAR) & apart):
            first, second = rows[start + int(i)][0], rows[int(j)][0]
            pair = Pair(first, second, int(differing[i, j]))
            key = (first.id, second.id)
            if key not in nearest or pair.bits < nearest[key].bits:
                nearest[key] = pair
    return sorted(nearest.values(), key=lambda pair: (pair.bits, pair.first.id, pair.second.id))


def _signs(bits: str) -> NDArray[np.float32]:
    return np.unpackbits(np.frombuffer(bytes.fromhex(bits), np.uint8)).astype(np.float32) * 2 - 1
