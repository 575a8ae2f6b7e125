"""One training step of FEV-GAN: the discriminator on true and made clips, then the generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from fevbench.data.tensors import to_tensor
from fevbench.training.adversarial import discriminator_loss, frozen, generator_loss
from fevgan import losses
from fevgan.alignment import alignment, moved
from fevgan.config import PRESETS, WARP_PRESETS, Config
from fevgan.discriminator import Discriminator
from fevgan.faces import DETECTOR, Faces, fill_missing, open_faces
from fevgan.generator import build_generator
from fevgan.identity import WEIGHTS
from fevgan.posterior import Posterior, draw
from fevgan.preparation import both_ways, face_points, identity_codes

if TYPE_CHECKING:
    from fevbench.progress import Progress
    from fevbench.training.data import TrainingSet
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Update

SAMPLE_SEED = 0


class FEVGANTask:
    """FEV-GAN in training; see `fevbench.training.task.Task`.

    Args:
        config: Its configuration.
        data: What it is trained on.
        device: Where.
        progress: Hears how preparations proceed.
        faces: Detector and E_Id.

    Raises:
        TrainingError: No face was found in any clip.
    """

    def __init__(
        self, config: Config, data: TrainingSet, device: torch.device, progress: Progress, faces: Faces
    ) -> None:
        labels = len(data.label_names)
        self.config, self._faces, self._device = config, faces, device
        self._points = face_points(data, faces, progress)
        self._mean_points = np.nanmean(self._points, axis=0)
        both = both_ways(self._points, self._mean_points)
        transforms = np.stack([alignment(points) for points in both], 1)
        self._transforms = torch.from_numpy(transforms).to(device)
        self._codes = torch.from_numpy(identity_codes(data, faces, both, device, progress)).to(device)

        self.generator = build_generator(config, labels).to(device)
        self.discriminator = Discriminator(config, labels).to(device)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        makers = list(self.generator.parameters())
        if config.posterior:
            self.posterior = Posterior(config.noise, config.frames).to(device)
            self.networks["posterior"] = self.posterior
            makers += self.posterior.parameters()
        betas = (config.beta1, 0.999)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(makers, config.learning_rate, betas),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), config.critic_rate, betas),
        }
        won = "the discriminator has won: it is right about every clip and teaches nothing"
        self.floors = {"discriminator": (0.02, won)} if config.adversarial_weight else {}

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch: each network once."""
        config, real = self.config, batch.clips
        codes = self._codes[batch.index, batch.mirrored.long()]
        noise = draws.normal(config.noise)
        kept = {}
        if config.posterior:
            mean, log_variance = self.posterior(real)
            noise = draw(mean.float(), log_variance.float(), noise)
            kept["posterior"] = losses.divergence(mean.float(), log_variance.float())
        made = self.generator(real[:, 0], batch.labels, codes if config.identity_encoder else None, noise)

        kept["reconstruction"] = losses.reconstruction(made, real, config.motion_emphasis)
        total = config.reconstruction_weight * kept["reconstruction"]
        if config.difference_weight:
            kept["difference"] = losses.difference(made, real)
            total = total + config.difference_weight * kept["difference"]
        if config.posterior:
            excess = kept["posterior"].clamp(min=config.posterior_free)
            total = total + config.posterior_weight * excess
        if config.identity_weight:
            kept["identity"] = self._identity(batch, made, codes, draws)
            total = total + config.identity_weight * config.identity_every * kept["identity"]
        if config.adversarial_weight:
            kept["discriminator"] = self._judge(batch, made.detach(), draws, update)
            kept["adversarial"] = self._fool(batch, made, draws)
            total = total + config.adversarial_weight * kept["adversarial"]
        update("generator", total)
        return {**kept, "total": total}

    def _identity(self, batch: Batch, made: Tensor, codes: Tensor, draws: RandomNumbers) -> Tensor:
        """How far one frame of each made clip is from its face in E_Id's space; 0 in most steps."""
        moment = draws.integers(1, self.config.frames)
        if batch.step % self.config.identity_every:
            return torch.zeros((), device=self._device)
        shown = made[torch.arange(len(made), device=self._device), moment]
        transforms = moved(self._transforms[batch.index, batch.mirrored.long()], batch.moves)
        return losses.identity(self._faces.codes_at(shown, transforms), codes)

    def _judge(self, batch: Batch, made: Tensor, draws: RandomNumbers, update: Update) -> Tensor:
        """Train the discriminator."""
        seen = self._seen(batch, made, draws)
        both = torch.cat([self._seen(batch, batch.clips, draws), seen])
        images, labels = batch.clips[: len(seen), 0], batch.labels[: len(seen)]
        logits = self.discriminator(both, images.repeat(2, 1, 1, 1), labels.repeat(2)).float()
        true, false = logits.chunk(2)
        loss = discriminator_loss(true, false, self.config.adversarial)
        update("discriminator", loss)
        return loss

    def _fool(self, batch: Batch, made: Tensor, draws: RandomNumbers) -> Tensor:
        """The generator's adversarial loss; the discriminator takes no gradient from it."""
        seen = self._seen(batch, made, draws)
        with frozen(self.discriminator):
            logits = self.discriminator(seen, batch.clips[: len(seen), 0], batch.labels[: len(seen)])
        return generator_loss(logits.float(), self.config.adversarial)

    def _seen(self, batch: Batch, clips: Tensor, draws: RandomNumbers) -> Tensor:
        """The clips that are judged, with noise."""
        # The first of each process's part: together they are the first of the whole batch.
        noise = draws.normal(*clips.shape[1:], first=self.config.critic_clips)
        return clips[: len(noise)] + self.config.critic_noise * noise

    def sample(self, generator: nn.Module, data: TrainingSet, index: list[int]) -> Tensor:
        """Videos of clips' inputs, with noise as in generation, the same each time."""
        frames = data.frames[index, 0]
        images = to_tensor(frames, self._device)
        points = fill_missing(self._faces.points(frames), self._mean_points)
        codes = self._faces.codes(images, points) if self.config.identity_encoder else None
        rng = torch.Generator().manual_seed(SAMPLE_SEED)
        noise = self.config.truncation * torch.randn(len(index), self.config.noise, generator=rng)
        labels = torch.from_numpy(data.labels[index]).to(self._device)
        made: Tensor = generator(images, labels, codes, noise.to(self._device))
        return made

    def about(self) -> dict[str, Any]:
        """Where faces are on average, for pictures in which none is found."""
        return {"points": self._mean_points.tolist()}


class FEVGANTrainable:
    """What ``fevbench train fev-gan`` and ``fev-gan-warp`` train.

    Args:
        open_faces: Opens detector and E_Id on a device.
        weights: What they need, by name in the weights registry.
        configs: Its configurations by name.
    """

    def __init__(
        self,
        open_faces: Callable[[torch.device], Faces] = open_faces,
        weights: tuple[str, ...] = (WEIGHTS, DETECTOR),
        configs: Mapping[str, Config] = PRESETS,
    ) -> None:
        self._open_faces = open_faces
        self.weights = weights
        self.configs = configs

    def task(self, config: Config, data: TrainingSet, device: torch.device, progress: Progress) -> FEVGANTask:
        """Build networks and optimisers."""
        return FEVGANTask(config, data, device, progress, self._open_faces(device))


TRAINABLE = FEVGANTrainable()
WARP_TRAINABLE = FEVGANTrainable(configs=WARP_PRESETS)
