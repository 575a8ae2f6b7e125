"""Checkpoints of VideoMAE V2 and V-JEPA in small: the published names and nesting, random numbers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from fevbench.extractors.video_transformers import VJEPA, VideoMAE
from fevbench.extractors.vit import Shape, State

SHAPE = Shape(width=24, depth=3, heads=2, hidden=40, patch=16, size=32)
D, H = SHAPE.width, SHAPE.hidden
CLASSES = 5

NORM = {"weight": (D,), "bias": (D,)}
MLP = {"fc1.weight": (H, D), "fc1.bias": (H,), "fc2.weight": (D, H), "fc2.bias": (D,)}
PATCHES = {"patch_embed.proj.weight": (D, 3, 2, 16, 16), "patch_embed.proj.bias": (D,)}

Shapes = dict[str, tuple[int, ...]]


def within(prefix: str, shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


def linear(prefix: str, outputs: int, bias: bool = True) -> Shapes:
    return {f"{prefix}.weight": (outputs, D)} | ({f"{prefix}.bias": (outputs,)} if bias else {})


def blocks(qkv: Shapes) -> Shapes:
    block = qkv | linear("attn.proj", D) | within("norm1", NORM) | within("norm2", NORM) | within("mlp", MLP)
    return {k: v for i in range(SHAPE.depth) for k, v in within(f"blocks.{i}", block).items()}


def random_state(shapes: Shapes) -> State:
    """Numbers drawn in the alphabetical order of names, so that other code can be given the same."""
    rng = np.random.RandomState(0)
    return {
        name: torch.from_numpy(rng.standard_normal(shapes[name]).astype(np.float32) * np.float32(0.3))
        for name in sorted(shapes)
    }


def videomae_state() -> State:
    qkv = {"attn.q_bias": (D,), "attn.v_bias": (D,), **linear("attn.qkv", 3 * D, bias=False)}
    return random_state(PATCHES | blocks(qkv) | within("fc_norm", NORM) | linear("head", CLASSES))


def encoder_state() -> State:
    positions = {"pos_embed": (1, SHAPE.tokens, D)}
    return random_state(positions | PATCHES | blocks(linear("attn.qkv", 3 * D)) | within("norm", NORM))


def probe_state() -> State:
    attention = linear("q", D) | linear("kv", 2 * D) | linear("proj", D)
    parts = within("norm1", NORM) | within("norm2", NORM) | within("xattn", attention) | within("mlp", MLP)
    pooler = {"pooler.query_tokens": (1, 1, D), **within("pooler.cross_attention_block", parts)}
    return random_state(pooler | linear("linear", CLASSES))


def write_checkpoints(folder: Path) -> dict[str, Path]:
    """Weight name to file."""
    paths = {name: folder / f"{name}.pth" for name in ("videomae-g-ssv2", "vjepa-h", "vjepa-h-ssv2-probe")}
    torch.save({"module": videomae_state(), "args": argparse.Namespace(lr=1)}, paths["videomae-g-ssv2"])
    target = {f"module.backbone.{name}": tensor for name, tensor in encoder_state().items()}
    torch.save({"target_encoder": target, "encoder": {}, "epoch": 300}, paths["vjepa-h"])
    classifier = {f"module.{name}": tensor for name, tensor in probe_state().items()}
    torch.save({"classifier": classifier, "epoch": 20}, paths["vjepa-h-ssv2-probe"])
    return paths


def load_videomae(device: str, weights: Mapping[str, Path]) -> VideoMAE:
    return VideoMAE(device, weights, SHAPE)


def load_vjepa(device: str, weights: Mapping[str, Path]) -> VJEPA:
    return VJEPA(device, weights, SHAPE)
