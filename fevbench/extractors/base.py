"""What an extractor is, and which there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from fevbench.errors import MissingPackage
from fevbench.extractors.onnx import onnx_providers
from fevbench.packages import installed
from fevbench.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames


Unit = Literal["frame", "clip", "truth", "next", "draws"]


class Network(Protocol):
    """A loaded extractor."""

    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Features of a batch: ``float32[N, D]``.

        Args:
            batch: ``uint8[N, H, W, 3]`` for extractors of frames, ``uint8[N, T, H, W, 3]`` for those
                of clips, ``uint8[N, 2, H, W, 3]`` for those of pairs of frames.
        """


@dataclass(frozen=True)
class Extractor:
    """An extractor's declaration: what it is made of, without loading it.

    Attributes:
        name: What metrics call it.
        version: Raised whenever its code changes its features.
        unit: Whether it looks at single frames, at whole clips, at each frame beside the true clip's
            (``truth``), at each beside the next (``next``), or at the same frames of every two clips of one
            face and label (``draws``).
        dim: Features a sample.
        weights: Names in the weights registry.
        preprocessing: What happens to the pixels before the network, in words.
        packages: Every distribution whose version can change the features, once and completely: those its
            code calls, and those that they compute with. Whether torch and onnxruntime are among them says
            on what it runs, too.
        batch: Samples of the default batch.
        load: Builds the network from a device and the weights' paths (a lazy target).
        extra: The extra of fevbench that installs the packages, where fevbench alone does not.
        of_dataset: Whether its weights are a data set's own, and so is the number of its features: they are
            found beside the data set and not in the weights registry.
    """

    name: str
    version: int
    unit: Unit
    dim: int
    weights: tuple[str, ...]
    preprocessing: str
    packages: tuple[str, ...]
    batch: int
    load: str
    extra: str = ""
    of_dataset: bool = False

    def versions(self) -> dict[str, str]:
        """The installed version of each package, of each of its builds where it has several.

        Raises:
            MissingPackage: One is not installed.
        """
        versions: dict[str, str] = {}
        for package in self.packages:
            found = installed(package)
            if not found:
                raise MissingPackage(f"extractor {self.name!r}", package, self.extra)
            versions |= found
        return versions

    def runs_on(self, device: str) -> dict[str, str]:
        """What its networks really run on: runtime to torch's kind of device, or onnxruntime's provider.

        Args:
            device: The torch device that was chosen. MediaPipe runs on the CPU whatever it is.
        """
        found: dict[str, str] = {}
        if "torch" in self.packages:
            found["torch"] = device.partition(":")[0]
        if "onnxruntime" in self.packages:
            found["onnxruntime"] = onnx_providers(device)[0]
        return found

    def fingerprint(self, weights: Mapping[str, str], device: str) -> str:
        """The sha256 of everything that decides the features' values.

        Args:
            weights: Weight name to the sha256 of the file that is used.
            device: The torch device; what is run on is part of the fingerprint.

        Raises:
            MissingPackage: A package is not installed.
        """
        from fevbench.global_state import KNOWN  # which imports torch

        parts = {
            "extractor": f"{self.name}@{self.version}",
            "preprocessing": self.preprocessing,
            "dtype": "float32",
            "weights": {name: weights[name] for name in self.weights},
            "packages": self.versions(),
            "runs_on": self.runs_on(device),
            "state": KNOWN,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


FINDS_FACES = ("insightface", "numpy", "onnxruntime", "opencv-python", "pillow")
"""What finding a face depends on: insightface resizes with OpenCV, and its canvas is Pillow's."""
ALIGNS_FACES = (*FINDS_FACES, "scikit-image")
"""What embedding a face depends on: insightface fits the five points with scikit-image."""
TORCH = ("numpy", "torch")

Loader = Callable[[str, Mapping[str, Path]], Network]

extractors: Registry[Extractor] = Registry(
    "extractor",
    {
        "arcface": Extractor(
            "arcface",
            version=1,
            unit="frame",
            dim=512,
            weights=("scrfd-500m", "w600k-mbf"),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128, 5-point norm_crop 112",
            packages=ALIGNS_FACES,
            batch=32,
            load="fevbench.extractors.arcface:ArcFace",
        ),
        "arcface-r50": Extractor(
            "arcface-r50",
            version=1,
            unit="frame",
            dim=512,
            weights=("scrfd-500m", "w600k-r50"),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128, 5-point norm_crop 112",
            packages=ALIGNS_FACES,
            batch=32,
            load="fevbench.extractors.arcface:load_r50",
        ),
        "face-points": Extractor(
            "face-points",
            version=1,
            unit="frame",
            dim=10,
            weights=("scrfd-500m",),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128",
            packages=FINDS_FACES,
            batch=32,
            load="fevbench.extractors.points:FacePoints",
        ),
        "inception": Extractor(
            "inception",
            version=1,
            unit="frame",
            dim=2048,
            weights=("inception-fid",),
            preprocessing="bicubic (Pillow, float) to 299 px, clip to 0..255, (x - 128) / 128",
            packages=(*TORCH, "pillow", "pytorch-fid", "torchvision"),
            batch=32,
            load="fevbench.extractors.inception:Inception",
        ),
        "i3d": Extractor(
            "i3d",
            version=1,
            unit="clip",
            dim=400,
            weights=("i3d-kinetics-400",),
            preprocessing="[-1, 1], bilinear (no antialias, half-pixel centres) to 224 px, logits",
            packages=TORCH,
            batch=2,
            load="fevbench.extractors.i3d:I3D",
        ),
        "i3d-tf": Extractor(
            "i3d-tf",
            version=1,
            unit="clip",
            dim=400,
            weights=("i3d-kinetics-400",),
            preprocessing="[-1, 1], bilinear (no antialias, TensorFlow 1's grid) to 224 px, logits",
            packages=TORCH,
            batch=2,
            load="fevbench.extractors.i3d:I3DOfTensorFlow",
        ),
        "videomae": Extractor(
            "videomae",
            version=1,
            unit="clip",
            dim=1408,
            weights=("videomae-g-ssv2",),
            preprocessing="16 frames, [0, 1], bilinear (no antialias, half-pixel centres) to 224 px",
            packages=TORCH,
            batch=2,
            load="fevbench.extractors.videomae:VideoMAE",
        ),
        "vjepa": Extractor(
            "vjepa",
            version=1,
            unit="clip",
            dim=1280,
            weights=("vjepa-h", "vjepa-h-ssv2-probe"),
            preprocessing="16 frames, [0, 1], bilinear (no antialias, half-pixel centres) to 224 px, "
            "ImageNet's mean and deviation",
            packages=TORCH,
            batch=2,
            load="fevbench.extractors.vjepa:VJEPA",
        ),
        "lpips-alex": Extractor(
            "lpips-alex",
            version=1,
            unit="truth",
            dim=1,
            weights=("lpips-alex",),
            preprocessing="[-1, 1], at the frame's size",
            packages=TORCH,
            batch=64,
            load="fevbench.extractors.lpips:load_alex",
        ),
        "lpips-alex-next": Extractor(
            "lpips-alex-next",
            version=1,
            unit="next",
            dim=1,
            weights=("lpips-alex",),
            preprocessing="[-1, 1], at the frame's size",
            packages=TORCH,
            batch=64,
            load="fevbench.extractors.lpips:load_alex",
        ),
        "lpips-alex-draws": Extractor(
            "lpips-alex-draws",
            version=1,
            unit="draws",
            dim=1,
            weights=("lpips-alex",),
            preprocessing="[-1, 1], at the frame's size",
            packages=TORCH,
            batch=64,
            load="fevbench.extractors.lpips:load_alex",
        ),
        "lpips-vgg": Extractor(
            "lpips-vgg",
            version=1,
            unit="truth",
            dim=1,
            weights=("lpips-vgg",),
            preprocessing="[-1, 1], at the frame's size",
            packages=TORCH,
            batch=64,
            load="fevbench.extractors.lpips:load_vgg",
        ),
        "judge": Extractor(
            "judge",
            version=1,
            unit="clip",
            dim=6,
            weights=("judge",),
            preprocessing="[-1, 1], area to 64 px",
            packages=TORCH,
            batch=32,
            load="fevbench.extractors.judge:JudgeReading",
            of_dataset=True,
        ),
        "face-mesh": Extractor(
            "face-mesh",
            version=1,
            unit="frame",
            dim=51 + 12 + 478 * 3,
            weights=("face-landmarker",),
            preprocessing="bicubic to 128 px, 32 px black border, MediaPipe on single images, one face",
            packages=("mediapipe", "numpy", "pillow"),
            batch=32,
            load="fevbench.extractors.face_mesh:FaceMesh",
            extra="faces",
        ),
        "fer-xception": Extractor(
            "fer-xception",
            version=1,
            unit="frame",
            dim=7,
            weights=("scrfd-500m", "fer-xception"),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128; of the grey frame the square "
            "of the box's longer side, mean of the two last rows outside, bilinear (Pillow) to 64 px",
            packages=(*FINDS_FACES, "torch"),
            batch=32,
            load="fevbench.extractors.fer_xception:load",
        ),
        "face-api": Extractor(
            "face-api",
            version=1,
            unit="frame",
            dim=7,
            weights=("scrfd-500m", "face-api", "face-api-manifest"),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128; of the frame the box in "
            "whole pixels, black to a square, bilinear (Pillow) to 112 px",
            packages=(*FINDS_FACES, "torch"),
            batch=32,
            load="fevbench.extractors.face_api:load",
        ),
        "hsemotion": Extractor(
            "hsemotion",
            version=1,
            unit="frame",
            dim=7,
            weights=("scrfd-500m", "hsemotion"),
            preprocessing="bicubic to 128 px, 32 px black border, SCRFD at 128; of the frame the box in "
            "whole pixels, bilinear (Pillow) to 224 px, [0, 1], ImageNet's mean and deviation",
            packages=(*FINDS_FACES, "torch"),
            batch=32,
            load="fevbench.extractors.hsemotion:load",
        ),
    },
    group="fevbench.extractors",
    declares=Extractor,
)
