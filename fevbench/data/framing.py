"""Placing a square in a picture and cutting it out: by a box, or turned so that a face's eyes are level.

A *placement* is ``float64[2, 3]``: it maps x and y of the cut-out square, as parts of its side, to pixels of
the original picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.clip import Frames

Placement = NDArray[np.float64]

FRAMING = np.array([[0.3699, 0.4542], [0.6377, 0.4541], [0.5086, 0.5958], [0.3984, 0.7292], [0.6106, 0.7289]])
"""Positions of eyes, nose and corners of the mouth in FEVSynth's frames: the mean over its 64 train subjects'
neutral images, as SCRFD finds them; x and y as parts of the side."""
LARGEST = 2048
"""Longest side in pixels that is cut out at the picture's own scale."""


@dataclass(frozen=True)
class FoundFace:
    """A face of a photograph or of a large frame.

    Attributes:
        box: Left, top, right and bottom, pixels.
        points: ``float32[5, 2]``: eyes, nose and corners of the mouth, pixels.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]

    @property
    def area(self) -> float:
        """Area of the box, in square pixels."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)


def upright(points: NDArray[np.floating]) -> Placement:
    """The placement that moves five points ``[5, 2]``, in pixels, to their positions in `FRAMING`."""
    return _similarity(FRAMING, points.astype(np.float64))


def square(left: float, top: float, side: float) -> Placement:
    """The placement of an upright square, in whole pixels."""
    return np.array([[round(side), 0, round(left)], [0, round(side), round(top)]], np.float64)


def cut_out(picture: Frames, placement: Placement, size: int) -> Frames:
    """The framed square of a picture ``uint8[H, W, 3]``, as ``uint8[size, size, 3]``.

    It is cut out at the picture's own scale, with the border repeated beyond the picture, then resized with
    Pillow's bicubic filter, antialiased when it shrinks.
    """
    side = float(np.hypot(*placement[:, 0]))
    if not placement[0, 1]:  # upright, and in whole pixels
        low = placement[:, 2].round().astype(int)
        whole = _region(picture, low, low + round(side))
    else:
        corners = placement @ np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
        low = np.floor(corners.min(1)).astype(int) - 2
        region = _region(picture, low, np.ceil(corners.max(1)).astype(int) + 2)
        cut = int(np.clip(round(side), size, max(LARGEST, size)))
        (a, b), (d, e) = placement[:, :2] / cut
        c, f = placement[:, 2] - low
        turned = (a, b, c, d, e, f)
        whole = region.transform((cut, cut), Image.Transform.AFFINE, turned, Image.Resampling.BICUBIC)
    return np.asarray(whole.resize((size, size), Image.Resampling.BICUBIC))


def _region(picture: Frames, low: NDArray[np.int_], high: NDArray[np.int_]) -> Image.Image:
    """The pixels from x and y ``low`` to before ``high``; beyond the picture its border is repeated."""
    if (low >= 0).all() and (high <= picture.shape[1::-1]).all():
        return Image.fromarray(picture[low[1] : high[1], low[0] : high[0]])
    columns, rows = (
        np.clip(np.arange(a, b), 0, length - 1)
        for a, b, length in zip(low, high, picture.shape[1::-1], strict=True)
    )
    return Image.fromarray(picture[rows[:, None], columns])


def _similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> Placement:
    """The similarity transform ``[2, 3]`` that takes ``source`` to ``target`` with the least squared error.

    Umeyama, 1991, without reflection; both are ``float64[N, 2]``.
    """
    mean_s, mean_t = source.mean(0), target.mean(0)
    s, t = (source - mean_s).T, (target - mean_t).T
    spread = (s**2).sum()
    cosine, sine = (s * t).sum() / spread, (s[0] * t[1] - s[1] * t[0]).sum() / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, mean_t - linear @ mean_s])
