"""The declaration of an extractor, and the registry of all extractors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from fevbench.data.clip import EXPRESSIONS
from fevbench.errors import MissingPackage
from fevbench.extractors.backends import (
    BF16,
    OPENVINO,
    REFERENCE,
    Backend,
    Precision,
    at_precision,
    rounds,
    runs_on_openvino,
)
from fevbench.extractors.onnx import CUDA, CUDA_OPTIONS, onnx_providers
from fevbench.packages import installed
from fevbench.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames


Unit = Literal["frame", "clip", "true pair", "next pair", "next pair of both", "noise pair"]


def sample_count(unit: Unit, frames: int) -> int:
    """The number of samples of a clip with this many frames."""
    return {"clip": 1, "next pair": frames - 1, "next pair of both": frames - 1}.get(unit, frames)


class Network(Protocol):
    """A loaded extractor."""

    def __call__(self, batch: Frames) -> NDArray[np.floating[Any]]:
        """Features of a batch: ``[N, D]``, of the extractor's dtype.

        Args:
            batch: ``uint8[N, H, W, 3]`` for extractors of frames, ``uint8[N, T, H, W, 3]`` for those
                of clips, ``uint8[N, 2, H, W, 3]`` for those of pairs of frames, ``uint8[N, 4, H, W, 3]`` for
                those of pairs of both clips.
        """


@dataclass(frozen=True)
class Extractor:
    """An extractor's declaration; nothing is loaded.

    Attributes:
        name: Its name, which metrics refer to.
        unit: What a sample is: a frame, a whole clip, a frame beside the true one (``true pair``) or beside
            the next (``next pair``), such a pair beside the true clip's (``next pair of both``), or the same
            frames of two clips of one face and label made with different noise (``noise pair``).
        dim: Features per sample.
        weights: Names in the weights registry.
        preprocessing: The processing of pixels before the network, in words.
        packages: Every distribution whose version can change the features: those its code calls, and those
            that these compute with. Whether torch and onnxruntime are among them also decides what
            `runs_on` returns.
        load: Builds the network from a device and the weights' paths (a lazy target).
        batch: Samples per batch on a CPU; see `batch_on`.
        whole_batches: Whether a sample's features depend, in their last bits, on the size of the batch. Then
            every batch is filled up, so that features do not depend on how the work is divided.
        dtype: The features' type, ``float32`` or ``float64``.
        version: Increased whenever its code changes its features.
        extra: The extra of fevbench that installs the packages, if fevbench alone does not.
        least_frames: Frames of the shortest clip it accepts.
        of_dataset: Whether its weights and the number of its features belong to a data set: the weights are
            found by the data set and not in the weights registry.
        backends: Other backends that may run its networks: their features agree with the reference to 1e-5 of
            a feature's length. ``load`` then takes the backend as its third argument.
        may_round: Whether the fast precision rounds its products. It does so for large networks, and never
            for networks that find faces or read labels.
        backend: The backend that runs its networks; see `on`.
    """

    name: str
    unit: Unit
    dim: int
    weights: tuple[str, ...]
    preprocessing: str
    packages: tuple[str, ...]
    load: str
    batch: int = 32
    whole_batches: bool = True
    dtype: Literal["float32", "float64"] = "float32"
    version: int = 1
    extra: str = ""
    least_frames: int = 1
    of_dataset: bool = False
    backends: tuple[Backend, ...] = ()
    may_round: bool = False
    backend: Backend = REFERENCE

    def on(self, backend: Backend, precision: Precision = "exact") -> Extractor:
        """The extractor on a backend if it allows that, else on the reference; rounded if it allows that."""
        able = backend if backend in self.backends else REFERENCE
        return replace(self, backend=at_precision(able, precision) if self.may_round else able)

    def versions(self) -> dict[str, str]:
        """The installed versions of the packages, including each installed build of a package.

        Raises:
            MissingPackage: One is not installed.
        """
        versions: dict[str, str] = {}
        for package in self.packages:
            found = installed(package)
            if not found:
                raise MissingPackage(f"extractor {self.name!r}", package, self.extra)
            versions |= found
        if runs_on_openvino(self.backend):
            versions |= installed(OPENVINO)
        return versions

    def runs_on(self, device: str) -> dict[str, str]:
        """What it runs on: runtime to torch's kind of device, or to the runtime's own name of the device.

        MediaPipe always runs on the CPU.
        """
        found: dict[str, str] = {}
        if "torch" in self.packages:
            found["torch"] = device.partition(":")[0]
        if "onnxruntime" in self.packages:
            found["onnxruntime"] = onnx_providers(device)[0]
        if runs_on_openvino(self.backend):
            found[OPENVINO] = "CPU"
        if rounds(self.backend):
            found["precision"] = BF16
        return found

    def batch_on(self, device: str) -> int:
        """Samples per default batch on a torch device: more if its networks run on a GPU there."""
        on_gpu = {"cuda", CUDA} & {*self.runs_on(device).values()}
        return self.batch * GPU_BATCHES if on_gpu else self.batch

    def fingerprint(self, weights: Mapping[str, str], device: str) -> str:
        """The sha256 of everything that determines the features' values.

        Args:
            weights: Weight name to the sha256 of the file that is used.
            device: The torch device; `runs_on` is part of the fingerprint.

        Raises:
            MissingPackage: A package is not installed.
        """
        from fevbench.global_state import KNOWN  # which imports torch

        parts: dict[str, Any] = {
            "extractor": f"{self.name}@{self.version}",
            "preprocessing": self.preprocessing,
            "dtype": self.dtype,
            "weights": {name: weights[name] for name in self.weights},
            "packages": self.versions(),
            "runs_on": self.runs_on(device),
            "state": KNOWN,
        }
        if CUDA in parts["runs_on"].values():
            parts["onnxruntime on a GPU"] = CUDA_OPTIONS
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


GPU_BATCHES = 4
"""How many times as many samples a GPU computes at once: 128 frames, as many as are made together."""
FINDS_FACES = ("numpy", "onnxruntime", "opencv-python", "pillow")
"""Packages for finding a face: Pillow makes the canvas, OpenCV resizes it."""
ALIGNS_FACES = (*FINDS_FACES, "insightface", "scikit-image")
"""Packages for embedding a face: insightface fits the five points with scikit-image."""
TORCH = ("numpy", "torch")
CLASSES: tuple[str, ...] = tuple(sorted([*EXPRESSIONS, "neutral"]))
"""The columns of the off-the-shelf expression classifiers: the six basic expressions and neutral."""

FAST: tuple[Backend, ...] = (OPENVINO,)
"""The backends of networks that were measured on them; not for weights that users bring."""

Loader = Callable[..., Network]
"""Builds a network from a device, the weights' paths and, if not the reference, a backend."""

DETECTOR = Extractor(
    "face-points", "frame", 10, ("scrfd-500m",), "bicubic to 128 px, 32 px black border, SCRFD at 128",
    FINDS_FACES, "fevbench.extractors.faces:FacePoints",
)  # fmt: skip
"""The face detector, the first step of all extractors that use the face of a frame."""
TO_224 = "bilinear (no antialias, half-pixel centres) to 224 px"
LPIPS = "[-1, 1], at the frame's size"


def _pixels(name: str, unit: Unit, dim: int, load: str) -> Extractor:
    """A measure of pixels: no weights, each sample alone, in float64."""
    packages = ("numpy", "opencv-python")
    return Extractor(name, unit, dim, (), "none", packages, load, whole_batches=False, dtype="float64")


_ALL = (
    Extractor("arcface", "frame", 512, (*DETECTOR.weights, "w600k-mbf"),
              f"{DETECTOR.preprocessing}, 5-point norm_crop 112",
              ALIGNS_FACES, "fevbench.extractors.arcface:ArcFace", backends=FAST),
    Extractor("arcface-r50", "frame", 512, (*DETECTOR.weights, "w600k-r50"),
              f"{DETECTOR.preprocessing}, 5-point norm_crop 112",
              ALIGNS_FACES, "fevbench.extractors.arcface:load_r50"),
    DETECTOR,
    Extractor("inception", "frame", 2048, ("inception-fid",),
              "bicubic (Pillow, float) to 299 px, clip to 0..255, (x - 128) / 128",
              (*TORCH, "pillow", "pytorch-fid", "torchvision"), "fevbench.extractors.inception:Inception",
              backends=FAST, may_round=True),
    Extractor("i3d", "clip", 400, ("i3d-kinetics-400",), f"[-1, 1], {TO_224}, logits",
              TORCH, "fevbench.extractors.i3d:I3D", batch=2, least_frames=9, backends=FAST,
              may_round=True),
    Extractor("i3d-tf", "clip", 400, ("i3d-kinetics-400",),
              "[-1, 1], bilinear (no antialias, TensorFlow 1's grid) to 224 px, logits",
              TORCH, "fevbench.extractors.i3d:I3DOfTensorFlow", batch=2, least_frames=9, backends=FAST,
              may_round=True),
    Extractor("videomae", "clip", 1408, ("videomae-g-ssv2",), f"16 frames, [0, 1], {TO_224}",
              TORCH, "fevbench.extractors.video_transformers:VideoMAE", batch=2),
    Extractor("vjepa", "clip", 1280, ("vjepa-h", "vjepa-h-ssv2-probe"),
              f"16 frames, [0, 1], {TO_224}, ImageNet's mean and deviation",
              TORCH, "fevbench.extractors.video_transformers:VJEPA", batch=2),
    Extractor("lpips-alex", "true pair", 1, ("lpips-alex",), LPIPS,
              TORCH, "fevbench.extractors.lpips:load_alex", batch=16, whole_batches=False,
              backends=FAST, may_round=True, version=2),
    Extractor("lpips-alex-next", "next pair", 1, ("lpips-alex",), LPIPS,
              TORCH, "fevbench.extractors.lpips:load_alex", batch=16, whole_batches=False,
              backends=FAST, may_round=True, version=2),
    Extractor("lpips-alex-draws", "noise pair", 1, ("lpips-alex",), LPIPS,
              TORCH, "fevbench.extractors.lpips:load_alex", batch=16, whole_batches=False,
              backends=FAST, may_round=True, version=2),
    Extractor("lpips-vgg", "true pair", 1, ("lpips-vgg",), LPIPS,
              TORCH, "fevbench.extractors.lpips:load_vgg", batch=4, whole_batches=False,
              backends=FAST, may_round=True, version=2),
    _pixels("squared-error", "true pair", 1, "fevbench.extractors.pixels:SquaredError"),
    _pixels("similarity", "true pair", 2, "fevbench.extractors.pixels:Similarity"),
    _pixels("frame-difference", "next pair", 1, "fevbench.extractors.pixels:FrameDifference"),
    _pixels("warping", "next pair of both", 1, "fevbench.extractors.warping:WarpingErrors"),
    Extractor("brisque", "frame", 1, ("brisque-svr", "brisque-ranges"),
              "grey (0.2125, 0.7154, 0.0721), at the frame's size and at half of it (bicubic, no antialias)",
              ("numpy", "opencv-python"), "fevbench.extractors.brisque:Brisque", whole_batches=False,
              dtype="float64"),
    Extractor("judge", "clip", 6, ("judge",), "[-1, 1], area to 64 px",
              TORCH, "fevbench.extractors.judge:JudgeReading", of_dataset=True, backends=FAST),
    Extractor("face-mesh", "frame", 51 + 12 + 478 * 3, ("face-landmarker",),
              "bicubic to 128 px, 32 px black border, MediaPipe on single images, one face",
              ("mediapipe", "numpy", "pillow"), "fevbench.extractors.face_mesh:FaceMesh", extra="faces",
              whole_batches=False),
    Extractor("fer-xception", "frame", len(CLASSES), (*DETECTOR.weights, "fer-xception"),
              f"{DETECTOR.preprocessing}; of the grey frame the square of the box's longer side, "
              "mean of the two last rows outside, bilinear (Pillow) to 64 px",
              (*DETECTOR.packages, "torch"), "fevbench.extractors.fer_xception:load",
              backends=FAST),
    Extractor("face-api", "frame", len(CLASSES), (*DETECTOR.weights, "face-api", "face-api-manifest"),
              f"{DETECTOR.preprocessing}; of the frame the box in whole pixels, black to a square, "
              "bilinear (Pillow) to 112 px",
              (*DETECTOR.packages, "torch"), "fevbench.extractors.face_api:load",
              backends=FAST),
    Extractor("hsemotion", "frame", len(CLASSES), (*DETECTOR.weights, "hsemotion"),
              f"{DETECTOR.preprocessing}; of the frame the box in whole pixels, bilinear (Pillow) to 224 px, "
              "[0, 1], ImageNet's mean and deviation",
              (*DETECTOR.packages, "torch"), "fevbench.extractors.hsemotion:load"),
)  # fmt: skip

extractors: Registry[Extractor] = Registry(
    "extractor",
    {extractor.name: extractor for extractor in _ALL},
    group="fevbench.extractors",
    declares=Extractor,
)
