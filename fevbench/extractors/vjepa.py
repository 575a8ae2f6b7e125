"""V-JEPA, the network of JEDi: a ViT-H/16 and the attentive probe trained on it on Something-Something V2.

Bardes et al. (TMLR 2024); the feature is that of Luo et al. (ICLR 2025) in their package videojedi: what the
probe pools out of all tokens, before its classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from fevbench.data.tensors import IMAGENET_MEAN, IMAGENET_STD
from fevbench.extractors.inference import exact_inference
from fevbench.extractors.vit import (
    Mlp,
    Shape,
    State,
    VideoTransformer,
    attend,
    fill,
    read_checkpoint,
    to_clips,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

HUGE = Shape(width=1280, depth=32, heads=16, hidden=5120, patch=16)


class VJEPA:
    """Clips to features ``float32[N, 1280]``."""

    def __init__(self, device: str, weights: Mapping[str, Path], shape: Shape = HUGE) -> None:
        self._encoder = build_encoder(weights["vjepa-h"], shape).to(device)
        self._pooler = build_pooler(weights["vjepa-h-ssv2-probe"], shape).to(device)
        self._mean, self._std = (
            torch.tensor(x, device=device).view(3, 1, 1, 1) for x in (IMAGENET_MEAN, IMAGENET_STD)
        )
        self._shape, self._device = shape, device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Features of ``uint8[N, T, H, W, 3]``."""
        clips = (to_clips(batch, self._shape, self._device) - self._mean) / self._std
        features = self._pooler(self._encoder.norm(self._encoder(clips)))
        return cast("NDArray[np.float32]", features.cpu().numpy())


class CrossAttention(nn.Module):
    """Attention of queries to tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, q: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """What queries ``[N, Q, D]`` find in tokens ``[N, L, D]``."""
        k, v = self.kv(x).chunk(2, dim=-1)
        return cast(torch.Tensor, self.proj(attend(self.q(q), k, v, self.heads)))


class AttentivePooler(nn.Module):
    """One learnt query asks all tokens."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.query_tokens = nn.Parameter(torch.empty(1, 1, shape.width))
        # Unlike the encoder's, the probe's norms have PyTorch's epsilon.
        self.cross_attention_block = nn.ModuleDict(
            {
                "norm1": nn.LayerNorm(shape.width),
                "xattn": CrossAttention(shape.width, shape.heads),
                "norm2": nn.LayerNorm(shape.width),
                "mlp": Mlp(shape.width, shape.hidden),
            }
        )

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Pool ``[N, L, D]`` to ``[N, D]``."""
        block = self.cross_attention_block
        query = self.query_tokens.expand(len(tokens), -1, -1)
        query = query + block["xattn"](query, block["norm1"](tokens))
        return cast(torch.Tensor, query + block["mlp"](block["norm2"](query))).squeeze(1)


def build_encoder(path: Path, shape: Shape = HUGE) -> VideoTransformer:
    """The encoder with the weights of the checkpoint's target encoder, positions included.

    Raises:
        WeightsError: The file holds something else.
    """
    what = f"V-JEPA of width {shape.width} with {shape.depth} blocks"
    return fill(
        lambda: VideoTransformer(shape), lambda: _part(path, "target_encoder", "backbone."), path, what
    )


def build_pooler(path: Path, shape: Shape = HUGE) -> AttentivePooler:
    """The pooler with the weights of the checkpoint's classifier.

    Raises:
        WeightsError: The file holds something else.
    """
    what = f"V-JEPA's attentive probe of width {shape.width}"
    return fill(lambda: AttentivePooler(shape), lambda: _part(path, "classifier", "pooler."), path, what)


def _part(path: Path, key: str, prefix: str) -> State:
    """The tensors of one part of a checkpoint, their names without prefixes; the classifier is left out."""
    theirs = {name.removeprefix("module."): tensor for name, tensor in read_checkpoint(path)[key].items()}
    return {name.removeprefix(prefix): x for name, x in theirs.items() if not name.startswith("linear.")}
