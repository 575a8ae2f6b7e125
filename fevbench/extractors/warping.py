"""The warping error: does a clip move like the true clip, and steadily?

E_warp of Lai et al. (ECCV 2018) with the optical flow of the true clip: each next frame of the made clip is
warped back by the true clip's flow; its squared difference to the frame before, in [0, 1], is averaged over
channels and over the pixels that the true clip shows in both frames.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fevbench.data.clip import Frames

Floats = NDArray[np.float32]
FLOW_SIZE = 256
"""Height and width of frames for the flow: DIS compares patches of 8 x 8 pixels, which in a frame of 64 would
be as large as an eye."""
RELATIVE, ABSOLUTE = 0.01, 0.5
"""Tolerance of the forward-backward check: a part of the squared lengths of both flows, and squared pixels
(Sundaram et al., 2010)."""

FLOWS_KEPT = 256
"""Number of cached flows of true frames, enough for the clips in work."""


class WarpingErrors:
    """Two frames of a made clip and the same two of its true clip to ``float64[N, 1]``, in [0, 1].

    NaN if both frames of the true clip show no common pixel. OpenCV's flow runs on the CPU.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._flows: OrderedDict[bytes, Floats] = OrderedDict()

    def __call__(self, batch: Frames) -> NDArray[np.float64]:
        """The errors of ``uint8[N, 4, H, W, 3]``: made before and after, true before and after."""
        errors = np.full((len(batch), 1), np.nan)
        for i, (before, after, *true) in enumerate(batch):
            flow = self._flow(np.stack(true))
            visible = flow[..., 2] > 0.5
            if visible.any():
                first, second = (frame.astype(np.float32) / 255 for frame in (before, after))
                errors[i] = ((_warped(second, flow) - first)[visible] ** 2).mean(dtype=np.float64)
        return errors

    def _flow(self, true: Frames) -> Floats:
        key = hashlib.sha256(true.data).digest()
        if key not in self._flows:
            self._flows[key] = true_flow(true)[0]
            if len(self._flows) > FLOWS_KEPT:
                self._flows.popitem(last=False)
        return self._flows[key]


def true_flow(truth: Frames) -> Floats:
    """How the pixels of each frame move to the next: OpenCV's DIS flow (Kroeger et al., ECCV 2016).

    Preset *medium* on grey frames of 256 x 256 pixels (bicubic), brought back to the clip's size by the mean
    over area. Of ``uint8[T, H, W, 3]`` it is ``float32[T - 1, H, W, 3]``: x and y in the clip's pixels, and
    the part of the pixel that is visible in both frames.
    """
    import cv2

    height, width = truth.shape[1:3]
    size = (FLOW_SIZE, FLOW_SIZE)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in truth]
    large = [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in grey]
    # OpenCV's type hints require an initial flow, which is optional.
    search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows = np.empty((len(truth) - 1, height, width, 3), np.float32)
    for flow, first, second in zip(flows, large[:-1], large[1:], strict=True):
        there, back = search.calc(first, second, None), search.calc(second, first, None)
        both = np.dstack([there, _inside(there) * _returns(there, _warped(back, there))])
        flow[:] = cv2.resize(both, (width, height), interpolation=cv2.INTER_AREA)
    flows[..., :2] *= np.array([width, height], np.float32) / FLOW_SIZE
    return flows


def _inside(there: Floats) -> Floats:
    """1 where a pixel stays within the picture, else 0: ``float32[H, W]``."""
    height, width = there.shape[:2]
    x, y = _targets(there)
    inside: Floats = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).astype(np.float32)
    return inside


def _returns(there: Floats, back: Floats) -> Floats:
    """1 where the flow forth and back ends where it started, else 0: ``float32[H, W]``."""
    miss = ((there + back) ** 2).sum(axis=2)
    lengths = (there**2).sum(axis=2) + (back**2).sum(axis=2)
    consistent: Floats = (miss <= RELATIVE * lengths + ABSOLUTE).astype(np.float32)
    return consistent


def _targets(flow: Floats) -> tuple[Floats, Floats]:
    """The target of each pixel, x and y: ``float32[H, W]`` each."""
    height, width = flow.shape[:2]
    x: Floats = np.arange(width, dtype=np.float32) + flow[..., 0]
    y: Floats = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y


def _warped(picture: Floats, flow: Floats) -> NDArray[Any]:
    """``float32[H, W, C]``, sampled bilinearly at each pixel's target; the border is repeated outside."""
    import cv2

    x, y = _targets(flow)
    warped: NDArray[Any] = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped
