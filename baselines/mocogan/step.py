"""One training step of MoCoGAN: image discriminator, video discriminator, then the generator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines.conditioning import first_frame
from baselines.mocogan.config import IMAGE_TO_VIDEO_PRESETS, PRESETS, Config, ImageToVideoConfig
from baselines.mocogan.networks import Generator, ImageDiscriminator, VideoDiscriminator, image_to_video
from baselines.task import WON, BaselineTask, Method, adam, one_frame
from fevbench.training.adversarial import discriminator_loss, frozen, generator_loss

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class MoCoGANTask(BaselineTask):
    """MoCoGAN in training; all losses are cross-entropies.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
        generator: Another generator than the published one.
    """

    def __init__(
        self, config: Config, labels: int, device: torch.device, generator: Generator | None = None
    ) -> None:
        self.config = config
        self.image_discriminator = ImageDiscriminator(config.image_widths, config.critic_noise)
        self.video_discriminator = VideoDiscriminator(config.video_widths, labels, config.critic_noise)
        judges = {
            "image_discriminator": self.image_discriminator,
            "video_discriminator": self.video_discriminator,
        }
        optimise = adam(config.learning_rate, config.beta1, config.weight_decay)
        super().__init__(generator or Generator(config, labels), judges, optimise, device)
        self.floors = dict.fromkeys(judges, WON)

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        made = self.make(batch, draws)
        kept = self._update_discriminators(batch, made.detach(), draws, update)
        with frozen(self.image_discriminator, self.video_discriminator):
            of_images = self.image_discriminator(one_frame(made, draws), draws)
            of_videos, categories = self.video_discriminator(made, draws)
        kept["image_adversarial"] = generator_loss(of_images.float(), "bce")
        kept["video_adversarial"] = generator_loss(of_videos.float(), "bce")
        kept["made_category"] = F.cross_entropy(categories.float(), batch.labels)
        total = kept["image_adversarial"] + kept["video_adversarial"]
        if self.config.infogan:
            total = total + kept["made_category"]
        total = total + self.tie(batch, made, kept)
        update("generator", total)
        return {**kept, "total": total}

    def _update_discriminators(
        self, batch: Batch, made: Tensor, draws: RandomNumbers, update: Update
    ) -> dict[str, Tensor]:
        """Train the discriminators; the category is kept as a loss of its own."""
        true = self.image_discriminator(one_frame(batch.clips, draws), draws)
        false = self.image_discriminator(one_frame(made, draws), draws)
        of_images = discriminator_loss(true.float(), false.float(), "bce")
        update("image_discriminator", of_images)
        true, categories = self.video_discriminator(batch.clips, draws)
        false, _ = self.video_discriminator(made, draws)
        of_videos = discriminator_loss(true.float(), false.float(), "bce")
        category = F.cross_entropy(categories.float(), batch.labels)
        update("video_discriminator", of_videos + category)
        return {
            "image_discriminator": of_images,
            "video_discriminator": of_videos,
            "real_category": category,
        }

    def tie(self, batch: Batch, made: Tensor, kept: dict[str, Tensor]) -> Tensor:
        """What else the generator minimises: nothing, as it does not see the input."""
        return made.new_zeros(())


class ImageToVideoTask(MoCoGANTask):
    """The variant whose content is the input's, in training.

    Args:
        config: Its configuration.
        labels: How many expressions there are.
        device: Where.
    """

    def __init__(self, config: ImageToVideoConfig, labels: int, device: torch.device) -> None:
        super().__init__(config, labels, device, image_to_video(config, labels))
        self._weight = config.first_frame_weight

    def tie(self, batch: Batch, made: Tensor, kept: dict[str, Tensor]) -> Tensor:
        """The first frame is the input; kept as ``first_frame``."""
        kept["first_frame"] = first_frame(made, batch.clips)
        return self._weight * kept["first_frame"]


TRAINABLE = Method(PRESETS, MoCoGANTask)
IMAGE_TO_VIDEO = Method(IMAGE_TO_VIDEO_PRESETS, ImageToVideoTask)
