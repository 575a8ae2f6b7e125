"""Which clips a step sees and all its random numbers: functions of the seed and the step alone.

So there is no position and no generator state to keep: step 700 is the same after a kill at step 650, and on
two processes, each of which takes every second clip of the same batch.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from fevbench.data.tensors import to_tensor
from fevbench.training.augmentation import augment
from fevbench.training.config import TrainingConfig

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.training.data import TrainingSet


@dataclass(frozen=True)
class Share:
    """Which clips of a batch are this process's: of every ``of``, the one at ``rank``."""

    rank: int = 0
    of: int = 1


@dataclass(frozen=True)
class Batch:
    """A process's part of a step's clips.

    Attributes:
        step: The step, counted from 1.
        index: ``int64[B]``, their places in the training set.
        clips: ``float32[B, T, 3, S, S]`` in [-1, 1], augmented; frame 0 is the model's input.
        labels: ``int64[B]``.
        mirrored: ``bool[B]``, which were flipped.
        moves: ``float32[B, 2, 3]``, where each place of a frame lay before it was turned, scaled and shifted,
            after it was flipped; as `torch.nn.functional.affine_grid` takes it.
    """

    step: int
    index: Tensor
    clips: Tensor
    labels: Tensor
    mirrored: Tensor
    moves: Tensor


class Draws:
    """A step's random numbers: every process draws them for the whole batch and keeps those of its part.

    Args:
        seed: The training's seed.
        step: The step.
        count: Clips in the whole batch.
        share: This process's part.
        device: Where they are drawn.
    """

    def __init__(self, seed: int, step: int, count: int, share: Share, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(mixed_seed(seed, step))
        self._count, self._share, self._device = count, share, device

    def normal(self, *shape: int, first: int | None = None) -> Tensor:
        """``float32[B, *shape]``, standard normal.

        Args:
            shape: Of each clip's numbers.
            first: Only for so many of the whole batch, rounded up to as many for each process.
        """
        count = self._count if first is None else -(-first // self._share.of) * self._share.of
        return self._mine(torch.randn(count, *shape, generator=self._generator, device=self._device))

    def uniform(self, *shape: int) -> Tensor:
        """``float32[B, *shape]``, from 0 to 1."""
        return self._mine(torch.rand(self._count, *shape, generator=self._generator, device=self._device))

    def integers(self, low: int, high: int) -> Tensor:
        """``int64[B]``, from ``low`` to ``high - 1``."""
        drawn = torch.randint(low, high, (self._count,), generator=self._generator, device=self._device)
        return self._mine(drawn)

    def _mine(self, whole: Tensor) -> Tensor:
        return whole[self._share.rank :: self._share.of]


def mixed_seed(*parts: int | str) -> int:
    """A 63-bit seed from several numbers or words."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def order(seed: int, step: int, batch_size: int, count: int) -> NDArray[np.int64]:
    """The places ``int64[batch_size]`` of a step's clips; each epoch is another permutation of all."""
    positions = np.arange((step - 1) * batch_size, step * batch_size)
    epochs = positions // count
    shuffled = {
        int(epoch): np.random.default_rng(mixed_seed(seed, "epoch", int(epoch))).permutation(count)
        for epoch in np.unique(epochs)
    }
    chosen = [shuffled[int(e)][p % count] for e, p in zip(epochs, positions, strict=True)]
    return np.array(chosen, np.int64)


def draw_batch(
    data: TrainingSet, config: TrainingConfig, seed: int, step: int, share: Share, device: torch.device
) -> tuple[Batch, Draws]:
    """A process's part of a step's batch, and the step's random numbers for what comes after."""
    draws = Draws(seed, step, config.batch_size, share, device)
    index = order(seed, step, config.batch_size, len(data))[share.rank :: share.of]
    clips = to_tensor(data.frames[index], device)
    mirrored = (draws.uniform() < 0.5) & config.flip
    clips = torch.where(mirrored[:, None, None, None, None], clips.flip(-1), clips)
    if config.colour:
        gain = 1 + config.colour * (2 * draws.uniform(1, 3, 1, 1) - 1)
        clips = ((clips + 1) * gain - 1).clamp(-1, 1)
    moves = torch.eye(2, 3, device=device).expand(len(clips), 2, 3)
    if config.augmentation:
        clips, moves = augment(clips, draws, config.augmentation)
    labels = torch.from_numpy(data.labels[index]).to(device)
    return Batch(step, torch.from_numpy(index).to(device), clips, labels, mirrored, moves), draws
