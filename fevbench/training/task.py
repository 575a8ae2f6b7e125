"""The interface of a method for ``fevbench train``; the loop does the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from fevbench.progress import Progress
from fevbench.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from fevbench.training.config import TrainingConfig
    from fevbench.training.data import TrainingSet
    from fevbench.training.sampling import Batch, RandomNumbers


Update = Callable[[str, "Tensor"], None]
"""``update(name, loss)``: one step of the optimiser ``name``, on gradients averaged over processes."""


class Task(Protocol):
    """Networks being trained, and one step of their training.

    Attributes:
        networks: The trained networks, by name. ``generator`` is averaged and exported.
        optimisers: The optimisers, by name.
        floors: Loss name to a value that its mean must not stay below, with what that would mean; a
            discriminator that is always right has nothing left to teach.
    """

    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, torch.optim.Optimizer]
    floors: Mapping[str, tuple[float, str]]

    def step(self, batch: Batch, draws: RandomNumbers, update: Update) -> dict[str, Tensor]:
        """Train on a batch.

        Args:
            batch: This process's part.
            draws: The source of all random numbers.
            update: Called with each optimiser's name and loss, in the method's order.

        Returns:
            The losses by name, as scalars.
        """

    def sample(self, generator: nn.Module, data: TrainingSet, index: list[int]) -> Tensor:
        """Videos ``float32[B, T, 3, S, S]`` from frame 0 of some clips, with the averaged generator.

        Args:
            generator: The network called ``generator``, perhaps with other weights.
            data: The source of the inputs; may differ from the training data.
            index: Indices of the clips.
        """

    def about(self) -> dict[str, Any]:
        """The description of an exported generator besides its configuration, for JSON."""


class Trainable(Protocol):
    """A method: its configurations by name, the default first, and the pretrained weights it needs."""

    configs: Mapping[str, TrainingConfig]
    weights: tuple[str, ...]

    def task(self, config: Any, data: TrainingSet, device: torch.device, progress: Progress) -> Task:
        """Build networks and optimisers; the global random state is seeded already."""


trainables: Registry[Trainable] = Registry("trainable model", group="fevbench.trainable")
