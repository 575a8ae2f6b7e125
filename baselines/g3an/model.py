"""The trained G3AN as a model."""

from __future__ import annotations

from pathlib import Path

from baselines.g3an.config import Config
from baselines.g3an.networks import Generator
from baselines.generated import Generated


class G3AN(Generated):
    """G3AN (Wang et al., 2020), reimplemented from its published description, with face and label."""

    name = "g3an"
    adapted = True
    weights = Path(__file__).parent / "weights" / "fevsynth-64x16.safetensors"
    config = Config

    @staticmethod
    def network(config: Config, labels: int) -> Generator:
        """The generator of a configuration."""
        return Generator(config, labels)
