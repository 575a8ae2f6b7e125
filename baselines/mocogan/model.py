"""The trained MoCoGAN, and its variant whose content is the input's, as models."""

from __future__ import annotations

from pathlib import Path

from baselines.generated import Generated
from baselines.mocogan.config import Config, ImageToVideoConfig
from baselines.mocogan.networks import Generator, image_to_video

WEIGHTS = Path(__file__).parent / "weights"


class MoCoGAN(Generated):
    """MoCoGAN (Tulyakov et al., 2018), reimplemented from its published description: it sees no face."""

    name = "mocogan"
    adapted = False
    weights = WEIGHTS / "fevsynth-64x16.safetensors"
    config = Config

    @staticmethod
    def network(config: Config, labels: int) -> Generator:
        """The generator of a configuration."""
        return Generator(config, labels)


class MoCoGANI2V(Generated):
    """MoCoGAN (2018), reimplemented from its published description, with the face's code for its content."""

    name = "mocogan-i2v"
    adapted = True
    weights = WEIGHTS / "i2v-fevsynth-64x16.safetensors"
    config = ImageToVideoConfig

    @staticmethod
    def network(config: ImageToVideoConfig, labels: int) -> Generator:
        """The generator of a configuration."""
        return image_to_video(config, labels)
