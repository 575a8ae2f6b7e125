"""The trained TGAN as a model."""

from __future__ import annotations

from pathlib import Path

from baselines.generated import Generated
from baselines.tgan.config import Config
from baselines.tgan.networks import Generator


class TGAN(Generated):
    """TGAN (Saito et al., 2017), reimplemented from its published description, with face and label."""

    name = "tgan"
    adapted = True
    weights = Path(__file__).parent / "weights" / "fevsynth-64x16.safetensors"
    config = Config

    @staticmethod
    def network(config: Config, labels: int) -> Generator:
        """The generator of a configuration."""
        return Generator(config, labels)
