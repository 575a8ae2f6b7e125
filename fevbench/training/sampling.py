"""The clips of a step, their augmentation, all its random numbers: functions of the seed and the step.

So no position and no generator state is stored: step 700 is the same after a kill at step 650, and on two
processes, each of which takes every second clip of the same batch. All frames of a clip are varied alike, so
that no motion is added. Augmentation matters because sixty-four subjects have few complexions, few lights
and one framing, and a method for photographs must know others. The ranges are those of strength 1; all shrink
with the strength.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fevbench.data.tensors import to_pixels, to_tensor
from fevbench.training.config import TrainingConfig
from fevbench.training.data import TrainingSet

MOVED, GREY, BLURRED, COMPRESSED = 0.7, 0.05, 0.1, 0.1
"""Parts of the clips that are moved, made grey, blurred, and compressed as JPEG."""
SHIFT, SCALE, ANGLE = 0.05, 0.1, 8.0
"""Most that a clip is shifted (part of its side), scaled (ratio) and turned (degrees)."""
GAIN, CONTRAST, GAMMA = 0.1, 0.2, 0.25
"""Most that each channel's gain and the contrast differ from 1, and the logarithm of gamma from 0."""
SIGMA = (0.4, 1.0)
"""Standard deviations of the blur, pixels."""
QUALITY = (40, 95)
"""Range of JPEG quality, in Pillow's scale."""
TAPS = 3
"""Pixels of the blur's kernel on either side."""
DRAWN = 14
"""Random numbers per clip."""


@dataclass(frozen=True)
class BatchShare:
    """The clips of a batch for this process: of every ``of`` clips, the one at ``rank``."""

    rank: int = 0
    of: int = 1


@dataclass(frozen=True)
class Batch:
    """A process's part of a step's clips.

    Attributes:
        step: The step, counted from 1.
        index: ``int64[B]``, their indices in the training set.
        clips: ``float32[B, T, 3, S, S]`` in [-1, 1], augmented; frame 0 is the model's input.
        labels: ``int64[B]``.
        mirrored: ``bool[B]``, which were flipped.
        moves: ``float32[B, 2, 3]``, for each position of a frame its position before rotation, scaling and
            shift, after the flip; for `torch.nn.functional.affine_grid`.
    """

    step: int
    index: Tensor
    clips: Tensor
    labels: Tensor
    mirrored: Tensor
    moves: Tensor


class RandomNumbers:
    """A step's random numbers: every process draws them for the whole batch and keeps those of its part."""

    def __init__(self, seed: int, step: int, count: int, share: BatchShare, device: torch.device) -> None:
        self._generator = torch.Generator(device).manual_seed(mixed_seed(seed, step))
        self._count, self._share, self._device = count, share, device

    def normal(self, *shape: int, first: int | None = None) -> Tensor:
        """``float32[B, *shape]``, standard normal.

        With ``first``, only for that many of the whole batch, rounded up to equal parts per process.
        """
        count = self._count if first is None else -(-first // self._share.of) * self._share.of
        return self._own_part(torch.randn(count, *shape, generator=self._generator, device=self._device))

    def uniform(self, *shape: int) -> Tensor:
        """``float32[B, *shape]``, from 0 to 1."""
        return self._own_part(torch.rand(self._count, *shape, generator=self._generator, device=self._device))

    def integers(self, low: int, high: int) -> Tensor:
        """``int64[B]``, from ``low`` to ``high - 1``."""
        drawn = torch.randint(low, high, (self._count,), generator=self._generator, device=self._device)
        return self._own_part(drawn)

    def _own_part(self, whole: Tensor) -> Tensor:
        return whole[self._share.rank :: self._share.of]


def mixed_seed(*parts: int | str) -> int:
    """A 63-bit seed from several numbers or words."""
    digest = hashlib.sha256(repr(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def order(seed: int, step: int, batch_size: int, count: int) -> NDArray[np.int64]:
    """The indices ``int64[batch_size]`` of a step's clips; each epoch is another permutation of all."""
    positions = np.arange((step - 1) * batch_size, step * batch_size)
    epochs = positions // count
    shuffled = {
        int(epoch): np.random.default_rng(mixed_seed(seed, "epoch", int(epoch))).permutation(count)
        for epoch in np.unique(epochs)
    }
    chosen = [shuffled[int(e)][p % count] for e, p in zip(epochs, positions, strict=True)]
    return np.array(chosen, np.int64)


def draw_batch(
    data: TrainingSet, config: TrainingConfig, seed: int, step: int, share: BatchShare, device: torch.device
) -> tuple[Batch, RandomNumbers]:
    """A process's part of a step's batch, and the step's random numbers for the method."""
    draws = RandomNumbers(seed, step, config.batch_size, share, device)
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


def augment(clips: Tensor, draws: RandomNumbers, strength: float) -> tuple[Tensor, Tensor]:
    """Vary clips ``float32[B, T, 3, S, S]`` in [-1, 1], from not at all (0) to the ranges of this module (1).

    Returns:
        The varied clips, and their moves ``float32[B, 2, 3]``: for each position of the new frame that in the
            old one, for `torch.nn.functional.affine_grid`.
    """
    drawn = draws.uniform(DRAWN)
    moves = placement(drawn[:, :5], strength)
    clips = move(clips, moves, drawn[:, 0] < MOVED * strength)
    clips = _tone(clips, drawn[:, 5:10], strength)
    grey = (drawn[:, 10] < GREY * strength)[:, None, None, None, None]
    luma = clips.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    clips = torch.where(grey, (clips * luma).sum(2, keepdim=True), clips)
    clips = _blur(clips, drawn[:, 11:13], strength)
    return _compress(clips, drawn[:, 13], COMPRESSED * strength), moves


def placement(drawn: Tensor, strength: float) -> Tensor:
    """Similarity transforms ``float32[B, 2, 3]`` from ``float32[B, 5]`` in 0..1; some are the identity."""
    signed = strength * (2 * drawn[:, 1:] - 1)
    angle, scale = torch.deg2rad(ANGLE * signed[:, 0]), 1 / (1 + SCALE * signed[:, 1])
    cos, sin = scale * torch.cos(angle), scale * torch.sin(angle)
    x, y = 2 * SHIFT * signed[:, 2], 2 * SHIFT * signed[:, 3]  # torch's grids run from -1 to 1
    moved = torch.stack([torch.stack([cos, -sin, x], 1), torch.stack([sin, cos, y], 1)], 1)
    still = torch.eye(2, 3, device=drawn.device).expand_as(moved)
    return torch.where((drawn[:, 0] < MOVED * strength)[:, None, None], moved, still)


def move(clips: Tensor, moves: Tensor, which: Tensor) -> Tensor:
    """Turn, scale and shift the clips ``which``; the border is repeated outside the frame."""
    chosen = which.nonzero().flatten()
    if not len(chosen):
        return clips
    flat = clips[chosen].flatten(1, 2)
    grid = F.affine_grid(moves[chosen], list(flat.shape), align_corners=False)
    moved = F.grid_sample(flat, grid, "bicubic", "border", align_corners=False).clamp(-1, 1)
    return clips.index_copy(0, chosen, moved.view(len(chosen), *clips.shape[1:]))


def _tone(clips: Tensor, drawn: Tensor, strength: float) -> Tensor:
    """Gain of each channel, contrast about the clip's own mean, gamma."""
    signed = strength * (2 * drawn - 1)
    bright = (clips + 1) / 2 * (1 + GAIN * signed[:, None, :3, None, None])
    mean = bright.mean((1, 2, 3, 4), keepdim=True)
    bright = mean + (bright - mean) * (1 + CONTRAST * signed[:, 3, None, None, None, None])
    exponent = torch.exp(GAMMA * signed[:, 4])[:, None, None, None, None]
    return 2 * bright.clamp(0, 1).pow(exponent) - 1


def _blur(clips: Tensor, drawn: Tensor, strength: float) -> Tensor:
    """Blur some clips, each with its own Gaussian."""
    chosen = (drawn[:, 0] < BLURRED * strength).nonzero().flatten()
    if not len(chosen):
        return clips
    sigma = SIGMA[0] + (SIGMA[1] - SIGMA[0]) * drawn[chosen, 1]
    places = torch.arange(-TAPS, TAPS + 1, device=clips.device)
    kernels = torch.exp(-(places**2) / (2 * sigma[:, None] ** 2))
    kernels = kernels / kernels.sum(1, keepdim=True)
    _, frames, colours, height, width = clips.shape
    planes = clips[chosen].reshape(1, -1, height, width)
    each = kernels.repeat_interleave(frames * colours, 0)[:, None]
    padded = F.pad(planes, (TAPS,) * 4, mode="replicate")
    once = F.conv2d(padded, each[:, :, :, None], groups=len(each))
    blurred = F.conv2d(once, each[:, :, None, :], groups=len(each))
    return clips.index_copy(0, chosen, blurred.view(len(chosen), *clips.shape[1:]))


def _compress(clips: Tensor, drawn: Tensor, part: float) -> Tensor:
    """Compress some clips by JPEG, frame by frame, all frames of a clip with the same quality."""
    for place in (drawn < part).nonzero().flatten().tolist():
        # The same random number also determines the quality.
        quality = round(QUALITY[0] + (QUALITY[1] - QUALITY[0]) * float(drawn[place]) / part)
        frames = np.stack([_jpeg(frame, quality) for frame in to_pixels(clips[place])])
        clips = clips.clone()
        clips[place] = to_tensor(frames, clips.device)
    return clips


def _jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    """A frame ``uint8[S, S, 3]`` after JPEG compression."""
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
