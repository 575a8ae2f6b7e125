"""Finding the face of a frame: SCRFD by insightface, on a canvas that it and other detectors see well.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fevbench.data.framing import FoundFace
from fevbench.extractors.onnx import load_onnx

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

FACE_SIZE = 128
"""Pixels a frame is resized to before detection: SCRFD does not see faces of 64 px reliably."""
BORDER = 32
"""Black pixels added on each side; detectors miss faces that fill the frame."""
DETECTOR_SIZE = (128, 128)
THRESHOLD = 0.5
CANVASES = (640, 320, 160)
"""Heights and widths a photograph is shown at: small faces first, then such as fill it."""
MARGIN = 0.15
"""Part of a photograph's canvas left black on each side."""

POINTS = ("eye left", "eye right", "nose", "mouth left", "mouth right")
"""The five points; left and right are the picture's."""


@dataclass(frozen=True)
class Face:
    """The largest face of a frame.

    Attributes:
        canvas: ``uint8[H', W', 3]``, BGR: the frame as the detector saw it.
        landmarks: ``float32[5, 2]``, x and y in pixels of the canvas: eyes, nose, corners of the mouth.
        box: Left, top, right and bottom of the face in pixels of the frame; may reach beyond it.
    """

    canvas: Frames
    landmarks: NDArray[np.float32]
    box: tuple[float, float, float, float]


class FaceDetector:
    """SCRFD-500M on the canvas of a frame.

    Args:
        device: The torch device.
        path: The detector's file.
    """

    def __init__(self, device: str, path: Path) -> None:
        self._network = load_onnx(device, path, input_size=DETECTOR_SIZE, det_thresh=THRESHOLD)

    def largest(self, frame: Frames) -> Face | None:
        """The largest face of ``uint8[H, W, 3]``, or None.

        With one face a frame, as in every data set here, that is the face.
        """
        canvas = np.ascontiguousarray(to_canvas(frame)[..., ::-1])
        boxes, landmarks = self._network.detect(canvas, input_size=DETECTOR_SIZE)
        if landmarks is None or not len(boxes):
            return None
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        which = int(areas.argmax())
        scale = FACE_SIZE / max(frame.shape[:2])
        left, top, right, bottom = ((boxes[which, :4] - BORDER) / scale).tolist()
        return Face(canvas, landmarks[which], (left, top, right, bottom))


class FacePoints:
    """Frames to points ``float32[N, 10]``; NaN where no face is found.

    The points are x and y of each of `POINTS` in pixels of the frame; the centre of its first pixel is at
    (0.5, 0.5).
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._detector = FaceDetector(device, weights["scrfd-500m"])

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Find the points of the largest face of each frame of ``uint8[N, H, W, 3]``."""
        points = np.full((len(batch), 10), np.nan, np.float32)
        scale = FACE_SIZE / max(batch.shape[1:3])
        for i, frame in enumerate(batch):
            face = self._detector.largest(frame)
            if face is not None:
                # The detector counts from the centre of the first pixel, the ground truth from its corner.
                points[i] = ((face.landmarks - BORDER + 0.5) / scale).ravel()
        return points


class FaceFinder:
    """SCRFD-500M for pictures of any size, where the face may be a small part.

    Args:
        device: The torch device.
        path: The detector's file.
        canvases: Heights and widths a picture is shown at, until a face is found.
    """

    def __init__(self, device: str, path: Path, canvases: Sequence[int] = CANVASES) -> None:
        self._network = load_onnx(device, path, input_size=(canvases[0],) * 2, det_thresh=THRESHOLD)
        self._canvases = canvases

    def faces(self, picture: Frames) -> list[FoundFace]:
        """The faces of ``uint8[H, W, 3]``, from left to right."""
        for side in self._canvases:
            inside = side * (1 - 2 * MARGIN)
            scale = inside / max(picture.shape[:2])
            size = [max(1, round(scale * length)) for length in picture.shape[1::-1]]
            small = Image.fromarray(picture).resize((size[0], size[1]), Image.Resampling.BICUBIC)
            canvas = Image.new("RGB", (side, side))
            corner = (round(side * MARGIN), round(side * MARGIN))
            canvas.paste(small, corner)
            bgr = np.ascontiguousarray(np.asarray(canvas)[..., ::-1])
            boxes, points = self._network.detect(bgr, input_size=(side, side))
            if points is not None and len(boxes):
                found = [
                    FoundFace(
                        tuple(((box[:4].reshape(2, 2) - corner) / scale).ravel().tolist()),
                        (p - corner) / scale,
                    )
                    for box, p in zip(boxes, points, strict=True)
                ]
                return sorted(found, key=lambda face: face.box[0])
        return []


def to_canvas(frame: Frames) -> Frames:
    """``uint8[H, W, 3]`` with its longer side resized to 128 px (bicubic) and a black border of 32 px."""
    image = Image.fromarray(frame)
    scale = FACE_SIZE / max(image.size)
    if scale != 1:
        size = (round(image.width * scale), round(image.height * scale))
        image = image.resize(size, Image.Resampling.BICUBIC)
    return np.pad(np.asarray(image), ((BORDER, BORDER), (BORDER, BORDER), (0, 0)))
