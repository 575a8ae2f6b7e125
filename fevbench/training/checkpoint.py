"""The state of a training at a step: the averaged weights, and everything in one file, replaced atomically.

Random numbers and the position in the data are functions of the seed and the step (see `sampling`), so they
need not be stored.
"""

from __future__ import annotations

import copy
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fevbench.atomic import replacing
from fevbench.training.guard import TrainingError
from fevbench.training.task import Task

WARM_UP = 10
"""Steps after which the average is over more than a handful of steps."""
FORMAT = 1
CHECKPOINT_FILE = "checkpoint.pt"


class Average:
    """A copy of a network, in eval mode, whose weights follow the network's.

    At step n the average keeps ``min(decay, (1 + n) / (10 + n))`` of itself, so that it forgets the random
    start quickly; with a decay of 0 it is the network itself. Buffers are copied.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Follow the network after a step, counted from 1."""
        keep = min(self._decay, (1 + step) / (WARM_UP + step))
        for average, value in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(value, 1 - keep)
        for kept, buffer in zip(self.network.buffers(), network.buffers(), strict=True):
            kept.copy_(buffer)


@contextmanager
def standing_statistics(network: nn.Module, feed: Callable[[], object]) -> Iterator[None]:
    """For the block, batch norms use statistics of the network's own maps, as in BigGAN (Brock et al., 2019).

    The running statistics belong to the weights of the last steps, not to their average. They are restored
    afterwards.
    ``feed`` runs the network, which is in eval mode, on typical inputs; all its batches have equal weight.
    """
    norms = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    kept = [{name: buffer.clone() for name, buffer in norm.named_buffers()} for norm in norms]
    momenta = [norm.momentum for norm in norms]
    try:
        if norms:
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a plain mean over all batches
                norm.train()
            with torch.no_grad():
                feed()
            for norm in norms:
                norm.eval()
        yield
    finally:
        for norm, buffers, momentum in zip(norms, kept, momenta, strict=True):
            norm.eval()
            norm.momentum = momentum
            for name, buffer in norm.named_buffers():
                buffer.copy_(buffers[name])


@dataclass(frozen=True)
class TrainingState:
    """Progress of a training: finished steps, and seconds spent on them in all sessions."""

    step: int = 0
    seconds: float = 0.0


def save(path: Path, position: TrainingState, task: Task, average: Average) -> None:
    """Write a checkpoint; after a kill, the one before remains."""
    content = {
        "format": FORMAT,
        "step": position.step,
        "seconds": position.seconds,
        "networks": {name: network.state_dict() for name, network in task.networks.items()},
        "average": average.network.state_dict(),
        "optimisers": {name: optimiser.state_dict() for name, optimiser in task.optimisers.items()},
    }
    # Written at once, not piece by piece by torch, whose errors hide that the disk is full.
    whole = io.BytesIO()
    torch.save(content, whole)
    with replacing(path) as part:
        part.write_bytes(whole.getbuffer())


def load(path: Path, task: Task, average: Average, device: torch.device) -> TrainingState:
    """Load networks, average and optimisers from a checkpoint.

    Raises:
        TrainingError: The file is not a checkpoint, or one of another model.
    """
    with _reading(path, device, "choose another --out") as content:
        for name, network in task.networks.items():
            network.load_state_dict(content["networks"][name])
        average.network.load_state_dict(content["average"])
        for name, optimiser in task.optimisers.items():
            optimiser.load_state_dict(content["optimisers"][name])
        return TrainingState(int(content["step"]), float(content["seconds"]))


def other_networks(path: Path) -> dict[str, dict[str, Tensor]]:
    """The weights in a checkpoint of all networks but the generator, by name.

    Raises:
        TrainingError: The file is missing, or is not a checkpoint.
    """
    fix = "leave out --all-networks"
    if not path.is_file():
        raise TrainingError(f"{path} does not exist, which holds the discriminators", fix)
    with _reading(path, torch.device("cpu"), fix) as content:
        return {name: state for name, state in content["networks"].items() if name != "generator"}


@contextmanager
def _reading(path: Path, device: torch.device, fix: str) -> Iterator[Mapping[str, Any]]:
    """The content of a checkpoint, for a block that uses it; ``fix`` is what helps if it is damaged."""
    try:
        _check_whole(path)
        # weights_only: a checkpoint from someone else must not run code.
        content: Mapping[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, this fevbench reads {FORMAT}")
        yield content
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds on a broken file
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise TrainingError(f"{path} cannot be continued ({reason})", fix) from error


def _check_whole(path: Path) -> None:
    """Check the checksums of a checkpoint's parts, which torch ignores."""
    with zipfile.ZipFile(path) as parts:
        damaged = parts.testzip()
    if damaged is not None:
        raise ValueError(f"damaged: the checksum of {damaged} does not match")
