"""Faces: SCRFD detection, five-point alignment and ArcFace embedding, all by insightface.

The weights are InsightFace's, for non-commercial research only.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

FACE_SIZE = 128
"""Pixels a frame is resized to before detection: SCRFD does not see faces of 64 px reliably."""
BORDER = 32
"""Black pixels added on each side; SCRFD misses faces that fill the frame."""
DETECTOR_SIZE = (128, 128)
THRESHOLD = 0.5


class ArcFace:
    """Frames to embeddings ``float32[N, 512]``, L2-normalised; NaN where no face is found.

    The largest face of a frame is taken. With one face a frame, as in every data set here, that is
    the face.
    """

    def __init__(self, device: str, weights: Mapping[str, Path]) -> None:
        # insightface prints what it loads; standard output belongs to results.
        with contextlib.redirect_stdout(io.StringIO()):
            from insightface.model_zoo import get_model
            from insightface.utils import face_align
            from onnxruntime import get_available_providers

            wanted = {"CUDAExecutionProvider"} if device.startswith("cuda") else set()
            cuda = sorted(wanted & set(get_available_providers()))
            providers = [*cuda, "CPUExecutionProvider"]
            self._detector = get_model(str(weights["scrfd-500m"]), providers=providers)
            self._detector.prepare(0 if cuda else -1, input_size=DETECTOR_SIZE, det_thresh=THRESHOLD)
            self._embedder = get_model(str(weights["w600k-mbf"]), providers=providers)
            self._embedder.prepare(0 if cuda else -1)
        self._crop = face_align.norm_crop

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Embed the largest face of each frame of ``uint8[N, H, W, 3]``."""
        features = np.full((len(batch), 512), np.nan, np.float32)
        for i, frame in enumerate(batch):
            crop = self._align(frame)
            if crop is not None:
                # One at a time: the export declares a batch of one, and onnxruntime warns at any other.
                embedding = self._embedder.get_feat(crop)[0]
                features[i] = embedding / np.linalg.norm(embedding)
        return features

    def _align(self, frame: Frames) -> Frames | None:
        """The aligned ``uint8[112, 112, 3]`` BGR crop of the largest face, or None."""
        image = Image.fromarray(frame)
        scale = FACE_SIZE / max(image.size)
        if scale != 1:
            image = image.resize(
                (round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC
            )
        bgr = np.pad(np.asarray(image)[..., ::-1], ((BORDER, BORDER), (BORDER, BORDER), (0, 0)))
        boxes, landmarks = self._detector.detect(bgr, input_size=DETECTOR_SIZE)
        if landmarks is None or not len(boxes):
            return None
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        with warnings.catch_warnings():
            # insightface calls a function that newer releases of scikit-image warn about.
            warnings.simplefilter("ignore", FutureWarning)
            crop: Frames = self._crop(bgr, landmarks[int(areas.argmax())], image_size=112)
        return crop
