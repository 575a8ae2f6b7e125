"""A trained baseline as a model that fevbench scores and ``fevbench generate`` asks for clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.config import BaselineConfig
from baselines.task import VideoGenerator
from fevbench.training.config import from_fields
from fevbench.training.export import read_exported
from fevbench.training.layout import channels_last

if TYPE_CHECKING:
    from fevbench.models.protocol import ModelSpec


class Generated:
    """What the models of all baselines have in common.

    A clip is made at the size and length the generator was trained at. Asked for others, it is resized, and
    the result says so.

    Args:
        spec: What is wanted.
        weights: An exported generator; the shipped one by default.

    Attributes:
        name: What ``fevbench`` calls it.
        adapted: Whether the published method takes no face or no label, and was made to here.
        weights: Where the shipped generator is, if it is.
        config: The type of its configuration.
        notes: What a reader of the result must know.

    Raises:
        ModelError: The weights are missing, broken, or know none of the wanted labels.
    """

    name: ClassVar[str]
    adapted: ClassVar[bool]
    weights: ClassVar[Path]
    config: ClassVar[type[BaselineConfig]]

    def __init__(self, spec: ModelSpec, weights: Path | None = None) -> None:
        exported = read_exported(weights or self.weights, self.name)
        config = from_fields(self.config, exported.about["config"])
        self._size, self._wanted = config.size, (spec.frames, spec.size, spec.size)
        self._labels = torch.tensor(exported.places(spec.labels), device=spec.device)
        network = self.network(config, len(exported.about["labels"]))
        self._generator = channels_last(network).to(spec.device).eval()
        exported.load_into(self._generator)
        self.notes = exported.trained_elsewhere(spec.corpus.dataset)
        if not self._generator.sees_face:
            self.notes.append("it does not see the input: it makes up the subject")
        if (config.size, config.frames) != (spec.size, spec.frames):
            self.notes.append(
                f"trained at {config.size} px and {config.frames} frames, not at {spec.size} px and "
                f"{spec.frames} frames: clips were resized"
            )

    @staticmethod
    def network(config: Any, labels: int) -> VideoGenerator:
        """The generator of a configuration, for so many labels."""
        raise NotImplementedError

    def generate(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Make one video for each of ``float32[B, 3, H, W]``."""
        noise = torch.randn(len(images), self._generator.noise, generator=generator, device=generator.device)
        if images.shape[-1] != self._size:
            size = (self._size, self._size)
            images = F.interpolate(images, size, mode="bicubic", antialias=True).clamp(-1, 1)
        video: Tensor = self._generator(images, self._labels[labels], noise.to(images.device))
        if (video.shape[1], *video.shape[3:]) != self._wanted:
            moving = F.interpolate(video.transpose(1, 2), self._wanted, mode="trilinear", align_corners=False)
            video = moving.transpose(1, 2)
        return video
