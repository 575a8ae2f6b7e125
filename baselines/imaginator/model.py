"""The trained ImaGINator as a model."""

from __future__ import annotations

from pathlib import Path

from baselines.generated import Generated
from baselines.imaginator.config import Config
from baselines.imaginator.networks import Generator


class ImaGINator(Generated):
    """ImaGINator (Wang et al., 2020), reimplemented from its published description."""

    name = "imaginator"
    adapted = False
    weights = Path(__file__).parent / "weights" / "fevsynth-64x16.safetensors"
    config = Config

    @staticmethod
    def network(config: Config, labels: int) -> Generator:
        """The generator of a configuration."""
        return Generator(config, labels)
