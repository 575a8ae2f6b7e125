"""One training step of G3AN: both discriminators, then the generator, on the same made clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.conditioning import first_frame
from baselines.discriminators import ImageDiscriminator
from baselines.g3an.config import PRESETS, Config
from baselines.g3an.networks import Generator, VideoDiscriminator
from baselines.task import WON, Method, adam
from baselines.two_discriminators import TwoDiscriminatorsTask

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class G3ANTask(TwoDiscriminatorsTask):
    """G3AN in training.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
    """

    def __init__(self, config: Config, labels: int, device: torch.device) -> None:
        self.config = config
        super().__init__(
            Generator(config, labels),
            VideoDiscriminator(config.video_widths, labels),
            ImageDiscriminator(config.image_widths),
            adam(config.learning_rate, config.beta1),
            device,
        )
        self.floors = {"video_discriminator": WON}

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        made = self.make(batch, draws)
        kept = self.update_discriminators(batch, made, draws, update)
        kept |= self.generator_loss(batch, made, draws)
        kept["first_frame"] = first_frame(made, batch.clips)
        total = kept["video_adversarial"] + kept["image_adversarial"]
        total = total + self.config.first_frame_weight * kept["first_frame"]
        update("generator", total)
        return {**kept, "total": total}


TRAINABLE = Method(PRESETS, G3ANTask)
