"""What the trainings of all baselines have in common; each method's own step is beside its networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from fevbench.data.tensors import to_tensor
from fevbench.training.layout import channels_last

if TYPE_CHECKING:
    from fevbench.progress import Progress
    from fevbench.training.config import TrainingConfig
    from fevbench.training.data import TrainingSet
    from fevbench.training.sampling import Batch, RandomNumbers
    from fevbench.training.task import Task, Update

SAMPLE_SEED = 0
WON = (0.02, "the discriminator has won: it is right about every clip and teaches nothing")
"""For `Task.floors` of methods whose generator learns from a discriminator alone."""

Optimise = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


class VideoGenerator(nn.Module):
    """A baseline's generator: faces, labels and noise to videos.

    Attributes:
        noise: Standard normal numbers it takes for a clip.
        sees_face: Whether it looks at the images at all.
    """

    noise: int
    sees_face: bool = True

    def forward(self, images: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Make one video for each input.

        Args:
            images: ``float[B, 3, 64, 64]`` in [-1, 1].
            labels: ``int64[B]``.
            noise: ``float[B, noise]``.

        Returns:
            ``float32[B, T, 3, 64, 64]`` in [-1, 1].
        """
        raise NotImplementedError


class BaselineTask:
    """A baseline in training; see `fevbench.training.task.Task`. Each method adds its ``step``.

    Args:
        generator: Its generator.
        discriminators: By name.
        optimise: Makes an optimiser for each network.
        device: Where.
    """

    def __init__(
        self,
        generator: VideoGenerator,
        discriminators: Mapping[str, nn.Module],
        optimise: Optimise,
        device: torch.device,
    ) -> None:
        self.generator = generator
        networks = {"generator": generator, **discriminators}
        self.networks: Mapping[str, nn.Module] = {
            name: channels_last(network).to(device) for name, network in networks.items()
        }
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {
            name: optimise(network.parameters()) for name, network in self.networks.items()
        }
        self.floors: Mapping[str, tuple[float, str]] = {}
        self._device = device

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch."""
        raise NotImplementedError

    def make(self, batch: Batch, draws: RandomNumbers) -> Tensor:
        """Videos for the batch's first frames and labels, with fresh noise."""
        made: Tensor = self.generator(batch.clips[:, 0], batch.labels, draws.normal(self.generator.noise))
        return made

    def sample(self, generator: nn.Module, data: TrainingSet, index: list[int]) -> Tensor:
        """Videos of clips' inputs, with the same noise each time."""
        images = to_tensor(data.frames[index, 0], self._device)
        labels = torch.from_numpy(data.labels[index]).to(self._device)
        noise = torch.randn(
            len(index), self.generator.noise, generator=torch.Generator().manual_seed(SAMPLE_SEED)
        )
        made: Tensor = generator(images, labels, noise.to(self._device))
        return made

    def about(self) -> dict[str, Any]:
        """Nothing: its configuration says it all."""
        return {}


@dataclass(frozen=True)
class Method:
    """What ``fevbench train`` needs of a baseline; see `fevbench.training.task.Trainable`.

    Attributes:
        configs: Its configurations by name.
        build: Configuration, number of labels and device to the task.
        weights: Pretrained networks it needs: none of them does.
    """

    configs: Mapping[str, TrainingConfig]
    build: Callable[[Any, int, torch.device], Task]
    weights: tuple[str, ...] = ()

    def task(self, config: Any, data: TrainingSet, device: torch.device, progress: Progress) -> Task:
        """Build networks and optimisers."""
        return self.build(config, len(data.label_names), device)


def adam(learning_rate: float, beta1: float, weight_decay: float = 0.0) -> Optimise:
    """Adam with beta2 0.999, for each network."""
    return partial(torch.optim.Adam, lr=learning_rate, betas=(beta1, 0.999), weight_decay=weight_decay)


def one_frame(clips: Tensor, draws: RandomNumbers) -> Tensor:
    """A random frame ``float[B, 3, H, W]`` of each clip ``float[B, T, 3, H, W]``."""
    moments = draws.integers(0, clips.shape[1])
    return clips[torch.arange(len(clips), device=clips.device), moments]
