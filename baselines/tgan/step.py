"""One training step of TGAN: the critic, then the generator, on the same made clips."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from baselines.conditioning import first_frame
from baselines.task import BaselineTask, Method
from baselines.tgan.clipping import clip_singular_values, start_at_the_largest
from baselines.tgan.config import PRESETS, Config
from baselines.tgan.losses import discriminator_loss, generator_loss
from baselines.tgan.networks import Critic, Generator
from fevbench.training.adversarial import frozen

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class TGANTask(BaselineTask):
    """TGAN in training.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
    """

    def __init__(self, config: Config, labels: int, device: torch.device) -> None:
        self.config, self.critic = config, Critic(config, labels)
        start_at_the_largest(self.critic)
        optimise = partial(torch.optim.RMSprop, lr=config.learning_rate)
        super().__init__(Generator(config, labels), {"critic": self.critic}, optimise, device)

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        real, labels = batch.clips, batch.labels
        made = self.make(batch, draws)
        true, false = self.critic(real, labels), self.critic(made.detach(), labels)
        kept = {"critic": discriminator_loss(true.float(), false.float())}
        update("critic", kept["critic"])
        if batch.step % self.config.clip_every == 0:
            clip_singular_values(self.critic)
        with frozen(self.critic):
            kept["adversarial"] = generator_loss(self.critic(made, labels).float())
        kept["first_frame"] = first_frame(made, real)
        total = kept["adversarial"] + self.config.first_frame_weight * kept["first_frame"]
        update("generator", total)
        return {**kept, "total": total}


TRAINABLE = Method(PRESETS, TGANTask)
