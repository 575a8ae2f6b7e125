"""Finding the face of a frame: SCRFD, as insightface runs it, on a canvas that suits the detector.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fevbench.data.clip import Frames
from fevbench.data.framing import FoundFace
from fevbench.data.video import content_digest
from fevbench.extractors.onnx import load_onnx

Box = tuple[float, float, float, float]
Found = tuple[NDArray[np.float32], Box] | None
FACE_SIZE = 128
"""Pixels to which a frame is resized before detection: SCRFD does not detect faces of 64 px reliably."""
BORDER = 32
"""Black pixels added on each side; detectors miss faces that fill the frame."""
DETECTOR_SIZE = 128
STRIDES = (8, 16, 32)
"""Pixels between the anchor centres of each level of the detector."""
THRESHOLD = 0.5
"""The least score of a face."""
OVERLAP = 0.4
"""Largest intersection over union of two faces; of boxes with more, the one with the higher score is kept."""
CANVASES = (640, 320, 160)
"""Heights and widths at which the detector sees a photograph: for small faces first, then for large ones."""
KEPT = 4096
"""Frames whose faces are remembered: all of a worker's part of a run, eight clips and their true clips."""
MARGIN = 0.15
"""Part of a photograph's canvas left black on each side."""

POINTS = ("eye left", "eye right", "nose", "mouth left", "mouth right")
"""The five points; left and right are the picture's."""


@dataclass
class Face:
    """The largest face of a frame.

    Attributes:
        frame: ``uint8[H, W, 3]``.
        landmarks: ``float32[5, 2]``, x and y in pixels of the canvas: eyes, nose, corners of the mouth.
        box: Left, top, right and bottom of the face in pixels of the frame; may reach beyond it.
    """

    frame: Frames
    landmarks: NDArray[np.float32]
    box: Box

    @cached_property
    def canvas(self) -> Frames:
        """``uint8[H', W', 3]``: the frame as the detector saw it."""
        return to_canvas(self.frame)


class SCRFD:
    """SCRFD-500M (Guo et al., ICLR 2022): pictures to the faces in them, as insightface reads its outputs.

    It runs only on onnxruntime: no backend is faster, and crops follow its points. Points moved by a
    hundred-thousandth of a pixel change grey levels of a crop by one, and so an embedding by 1e-3.
    """

    def __init__(self, device: str, path: Path) -> None:
        self._run = load_onnx(device, path).run

    def __call__(
        self, pictures: Frames, scale: float = 1
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """The faces of each picture of ``uint8[N, S, S, 3]``, S a multiple of 32, the highest score first.

        For each picture ``float32[K, 4]``, left, top, right and bottom of its faces, and
        ``float32[K, 5, 2]``, x and y of their points, in pixels of the original picture, of which ``scale``
        input pixels are one.
        """
        pixels = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32)
        outputs = self._run((pixels - np.float32(127.5)) / np.float32(128))
        levels = [outputs[i : i + len(STRIDES)] for i in range(0, len(outputs), len(STRIDES))]
        scores = np.concatenate(levels[0], axis=1)[..., 0]
        edges, offsets = (
            np.concatenate([x * stride for x, stride in zip(level, STRIDES, strict=True)], axis=1)
            for level in levels[1:]
        )
        places, scaled = _places(pictures.shape[1]), np.float32(scale)
        found = []
        for i, score in enumerate(scores):
            seen = np.flatnonzero(score >= THRESHOLD)
            seen = seen[np.argsort(-score[seen], kind="stable")]
            at, edge = places[seen], edges[i, seen]
            boxes = np.concatenate([at - edge[:, :2], at + edge[:, 2:]], axis=1) / scaled
            points = (at[:, None] + offsets[i, seen].reshape(-1, 5, 2)) / scaled
            kept = _unlike(boxes)
            found.append((boxes[kept], points[kept]))
        return found


@functools.lru_cache(maxsize=8)
def _places(size: int) -> NDArray[np.float32]:
    """``float32[A, 2]``: x and y of SCRFD's anchors, two at each position."""
    grids = []
    for stride in STRIDES:
        y, x = np.mgrid[: size // stride, : size // stride] * stride
        grids.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), 2, axis=0))
    return np.concatenate(grids).astype(np.float32)


def _unlike(boxes: NDArray[np.float32]) -> list[int]:
    """Indices of the boxes ``[K, 4]``, highest score first, that overlap no better one too much."""
    low, high = boxes[:, :2], boxes[:, 2:]
    areas = (high - low + 1).prod(axis=1)
    left, kept = np.arange(len(boxes)), []
    while len(left):
        first, left = int(left[0]), left[1:]
        kept.append(first)
        sides = np.minimum(high[first], high[left]) - np.maximum(low[first], low[left]) + 1
        shared = np.maximum(0, sides).prod(axis=1)
        left = left[shared / (areas[first] + areas[left] - shared) <= OVERLAP]
    return kept


@functools.lru_cache(maxsize=1)
def shared_detector(device: str, path: Path) -> FaceDetector:
    """The detector of this process, shared so that a frame is searched once for several networks."""
    return FaceDetector(device, path)


class FaceDetector:
    """SCRFD-500M on the canvas of each frame; it remembers the faces of the last frames."""

    def __init__(self, device: str, path: Path) -> None:
        self._detect = SCRFD(device, path)
        self._known: dict[tuple[int, str], Found] = {}

    def largest(self, frames: Frames) -> list[Face | None]:
        """The largest face of each frame of ``uint8[N, H, W, 3]``, or None.

        In data sets with one face per frame, as all here, this is the subject's face.
        """
        # The count is part of the key: the network rounds differently at another batch size.
        keys = [(len(frames), content_digest(frame)) for frame in frames]
        found = {key: self._known[key] for key in keys if key in self._known}
        fresh = {key: frame for key, frame in zip(keys, frames, strict=True) if key not in found}
        canvases = {key: to_canvas(frame) for key, frame in fresh.items()}
        found |= zip(fresh, self._search(list(canvases.values()), frames.shape), strict=True)
        self._known |= found
        for oldest in list(self._known)[: max(0, len(self._known) - KEPT)]:
            del self._known[oldest]
        faces = [
            known and Face(frame, *known) for frame, known in zip(frames, map(found.get, keys), strict=True)
        ]
        for key, face in zip(keys, faces, strict=True):
            if face and key in canvases:
                face.canvas = canvases[key]
        return faces

    def _search(self, canvases: Sequence[Frames], shape: Sequence[int]) -> list[Found]:
        """Points and box of the largest face on each canvas of some frames out of ``[N, H, W, 3]``."""
        if not canvases:
            return []
        shown, (scale, *_) = zip(*map(_in_corner, canvases), strict=True)
        filled = np.stack([*shown, *[shown[-1]] * (shape[0] - len(shown))])
        of_frame = FACE_SIZE / max(shape[1:3])
        found: list[Found] = []
        for boxes, points in self._detect(filled, scale)[: len(shown)]:
            if not len(boxes):
                found.append(None)
                continue
            which = int(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).argmax())
            left, top, right, bottom = ((boxes[which] - BORDER) / of_frame).tolist()
            found.append((points[which], (left, top, right, bottom)))
        return found


def _in_corner(picture: Frames) -> tuple[Frames, float]:
    """A picture resized by OpenCV into the upper left corner of the detector's square, and the scale."""
    import cv2

    (height, width), size = picture.shape[:2], DETECTOR_SIZE
    steep = height / width
    to = (int(size / steep), size) if steep > 1 else (size, int(size * steep))
    square = np.zeros((size, size, 3), np.uint8)
    square[: to[1], : to[0]] = cv2.resize(picture, to)
    return square, to[1] / height


class FacePoints:
    """Frames to points ``float32[N, 10]``; NaN where no face is found.

    The points are x and y of each of `POINTS` in pixels of the frame; the centre of its first pixel is at
    (0.5, 0.5).
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        self._detector = shared_detector(device, weights["scrfd-500m"])

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Find the points of the largest face of each frame of ``uint8[N, H, W, 3]``."""
        points = np.full((len(batch), 10), np.nan, np.float32)
        scale = FACE_SIZE / max(batch.shape[1:3])
        for i, face in enumerate(self._detector.largest(batch)):
            if face is not None:
                # The detector counts from the centre of the first pixel, the ground truth from its corner.
                points[i] = ((face.landmarks - BORDER + 0.5) / scale).ravel()
        return points


class FaceFinder:
    """SCRFD-500M for pictures of any size, where the face may be a small part.

    ``canvases`` are the heights and widths at which to search, in turn, until a face is found.
    """

    def __init__(self, device: str, path: Path, canvases: Sequence[int] = CANVASES) -> None:
        self._detect = SCRFD(device, path)
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
            [(boxes, points)] = self._detect(np.asarray(canvas)[None])
            if len(boxes):
                found = [
                    FoundFace(
                        tuple(((box.reshape(2, 2) - corner) / scale).ravel().tolist()),
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
