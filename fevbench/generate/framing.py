"""Finding the faces of a photograph, and framing one as the data set's faces are framed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from fevbench.extractors.faces import THRESHOLD, load_onnx
from fevbench.generate.photograph import PhotographError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

DETECTOR = "scrfd-500m"
"""Its name among fevbench's weights."""
CANVASES = (640, 320, 160)
"""Heights and widths the photograph is shown at: small faces first, then such as fill it."""
MARGIN = 0.15
"""Part of a canvas left black on each side; detectors miss faces that touch the border."""
LEAST_FACE = 20
"""Pixels between the sides of a face's box below which no model has anything to work with."""
FRAMING = np.array([[0.3699, 0.4542], [0.6377, 0.4541], [0.5086, 0.5958], [0.3984, 0.7292], [0.6106, 0.7289]])
"""Where eyes, nose and corners of the mouth lie in FEVSynth's frames: the mean over its 64 train people's
neutral images, as `DETECTOR` finds them; x and y as parts of the side."""


@dataclass(frozen=True)
class FoundFace:
    """A face of a photograph.

    Attributes:
        box: Left, top, right and bottom, pixels.
        points: ``float32[5, 2]``: eyes, nose and corners of the mouth, pixels.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float32]


def find_faces(photograph: Frames, detector: Path) -> list[FoundFace]:
    """The faces of ``uint8[H, W, 3]``, from left to right.

    Args:
        photograph: The picture.
        detector: The file of `DETECTOR`.
    """
    network = load_onnx("cpu", detector, input_size=(CANVASES[0],) * 2, det_thresh=THRESHOLD)
    for side in CANVASES:
        inside = side * (1 - 2 * MARGIN)
        scale = inside / max(photograph.shape[:2])
        size = [max(1, round(scale * length)) for length in photograph.shape[1::-1]]
        small = Image.fromarray(photograph).resize((size[0], size[1]), Image.Resampling.BICUBIC)
        canvas = Image.new("RGB", (side, side))
        corner = (round(side * MARGIN), round(side * MARGIN))
        canvas.paste(small, corner)
        bgr = np.ascontiguousarray(np.asarray(canvas)[..., ::-1])
        boxes, points = network.detect(bgr, input_size=(side, side))
        if points is not None and len(boxes):
            found = [
                FoundFace(
                    tuple(((box[:4].reshape(2, 2) - corner) / scale).ravel().tolist()), (p - corner) / scale
                )
                for box, p in zip(boxes, points, strict=True)
            ]
            return sorted(found, key=lambda face: face.box[0])
    return []


def choose_face(faces: list[FoundFace], which: int | None, name: str) -> FoundFace:
    """The face that is meant.

    Args:
        faces: Those of the photograph.
        which: Its number from the left, counted from 1; None if there is but one.
        name: What to call the photograph in an error.

    Raises:
        PhotographError: There is none; there are several and ``which`` is None; there are not so many; or the
            face is too small.
    """
    if not faces:
        raise PhotographError(
            f"no face was found in {name}", "use a photograph of a face seen from the front"
        )
    if which is None and len(faces) > 1:
        raise PhotographError(
            f"{name} shows {len(faces)} faces",
            f"choose one with --face 1 to {len(faces)}, counted from the left",
        )
    if which is not None and which > len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise PhotographError(f"{name} shows {count}, not {which}", "choose another --face")
    face = faces[(which or 1) - 1]
    side = min(face.box[2] - face.box[0], face.box[3] - face.box[1])
    if side < LEAST_FACE:
        raise PhotographError(
            f"the face in {name} is {side:.0f} px wide", f"use one of {LEAST_FACE} px or more"
        )
    return face


def frame_face(photograph: Frames, face: FoundFace, size: int) -> Frames:
    """The face turned upright, where `FRAMING` has it: ``uint8[size, size, 3]``.

    Beyond the photograph its border is repeated.
    """
    matrix = _similarity(FRAMING, face.points.astype(np.float64))
    side = float(np.hypot(*matrix[:, 0]))  # of the framed square, pixels of the photograph
    # Cut out at the photograph's own scale, then shrunk with antialiasing.
    cut = int(np.clip(round(side), size, 2048))
    reach = int(np.ceil(side)) + 1
    padded = np.pad(photograph, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    (a, b), (d, e) = matrix[:, :2] / cut
    c, f = matrix[:, 2] + reach
    square = Image.fromarray(padded).transform(
        (cut, cut), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BICUBIC
    )
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def _similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The similarity transform ``[2, 3]`` that takes ``source`` to ``target`` with the least squared error.

    Umeyama, 1991, without reflection; both are ``float64[N, 2]``.
    """
    mean_s, mean_t = source.mean(0), target.mean(0)
    s, t = (source - mean_s).T, (target - mean_t).T
    spread = (s**2).sum()
    cosine, sine = (s * t).sum() / spread, (s[0] * t[1] - s[1] * t[0]).sum() / spread
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, mean_t - linear @ mean_s])
