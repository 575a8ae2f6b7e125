"""One training step of ImaGINator: the generator, then both discriminators, once each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.discriminators import ImageDiscriminator
from baselines.imaginator.config import PRESETS, Config
from baselines.imaginator.networks import Generator, VideoDiscriminator
from baselines.task import Method, adam
from baselines.two_discriminators import TwoDiscriminatorsTask

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class ImaGINatorTask(TwoDiscriminatorsTask):
    """ImaGINator in training.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
    """

    def __init__(self, config: Config, labels: int, device: torch.device) -> None:
        self.config = config
        super().__init__(
            Generator(config, labels),
            VideoDiscriminator(config.video_widths, labels, config.frames),
            ImageDiscriminator(config.image_widths),
            adam(config.learning_rate, config.beta1),
            device,
        )

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        made = self.make(batch, draws)
        kept = {
            "reconstruction": (made - batch.clips).abs().mean(),
            **self.generator_loss(batch, made, draws),
        }
        total = self.config.reconstruction_weight * kept["reconstruction"]
        total = total + kept["video_adversarial"] + kept["image_adversarial"]
        update("generator", total)
        return {**kept, "total": total, **self.update_discriminators(batch, made, draws, update)}


TRAINABLE = Method(PRESETS, ImaGINatorTask)
