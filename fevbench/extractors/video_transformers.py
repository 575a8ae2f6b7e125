"""The video transformers of content-debiased FVD and JEDi: VideoMAE V2 and V-JEPA.

VideoMAE V2 is a ViT-g/14 fine-tuned on Something-Something V2 (Wang et al., CVPR 2023); the feature and the
preprocessing are those of Ge et al. (CVPR 2024) in their package cd-fvd: 16 frames in [0, 1], the mean of the
last tokens, normalised, before the classifier.

V-JEPA is a ViT-H/16 with the attentive probe trained on it on Something-Something V2 (Bardes et al., TMLR
2024); the feature is that of Luo et al. (ICLR 2025) in their package videojedi: the probe's pooled tokens,
before its classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fevbench.data.clip import Frames
from fevbench.data.tensors import IMAGENET_MEAN, IMAGENET_STD
from fevbench.extractors.networks import exact_inference
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

GIANT = Shape(width=1408, depth=40, heads=16, hidden=6144, patch=14)
HUGE = Shape(width=1280, depth=32, heads=16, hidden=5120, patch=16)


class VideoMAE:
    """Clips to features ``float32[N, 1408]``."""

    def __init__(self, device: str, weights: Mapping[str, Path], shape: Shape = GIANT) -> None:
        self._network = build_videomae(weights["videomae-g-ssv2"], shape).to(device)
        self._shape, self._device = shape, device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Features of ``uint8[N, T, H, W, 3]``."""
        tokens = self._network(to_clips(batch, self._shape, self._device))
        features = self._network.norm(tokens.mean(dim=1))
        return cast("NDArray[np.float32]", features.cpu().numpy())


def build_videomae(path: Path, shape: Shape = GIANT) -> VideoTransformer:
    """The network with the checkpoint's weights.

    Raises:
        WeightsError: The file holds something else.
    """
    what = f"VideoMAE V2 of width {shape.width} with {shape.depth} blocks"
    return fill(lambda: VideoTransformer(shape), lambda: _of_videomae(path, shape), path, what)


def _of_videomae(path: Path, shape: Shape) -> State:
    """Name the checkpoint's tensors as the network does; its classifier is left out."""
    content = read_checkpoint(path)
    theirs = dict(content.get("model") or content.get("module") or content)
    state: State = {"pos_embed": sinusoids(shape.tokens, shape.width)}
    for name, tensor in theirs.items():
        if name.endswith(".q_bias"):
            # Keys have no bias: it would cancel in the softmax.
            v_bias = theirs[f"{name.removesuffix('q_bias')}v_bias"]
            biases = (tensor, torch.zeros_like(tensor), v_bias)
            state[f"{name.removesuffix('q_bias')}qkv.bias"] = torch.cat(biases)
        elif not name.endswith(".v_bias") and not name.startswith("head."):
            state[f"norm.{name.removeprefix('fc_norm.')}" if name.startswith("fc_norm.") else name] = tensor
    return state


def sinusoids(positions: int, width: int) -> torch.Tensor:
    """The fixed positions of Vaswani et al. (NeurIPS 2017): ``float32[1, positions, width]``.

    Sines stand in even columns and cosines in odd ones; the checkpoint does not hold them.
    """
    places = torch.arange(positions, dtype=torch.float64)[:, None]
    pairs = torch.arange(width, dtype=torch.float64) // 2
    angles = places / 10000 ** (2 * pairs / width)
    angles[:, 0::2].sin_()
    angles[:, 1::2].cos_()
    return angles.float()[None]


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
        """Attention of queries ``[N, Q, D]`` to tokens ``[N, L, D]``."""
        k, v = self.kv(x).chunk(2, dim=-1)
        return cast(torch.Tensor, self.proj(attend(self.q(q), k, v, self.heads)))


class AttentivePooler(nn.Module):
    """One learnt query attends to all tokens."""

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
        lambda: VideoTransformer(shape), lambda: _of_vjepa(path, "target_encoder", "backbone."), path, what
    )


def build_pooler(path: Path, shape: Shape = HUGE) -> AttentivePooler:
    """The pooler with the weights of the checkpoint's classifier.

    Raises:
        WeightsError: The file holds something else.
    """
    what = f"V-JEPA's attentive probe of width {shape.width}"
    return fill(lambda: AttentivePooler(shape), lambda: _of_vjepa(path, "classifier", "pooler."), path, what)


def _of_vjepa(path: Path, key: str, prefix: str) -> State:
    """The tensors of one part of a checkpoint, their names without prefixes; the classifier is left out."""
    theirs = {name.removeprefix("module."): tensor for name, tensor in read_checkpoint(path)[key].items()}
    return {name.removeprefix(prefix): x for name, x in theirs.items() if not name.startswith("linear.")}
