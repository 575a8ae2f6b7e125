"""What a model may return, what becomes of it, and whether its networks were left in training mode."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from fevbench.data.tensors import to_pixels
from fevbench.errors import ModelError
from fevbench.models.built import networks
from fevbench.models.plugin_environment import failed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fevbench.data.clip import Frames

LARGEST = 1.5
"""A model's output beyond this is not a rounding error of [-1, 1] but another range."""
TRAINS_OTHERWISE = (
    "Dropout", "BatchNorm", "InstanceNorm", "DropPath", "StochasticDepth", "RReLU", "SpectralNorm",
)  # fmt: skip
"""What is in the names of modules that do another thing in training, such as to look at the batch alone."""
ROUNDING = 1
"""Levels of 255 by which the same clip may differ where another way of computing is chosen."""
KINDS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def read_output(
    name: str, clip: str, video: Any, frames: int, size: int
) -> tuple[Frames, NDArray[np.float32]]:
    """Check what a model returned for one clip, and turn it into pixels.

    Args:
        name: The model.
        clip: The clip's id.
        video: ``float[1, T, 3, H, W]`` in [-1, 1]: a torch tensor or a NumPy array.
        frames: T.
        size: H and W.

    Returns:
        ``uint8[T, H, W, 3]``, and the values themselves, ``float32[T, H, W, 3]``.

    Raises:
        ModelError: It is something else, holds no numbers, or numbers of another range.
    """
    try:
        return _read(name, clip, video, (1, frames, 3, size, size))
    except ModelError:
        raise
    except Exception as error:  # tensors of other kinds can be asked for nothing
        kind = type(video).__name__
        raise failed(name, f"returned a {kind} that cannot be read for clip {clip}", error) from error


def _read(name: str, clip: str, video: Any, wanted: tuple[int, ...]) -> tuple[Frames, NDArray[np.float32]]:
    tensor = _tensor(name, clip, video)
    if tuple(tensor.shape) != wanted:
        raise ModelError(
            f"model {name} returned shape {tuple(tensor.shape)} for clip {clip}, expected {wanted}",
            "return [B, T, 3, H, W] with ModelSpec.frames and ModelSpec.size",
        )
    if not bool(torch.isfinite(tensor).all()):
        raise ModelError(f"model {name} returned NaN or infinity for clip {clip}", "check its weights")
    peak = float(tensor.abs().max())
    if peak > LARGEST:
        raise ModelError(
            f"model {name} returned values up to {peak:.3g} for clip {clip}", "return values in [-1, 1]"
        )
    values = tensor[0].detach().to(torch.float32).cpu().movedim(1, -1).numpy()
    return to_pixels(tensor[0]), values


def _tensor(name: str, clip: str, video: Any) -> torch.Tensor:
    """The output as a dense tensor of floating-point numbers."""
    if isinstance(video, np.ma.MaskedArray):
        raise ModelError(f"model {name} returned a masked array for clip {clip}", "return all values")
    if isinstance(video, np.ndarray) and video.dtype.kind == "f":
        kind = video.dtype.newbyteorder("=") if video.dtype.itemsize <= 8 else np.dtype(np.float64)
        return torch.from_numpy(np.array(video, kind, order="C", subok=False))
    if not isinstance(video, torch.Tensor) or not video.is_floating_point():
        kind = getattr(video, "dtype", type(video).__name__)
        raise ModelError(
            f"model {name} returned {kind} for clip {clip}", "return a float tensor or NumPy array"
        )
    special = [
        word
        for word, found in (
            ("nested", video.is_nested),
            (f"sparse ({video.layout})", video.layout != torch.strided),
            ("meta", video.is_meta),
            (str(video.dtype), video.dtype not in KINDS),
        )
        if found
    ]
    if special:
        raise ModelError(
            f"model {name} returned a tensor for clip {clip} that is {special[0]}",
            "return a dense tensor of float16, bfloat16, float32 or float64",
        )
    return video


def in_training(holders: list[object]) -> list[nn.Module]:
    """The modules in training mode of all networks that objects hold."""
    found = {id(one): one for network in networks(holders) for one in network.modules() if one.training}
    return list(found.values())


def train_otherwise(modules: Sequence[nn.Module]) -> list[nn.Module]:
    """Those that are known to do another thing in training."""
    return [one for one in modules if any(name in type(one).__name__ for name in TRAINS_OTHERWISE)]


@contextlib.contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Put modules into evaluation mode while the block runs."""
    for one in modules:
        one.training = False
    try:
        yield
    finally:
        for one in modules:
            one.training = True


def differ(first: Frames, second: Frames) -> bool:
    """Whether two clips differ by more than rounding."""
    return int(np.abs(first.astype(np.int16) - second.astype(np.int16)).max()) > ROUNDING
