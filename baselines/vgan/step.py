"""One training step of VGAN: the discriminator, then the generator, on the same made clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.conditioning import first_frame
from baselines.task import WON, BaselineTask, Method, adam
from baselines.vgan.config import PRESETS, Config
from baselines.vgan.losses import discriminator_loss, foreground, generator_loss
from baselines.vgan.networks import Discriminator, Generator
from fevbench.training.adversarial import frozen

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class VGANTask(BaselineTask):
    """VGAN in training.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
    """

    def __init__(self, config: Config, labels: int, device: torch.device) -> None:
        self.config, self._generator = config, Generator(config, labels)
        self.discriminator = Discriminator(config.video_widths, labels, config.frames)
        optimise = adam(config.learning_rate, config.beta1)
        super().__init__(self._generator, {"discriminator": self.discriminator}, optimise, device)
        self.floors = {"discriminator": WON}

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        real, labels = batch.clips, batch.labels
        made, mask = self._generator.video_and_mask(real[:, 0], labels)
        true, false = self.discriminator(real, labels), self.discriminator(made.detach(), labels)
        kept = {"discriminator": discriminator_loss(true.float(), false.float())}
        update("discriminator", kept["discriminator"])
        with frozen(self.discriminator):
            kept["adversarial"] = generator_loss(self.discriminator(made, labels).float())
        kept["mask"], kept["first_frame"] = foreground(mask), first_frame(made, real)
        total = kept["adversarial"] + self.config.mask_weight * kept["mask"]
        total = total + self.config.first_frame_weight * kept["first_frame"]
        update("generator", total)
        return {**kept, "total": total}


TRAINABLE = Method(PRESETS, VGANTask)
