"""The trained VGAN as a model."""

from __future__ import annotations

from pathlib import Path

from baselines.generated import Generated
from baselines.vgan.config import Config
from baselines.vgan.networks import Generator


class VGAN(Generated):
    """VGAN (Vondrick et al., 2016), reimplemented from its published description, with face and label."""

    name = "vgan"
    adapted = True
    weights = Path(__file__).parent / "weights" / "fevsynth-64x16.safetensors"
    config = Config

    @staticmethod
    def network(config: Config, labels: int) -> Generator:
        """The generator of a configuration."""
        return Generator(config, labels)
