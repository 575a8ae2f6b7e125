"""Tools for networks of other packages: reading checkpoints, TensorFlow's conventions, exact inference."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from fevbench.errors import FevbenchError, WeightsError
from fevbench.global_state import fixed_global_state

BROKEN = (pickle.UnpicklingError, EOFError, KeyError, TypeError, RuntimeError)
"""Exceptions raised when a JAX checkpoint has unexpected content."""


def read_tree(path: Path) -> Mapping[str, Any]:
    """The dictionary of arrays that a JAX package pickled; no code in the file is run.

    Raises:
        pickle.UnpicklingError: It holds other things than arrays.
        EOFError: It ends too early.
        TypeError: It is not a dictionary.
    """
    tree = _ArraysOnly(io.BytesIO(path.read_bytes())).load()
    if not isinstance(tree, Mapping):
        raise TypeError("it is not a dictionary")
    return tree


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Every array with its path: ``("Conv_0/kernel", …)``."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


@contextmanager
def checkpoint_of(
    what: str, path: Path, errors: tuple[type[Exception], ...] = BROKEN, from_user: bool = False
) -> Iterator[None]:
    """Turn errors of the block, which reads a checkpoint, into one that says it has unexpected content.

    ``what`` is what it should hold. With ``from_user``, the user downloaded it, because no package index
    carries it.

    Raises:
        WeightsError: One of ``errors`` was raised.
    """
    try:
        yield
    except FevbenchError:  # it already says what is wrong
        raise
    except errors as error:
        reason, fix = str(error).partition("\n")[0], "delete it and pull it again"
        if from_user:
            reason = " ".join(str(error).split())[:200]
            fix = f"delete it and {path.name}.sha256, and get it again"
        raise WeightsError(f"{path} does not hold {what} ({reason})", fix) from error


def same_padding(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int]) -> list[int]:
    """TensorFlow's SAME padding, which is asymmetric, in the order of `torch.nn.functional.pad`.

    The last ``len(kernel)`` dimensions of ``size`` are padded.
    """
    pads: list[int] = []
    lengths = size[-len(kernel) :]
    for length, k, s in zip(reversed(lengths), reversed(kernel), reversed(stride), strict=True):
        total = max((-(-length // s) - 1) * s + k - length, 0)
        pads += [total // 2, total - total // 2]
    return pads


def to_kernel(array: NDArray[np.float32], depthwise: bool = False) -> torch.Tensor:
    """A TensorFlow kernel ``[..., in, out]`` in PyTorch's order of dimensions, ``[out, in, ...]``.

    A depthwise one ``[..., channels, 1]`` becomes ``[channels, 1, ...]``.
    """
    channels = (-2, -1) if depthwise else (-1, -2)
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, channels, (0, 1)), np.float32))


def resize_bilinear(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """TensorFlow 1's `tf.image.resize_bilinear` with default arguments: its grid starts at the corner.

    Target pixel i of ``size`` samples source position i * n / size, without half-pixel centres and without
    aligned corners; positions beyond the last pixel take the last pixel.
    """
    for dim in (-2, -1):
        length = pixels.shape[dim]
        source = torch.arange(size, device=pixels.device, dtype=torch.float32) * (length / size)
        low = source.floor().long().clamp(max=length - 1)
        part = (source - low).view(-1, 1) if dim == -2 else source - low
        first = pixels.index_select(dim, low)
        pixels = first + (pixels.index_select(dim, (low + 1).clamp(max=length - 1)) - first) * part
    return pixels


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold each ``.bn`` of a block into the same block's ``.conv``, in place, of a network in eval mode."""
    for block in list(network.modules()):
        conv, bn = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(conv, nn.Conv2d | nn.Conv3d) and isinstance(bn, nn.BatchNorm2d | nn.BatchNorm3d):
            block.conv = fuse_conv_bn_eval(conv, bn)
            block.bn = nn.Identity()
    return network


@contextmanager
def exact_inference() -> Iterator[None]:
    """Run in the global state in which features are defined, without gradients.

    Without it, GPUs round convolutions to 10 bits of mantissa, which changes a Fréchet distance in its fourth
    digit, and may choose other algorithms in the next run; a model's code may have changed more.
    """
    with fixed_global_state(), torch.inference_mode():
        yield


class _ArraysOnly(pickle.Unpickler):
    """Loads NumPy arrays and containers; anything else in the pickle is refused, never run."""

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("numpy") and name in {"_reconstruct", "ndarray", "dtype", "_frombuffer"}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")
