"""The vision transformer of clips that VideoMAE V2 and V-JEPA share, by the names of their checkpoints.

Dosovitskiy et al. (ICLR 2021), on tubelets of Arnab et al. (ViViT, ICCV 2021): a linear layer makes a token
of every box of pixels, fixed positions are added, and blocks of attention and MLP follow; no class token.
"""

from __future__ import annotations

import argparse
import contextlib
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import torch.nn.functional as F
from torch import nn

from fevbench.data.clip import Frames
from fevbench.data.tensors import to_tensor
from fevbench.extractors.networks import checkpoint_of

BROKEN = (
    OSError, RuntimeError, KeyError, TypeError, AttributeError, ValueError, EOFError, pickle.PickleError,
)  # fmt: skip
"""Exceptions raised by reading an unexpected checkpoint."""

Module = TypeVar("Module", bound=nn.Module)
State = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Shape:
    """The hyperparameters of a transformer.

    Attributes:
        width: Features per token.
        depth: Number of blocks.
        heads: Heads of each attention; they divide the width.
        hidden: Width of each MLP's hidden layer.
        patch: Height and width of a tubelet, pixels.
        size: Height and width of a frame, pixels.
        frames: Frames of a clip.
        tubelet: Frames of a tubelet.
    """

    width: int
    depth: int
    heads: int
    hidden: int
    patch: int
    size: int = 224
    frames: int = 16
    tubelet: int = 2

    @property
    def tokens(self) -> int:
        """Tokens per clip."""
        return self.frames // self.tubelet * (self.size // self.patch) ** 2


class Attention(nn.Module):
    """Attention of all tokens to all tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mix ``[N, L, D]``."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        return cast(torch.Tensor, self.proj(attend(q, k, v, self.heads)))


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int) -> torch.Tensor:
    """Scaled dot-product attention of ``[N, Q, D]`` to ``[N, L, D]``, with ``heads`` heads: ``[N, Q, D]``."""
    q, k, v = (x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (q, k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class Mlp(nn.Module):
    """Two linear layers with GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Change each token of ``[N, L, D]``."""
        return cast(torch.Tensor, self.fc2(F.gelu(self.fc1(x))))


class Block(nn.Module):
    """Attention and MLP, each normalised before and added to its input."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=1e-6)
        self.attn = Attention(shape.width, shape.heads)
        self.norm2 = nn.LayerNorm(shape.width, eps=1e-6)
        self.mlp = Mlp(shape.width, shape.hidden)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Change ``[N, L, D]``."""
        x = x + self.attn(self.norm1(x))
        return cast(torch.Tensor, x + self.mlp(self.norm2(x)))


class VideoTransformer(nn.Module):
    """Clips to tokens. The last norm is left to the caller, who may pool before or after it."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        box = (shape.tubelet, shape.patch, shape.patch)
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv3d(3, shape.width, box, box)})
        self.register_buffer("pos_embed", torch.empty(1, shape.tokens, shape.width))
        self.blocks = nn.Sequential(*[Block(shape) for _ in range(shape.depth)])
        self.norm = nn.LayerNorm(shape.width, eps=1e-6)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Tokens ``[N, L, D]``, not normalised, of ``float[N, 3, T, H, W]``."""
        tokens = self.patch_embed["proj"](clips).flatten(2).transpose(1, 2)
        return cast(torch.Tensor, self.blocks(tokens + self.pos_embed))


def to_clips(batch: Frames, shape: Shape, device: str) -> torch.Tensor:
    """The input of such a network: ``float32[N, 3, T, H, W]`` in [0, 1], of clips ``uint8[N, n, h, w, 3]``.

    Of a longer clip, frames 0, n / T, 2 n / T and so on, rounded down, are used. They are resized bilinearly
    with half-pixel centres, without antialiasing, ignoring the aspect ratio.

    Raises:
        ValueError: The clips are too short.
    """
    n, frames = batch.shape[:2]
    if frames < shape.frames:
        raise ValueError(f"this network needs clips of at least {shape.frames} frames, got {frames}")
    seen = batch[:, [i * frames // shape.frames for i in range(shape.frames)]]
    pixels = to_tensor(seen, device).flatten(0, 1).add(1).div(2)
    resized = F.interpolate(pixels, (shape.size, shape.size), mode="bilinear", align_corners=False)
    return resized.reshape(n, shape.frames, *resized.shape[1:]).transpose(1, 2)


def read_checkpoint(path: Path) -> Any:
    """The content of a PyTorch checkpoint: tensors and plain data; no code is run.

    Tensors of the current format are memory-mapped, as checkpoints hold several times what is needed.
    """
    # Checkpoints of this family hold the options they were trained with; a namespace is data.
    trusted = getattr(torch.serialization, "safe_globals", contextlib.nullcontext)
    with trusted([argparse.Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))


def fill(
    build: Callable[[], Module], state: Callable[[], Mapping[str, torch.Tensor]], path: Path, what: str
) -> Module:
    """A network with the weights of a checkpoint, in float32 and eval mode.

    ``build`` makes the network, not initialised; ``state`` reads exactly its weights, under its names.

    Raises:
        WeightsError: It holds other weights than ``what`` it should.
    """
    with checkpoint_of(what, path, BROKEN, from_user=True):
        with torch.device("meta"):
            network = build()
        weights = {name: tensor.float() for name, tensor in state().items()}
        network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)
