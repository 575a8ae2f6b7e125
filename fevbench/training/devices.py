"""Processes, devices and precision of a training, by 🤗 accelerate, for methods with several networks.

Networks are not wrapped. A GAN's step goes through one network to train another, which the wrappers for
several processes do not allow; its gradients are averaged here instead, in one message per optimiser step.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from fevbench.errors import FevbenchError, MissingPackage
from fevbench.training.sampling import BatchShare

if TYPE_CHECKING:
    from accelerate import Accelerator

Precision = Literal["auto", "fp32", "bf16"]
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Parameters of glibc's ``mallopt``, from its ``malloc.h``."""
KEPT_BYTES, TOP_BYTES = 2**31 - 1, 2**28
"""Free memory at the end of the heap that is kept, and how much the heap grows by."""


def open_accelerator(device: str, precision: Precision) -> Accelerator:
    """Join the processes that ``accelerate launch`` started, or be the only one.

    accelerate chooses the GPU. Precision ``auto`` is bf16 if the GPU or the CPU multiplies it, or fp32.

    Raises:
        MissingPackage: accelerate is not installed.
        FevbenchError: There is no GPU, or it does not support bf16.
    """
    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
    except ModuleNotFoundError as error:
        raise MissingPackage("training", "accelerate", "train") from error
    if device not in ("auto", "cpu", "cuda"):
        raise FevbenchError(f"{device!r} is not a device to train on", "use auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise FevbenchError("device 'cuda' is not available here", "use --device cpu")
    on_gpu = device != "cpu" and torch.cuda.is_available()
    if precision == "auto":
        found = torch.cpu.get_capabilities()
        on_cpu = any(found.get(name, False) for name in ("amx_bf16", "avx512_bf16"))
        fast = torch.cuda.is_bf16_supported() if on_gpu else on_cpu
        precision = "bf16" if fast else "fp32"
    if not on_gpu:
        keep_freed_memory()
    AcceleratorState._reset_state()  # another training in this process may have had another precision
    return Accelerator(cpu=not on_gpu, mixed_precision="bf16" if precision == "bf16" else "no")


def keep_freed_memory() -> None:
    """Let this process keep the memory of freed tensors for the next ones, where the C library is glibc.

    glibc otherwise returns every large block to the system, which clears each page before it is used again.
    That is 10 to 20 % of a training step on a CPU; the process needs up to a third more memory.
    See mallopt(3).
    """
    if sys.platform != "linux" or not hasattr(libc := ctypes.CDLL(None), "mallopt"):
        return  # musl, for example
    for parameter, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, KEPT_BYTES), (M_TOP_PAD, TOP_BYTES)):
        libc.mallopt(parameter, value)


def share_of(accelerator: Accelerator, batch_size: int) -> BatchShare:
    """This process's part of each batch.

    Raises:
        FevbenchError: The batch cannot be divided equally.
    """
    count = accelerator.num_processes
    if batch_size % count:
        raise FevbenchError(
            f"a batch of {batch_size} clips cannot be divided among {count} processes",
            f"use --set batch_size={-(-batch_size // count) * count}",
        )
    return BatchShare(accelerator.process_index, count)


class Updates:
    """Carries out a method's updates.

    Attributes:
        held: The optimisers whose updates are left out.
    """

    def __init__(self, accelerator: Accelerator, optimisers: Mapping[str, torch.optim.Optimizer]) -> None:
        self._accelerator = accelerator
        self._optimisers = optimisers
        self.held: frozenset[str] = frozenset()

    def __call__(self, name: str, loss: Tensor) -> None:
        """One step of the optimiser ``name`` on ``loss``, averaged over processes."""
        if name in self.held:
            return
        optimiser = self._optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self._accelerator.device.type, enabled=False):
            self._accelerator.backward(loss)
        if self._accelerator.num_processes > 1:
            parameters = [p for group in optimiser.param_groups for p in group["params"]]
            gradients = [p.grad for p in parameters if p.grad is not None]
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            mean = self._accelerator.reduce(flat, "mean")
            for gradient, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
                gradient.copy_(part.view_as(gradient))
        optimiser.step()


def mean_losses(accelerator: Accelerator, losses: Mapping[str, Tensor]) -> dict[str, float]:
    """Losses averaged over processes, as numbers."""
    values = torch.stack([loss.detach().float() for loss in losses.values()])
    if accelerator.num_processes > 1:
        values = accelerator.reduce(values, "mean")
    return dict(zip(losses, values.tolist(), strict=True))
