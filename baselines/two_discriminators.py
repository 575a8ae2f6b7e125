"""Training against two discriminators, of clips with their label and of frames: ImaGINator's and G3AN's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from baselines.discriminators import ImageDiscriminator
from baselines.task import BaselineTask, Optimise, VideoGenerator, one_frame
from fevbench.training.adversarial import discriminator_loss, frozen, generator_loss

if TYPE_CHECKING:
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update


class TwoDiscriminatorsTask(BaselineTask):
    """Binary cross-entropy against a discriminator of clips and one of frames, one random frame a clip.

    Args:
        generator: The generator.
        video_discriminator: Clips and labels to logits.
        image_discriminator: Frames to logits.
        optimise: Makes an optimiser for each network.
        device: Where.
    """

    def __init__(
        self,
        generator: VideoGenerator,
        video_discriminator: nn.Module,
        image_discriminator: ImageDiscriminator,
        optimise: Optimise,
        device: torch.device,
    ) -> None:
        judges = {"video_discriminator": video_discriminator, "image_discriminator": image_discriminator}
        super().__init__(generator, judges, optimise, device)
        self.video_discriminator, self.image_discriminator = video_discriminator, image_discriminator

    def update_discriminators(
        self, batch: Batch, made: Tensor, draws: RandomNumbers, update: Update
    ) -> dict[str, Tensor]:
        """Train both discriminators, once each."""
        real, made, labels = batch.clips, made.detach(), batch.labels
        true, false = self.video_discriminator(real, labels), self.video_discriminator(made, labels)
        of_videos = discriminator_loss(true.float(), false.float(), "bce")
        update("video_discriminator", of_videos)
        true = self.image_discriminator(one_frame(real, draws))
        false = self.image_discriminator(one_frame(made, draws))
        of_images = discriminator_loss(true.float(), false.float(), "bce")
        update("image_discriminator", of_images)
        return {"video_discriminator": of_videos, "image_discriminator": of_images}

    def generator_loss(self, batch: Batch, made: Tensor, draws: RandomNumbers) -> dict[str, Tensor]:
        """The generator's adversarial losses; the discriminators take no gradient from them."""
        with frozen(self.video_discriminator, self.image_discriminator):
            of_videos = self.video_discriminator(made, batch.labels)
            of_images = self.image_discriminator(one_frame(made, draws))
        return {
            "video_adversarial": generator_loss(of_videos.float(), "bce"),
            "image_adversarial": generator_loss(of_images.float(), "bce"),
        }
