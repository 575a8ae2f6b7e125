"""VideoMAE V2, the network of content-debiased FVD: a ViT-g/14 fine-tuned on Something-Something V2.

Wang et al. (CVPR 2023); the feature and the preprocessing are those of Ge et al. (CVPR 2024) in their package
cd-fvd: 16 frames in [0, 1], the mean of the last tokens, normalised, before the classifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import torch

from fevbench.extractors.inference import exact_inference
from fevbench.extractors.vit import Shape, State, VideoTransformer, fill, read_checkpoint, to_clips

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

GIANT = Shape(width=1408, depth=40, heads=16, hidden=6144, patch=14)


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
    return fill(lambda: VideoTransformer(shape), lambda: _state_dict(path, shape), path, what)


def _state_dict(path: Path, shape: Shape) -> State:
    """Name the checkpoint's tensors as the network does; its classifier is left out."""
    content = read_checkpoint(path)
    theirs = dict(content.get("model") or content.get("module") or content)
    state: State = {"pos_embed": sinusoids(shape.tokens, shape.width)}
    for name, tensor in theirs.items():
        if name.endswith(".q_bias"):
            # Keys have no bias: the softmax would not see it.
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
