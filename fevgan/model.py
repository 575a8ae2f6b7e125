"""The trained FEV-GAN as a model that fevbench scores and ``fevbench generate`` asks for clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fevbench.data.tensors import to_pixels
from fevbench.training.config import from_fields
from fevbench.training.export import read_exported
from fevgan.composition import compose
from fevgan.config import WarpConfig
from fevgan.faces import DETECTOR, Faces, fill_missing, open_faces
from fevgan.generator import build_generator
from fevgan.identity import WEIGHTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.models.protocol import ModelSpec

SHIPPED = Path(__file__).parent / "weights" / "fevsynth-64x16.safetensors"


class FEVGAN:
    """FEV-GAN (Bouzid and Ballihi, 2022), reimplemented from its published description.

    It makes clips of the size and length it was trained at. Asked for others, it resizes what it knows of the
    motion and warps the input at full size, and says so in the result.

    Args:
        spec: What is wanted.
        weights: An exported generator; the shipped one by default.
        faces: Detector and E_Id; opened on the device by default.

    Attributes:
        notes: What a reader of the result must know.

    Raises:
        ModelError: The weights are missing, broken, or know none of the wanted labels.
        WeightsError: E_Id or the detector is not here.
    """

    weights = SHIPPED
    networks = (WEIGHTS, DETECTOR)

    def __init__(self, spec: ModelSpec, weights: Path | None = None, faces: Faces | None = None) -> None:
        exported = read_exported(weights or self.weights, "fev-gan")
        about = exported.about
        self._spec = spec
        self._config = from_fields(WarpConfig, about["config"])
        self._labels = torch.tensor(exported.places(spec.labels), device=spec.device)
        self._mean_points: NDArray[np.float32] = np.array(about["points"], np.float32)
        self._faces = None
        if self._config.identity_encoder:
            self._faces = faces or open_faces(spec.device)
        self._generator = build_generator(self._config, len(about["labels"])).to(spec.device).eval()
        exported.load_into(self._generator)
        self.notes = exported.trained_elsewhere(spec.corpus.dataset)
        trained = (self._config.size, self._config.frames)
        if trained != (spec.size, spec.frames):
            self.notes.append(
                f"trained at {trained[0]} px and {trained[1]} frames, not at {spec.size} px and "
                f"{spec.frames} frames: motion and masks were resized"
            )

    def generate(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Make one video for each of ``float32[B, 3, H, W]``."""
        config = self._config
        z = torch.randn(len(images), config.noise, generator=generator, device=generator.device)
        small = images
        if images.shape[-1] != config.size:
            small = F.interpolate(images, (config.size, config.size), mode="bicubic", antialias=True)
            small = small.clamp(-1, 1)
        noise = (config.truncation * z).to(images.device)
        fields = self._generator.fields(small, self._labels[labels], self._codes(small), noise)
        return compose(images, fields, config, self._spec.frames)

    def _codes(self, images: Tensor) -> Tensor | None:
        """E_Id's codes; where no face is found, of where faces are on average."""
        if self._faces is None:
            return None
        points = fill_missing(self._faces.points(to_pixels(images)), self._mean_points)
        return self._faces.codes(images, points)
