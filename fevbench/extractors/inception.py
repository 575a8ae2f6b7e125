"""FID's Inception-v3: pytorch-fid's network, with weights from either of its two published files."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from fevbench.data.clip import Frames
from fevbench.extractors.backends import REFERENCE, Backend, run_by
from fevbench.extractors.networks import checkpoint_of, exact_inference, fold_batch_norms

INPUT_SIZE = 299
STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3")


class Inception:
    """Frames to pool3 features ``float32[N, 2048]``.

    Preprocessing is clean-fid's (Parmar et al., CVPR 2022): Pillow's bicubic filter on float
    channels, clipped to 0..255 and never rounded, then ``(x - 128) / 128``. `PoolThree` runs on the backend.
    """

    def __init__(self, device: str, weights: Mapping[str, Path], backend: Backend = REFERENCE) -> None:
        network = fold_batch_norms(PoolThree(load_inception(weights["inception-fid"])).eval())
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._run = run_by(backend, network)
        self._device = device

    @exact_inference()
    def __call__(self, batch: Frames) -> NDArray[np.float32]:
        """Features of ``uint8[N, H, W, 3]``."""
        # Two steps: asked for at once, torch would send floats, four times as much.
        pixels = torch.from_numpy(np.ascontiguousarray(batch)).to(self._device).to(torch.float32)
        features = self.features(resize_clean(pixels.movedim(-1, 1)))
        return cast("NDArray[np.float32]", features.cpu().numpy())

    def features(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pool3 features ``[N, 2048]`` of ``float[N, 3, 299, 299]`` in 0..255."""
        scaled = ((pixels - 128) / 128).contiguous(memory_format=torch.channels_last)
        return self._run(scaled)


class PoolThree(nn.Module):
    """The network up to its last average pooling, in pytorch-fid's order of layers.

    Attributes:
        stem: Up to the first max pooling; its spatial mean is the "64-d layer" of FID libraries.
    """

    def __init__(self, inception: nn.Module) -> None:
        super().__init__()
        layers = dict(inception.named_children())
        mixed = [layer for name, layer in layers.items() if name.startswith("Mixed_")]
        self.stem = nn.Sequential(*[layers[name] for name in STEM], nn.MaxPool2d(3, stride=2))
        self.middle = nn.Sequential(
            layers["Conv2d_3b_1x1"], layers["Conv2d_4a_3x3"], nn.MaxPool2d(3, stride=2)
        )
        self.mixed = nn.Sequential(*mixed)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features ``[N, 2048]`` of ``[N, 3, 299, 299]`` in [-1, 1]."""
        return cast(torch.Tensor, self.mixed(self.middle(self.stem(x))).mean(dim=(2, 3)))


def load_inception(path: Path) -> nn.Module:
    """pytorch-fid's Inception-v3, under torchvision's parameter names.

    Args:
        path: Either pytorch-fid's state dict (``.pth``) or the TorchScript export (``.pt``). Both hold
            the parameters of the TensorFlow graph of 2015-12-05.

    Raises:
        WeightsError: The file holds something else.
    """
    from pytorch_fid import inception as fid
    from torchvision.models import inception_v3

    network = inception_v3(num_classes=1008, aux_logits=False, weights=None, init_weights=False)
    network.Mixed_5b = fid.FIDInceptionA(192, pool_features=32)
    network.Mixed_5c = fid.FIDInceptionA(256, pool_features=64)
    network.Mixed_5d = fid.FIDInceptionA(288, pool_features=64)
    for name, width in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        setattr(network, f"Mixed_{name}", fid.FIDInceptionC(768, channels_7x7=width))
    network.Mixed_7b = fid.FIDInceptionE_1(1280)
    network.Mixed_7c = fid.FIDInceptionE_2(2048)
    with checkpoint_of("FID's Inception-v3", path, (RuntimeError, KeyError, ValueError)):
        if path.suffix == ".pth":
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        else:
            _copy_torchscript(path, network)
    return cast(nn.Module, network)


def _copy_torchscript(path: Path, network: nn.Module) -> None:
    """Copy the TorchScript export, which holds the same blocks in the same order.

    The export names its batch-norm parameters ``beta``, ``mean`` and ``var`` and has no scale, which is
    1 in this network.
    """
    with warnings.catch_warnings():
        # torch warns that TorchScript is deprecated; this file exists in no other form.
        warnings.simplefilter("ignore", FutureWarning)
        state = torch.jit.load(str(path), map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
    sources = [key.removesuffix(".weight") for key in state if key.endswith(".weight")]
    blocks = [(name, block) for name, block in network.named_modules() if hasattr(block, "bn")]
    copied = {key: value for key, value in network.state_dict().items() if key.startswith("fc.")}
    for source, (name, block) in zip(sources, blocks, strict=True):
        copied |= {
            f"{name}.conv.weight": state[f"{source}.weight"],
            f"{name}.bn.weight": torch.ones_like(block.bn.weight),
            f"{name}.bn.bias": state[f"{source}.beta"],
            f"{name}.bn.running_mean": state[f"{source}.mean"],
            f"{name}.bn.running_var": state[f"{source}.var"],
            f"{name}.bn.num_batches_tracked": block.bn.num_batches_tracked,
        }
    network.load_state_dict(copied)


def resize_clean(pixels: torch.Tensor) -> torch.Tensor:
    """Resize ``float[N, 3, H, W]`` in 0..255 to 299 x 299 as clean-fid does: Pillow's bicubic filter.

    Pillow's filter is linear and separable, so it is two products with the matrix Pillow itself makes of an
    identity image. Values are clipped to 0..255.
    """
    height, width = pixels.shape[-2:]
    if (height, width) == (INPUT_SIZE, INPUT_SIZE):
        return pixels
    rows = torch.from_numpy(_pillow_matrix(height)).to(pixels)
    columns = torch.from_numpy(_pillow_matrix(width)).to(pixels)
    return (rows @ pixels @ columns.T).clamp(0, 255)


@lru_cache(maxsize=4)
def _pillow_matrix(length: int) -> NDArray[np.float32]:
    """``float32[299, length]``: Pillow's bicubic resize of one axis."""
    identity = Image.fromarray(np.eye(length, dtype=np.float32), mode="F")
    matrix: NDArray[np.float32] = np.array(identity.resize((INPUT_SIZE, length), Image.Resampling.BICUBIC)).T
    return np.ascontiguousarray(matrix)
