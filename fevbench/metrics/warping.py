"""The warping error: does a clip move as the true one does, and is it steady along the way?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fevbench.data.corpus import FrameStore
from fevbench.data.video import content_digest
from fevbench.metrics.measurement import ClipView, Measurement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

    Floats = NDArray[np.float32]

FLOW_SIZE = 256
"""Side of the frames whose flow is looked for: DIS compares patches of 8 x 8 pixels, which on a frame of 64
would be as large as an eye."""
RELATIVE, ABSOLUTE = 0.01, 0.5
"""By how much the flow there and back may miss where it started: parts of their squared lengths, and pixels
squared (Sundaram et al., 2010)."""

_flows: FrameStore[Floats] = FrameStore()


def warping_error(view: ClipView) -> Measurement:
    """E_warp of Lai et al. (ECCV 2018) with the optical flow of the true clip.

    Each next frame of the generated clip is warped back by the true clip's flow; what it then differs by from
    the frame before, squared, in [0, 1], is averaged over channels and over the pixels that the true clip
    shows in both frames, and then over pairs of frames. Pairs without any such pixel are left out.
    """
    flows = _flows.get(content_digest(view.true), lambda: true_flow(view.true))
    made = view.generated.astype(np.float32) / 255
    errors = []
    for before, after, flow in zip(made[:-1], made[1:], flows, strict=True):
        visible = flow[..., 2] > 0.5
        if visible.any():
            squares = (_warped(after, flow) - before)[visible] ** 2
            errors.append(squares.mean(dtype=np.float64))
    if not errors:
        return Measurement(None, "nothing of the true clip can be followed", excused=True)
    return Measurement(float(np.mean(errors)))


def true_flow(truth: Frames) -> Floats:
    """How the pixels of each frame move to the next: OpenCV's DIS flow (Kroeger et al., ECCV 2016).

    Preset *medium* on grey frames of 256 x 256 pixels (bicubic), brought back to the clip's size by the mean
    over area.

    Args:
        truth: ``uint8[T, H, W, 3]``.

    Returns:
        ``float32[T - 1, H, W, 3]``: across and down in the clip's pixels, and the part of the pixel that is
        visible in both frames.
    """
    import cv2

    height, width = truth.shape[1:3]
    size = (FLOW_SIZE, FLOW_SIZE)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in truth]
    large = [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in grey]
    # OpenCV's own types ask for the flow to start from, which there need not be.
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
    """1 where the way there and back ends where it started, else 0: ``float32[H, W]``."""
    miss = ((there + back) ** 2).sum(axis=2)
    lengths = (there**2).sum(axis=2) + (back**2).sum(axis=2)
    consistent: Floats = (miss <= RELATIVE * lengths + ABSOLUTE).astype(np.float32)
    return consistent


def _targets(flow: Floats) -> tuple[Floats, Floats]:
    """Where each pixel goes, across and down: ``float32[H, W]`` each."""
    height, width = flow.shape[:2]
    x: Floats = np.arange(width, dtype=np.float32) + flow[..., 0]
    y: Floats = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return x, y


def _warped(picture: Floats, flow: Floats) -> NDArray[Any]:
    """``float32[H, W, C]`` looked up where each pixel goes, bilinearly; the border is repeated outside."""
    import cv2

    x, y = _targets(flow)
    warped: NDArray[Any] = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped
