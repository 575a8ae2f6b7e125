"""Checkpoints: everything a training is, in one file that is replaced as a whole.

Random numbers and the position in the data are functions of the seed and the step (see `sampling`), so the
step stands for both.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from fevbench.atomic import replacing
from fevbench.training.guard import TrainingError

if TYPE_CHECKING:
    from fevbench.training.ema import Average
    from fevbench.training.task import Task

FORMAT = 1
CHECKPOINT_FILE = "checkpoint.pt"


@dataclass(frozen=True)
class Position:
    """How far a training is.

    Attributes:
        step: Steps done.
        seconds: Time spent on them, over all sessions.
    """

    step: int = 0
    seconds: float = 0.0


def save(path: Path, position: Position, task: Task, average: Average) -> None:
    """Write a checkpoint; a kill leaves the one before."""
    content = {
        "format": FORMAT,
        "step": position.step,
        "seconds": position.seconds,
        "networks": {name: network.state_dict() for name, network in task.networks.items()},
        "average": average.network.state_dict(),
        "optimisers": {name: optimiser.state_dict() for name, optimiser in task.optimisers.items()},
    }
    # Written whole, not piece by piece by torch, whose errors hide that the disk is full.
    whole = io.BytesIO()
    torch.save(content, whole)
    with replacing(path) as part:
        part.write_bytes(whole.getbuffer())


def load(path: Path, task: Task, average: Average, device: torch.device) -> Position:
    """Bring networks, average and optimisers to where a checkpoint is.

    Raises:
        TrainingError: The file is no checkpoint, or one of another model.
    """
    try:
        _check_whole(path)
        # weights_only: a checkpoint from someone else must not run code.
        content: Mapping[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, this fevbench reads {FORMAT}")
        for name, network in task.networks.items():
            network.load_state_dict(content["networks"][name])
        average.network.load_state_dict(content["average"])
        for name, optimiser in task.optimisers.items():
            optimiser.load_state_dict(content["optimisers"][name])
        return Position(int(content["step"]), float(content["seconds"]))
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds on a broken file
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise TrainingError(f"{path} cannot be continued ({reason})", "choose another --out") from error


def _check_whole(path: Path) -> None:
    """See that a checkpoint's parts are what was written; torch itself does not look.

    Raises:
        ValueError: One is not.
        zipfile.BadZipFile: It is no checkpoint.
    """
    with zipfile.ZipFile(path) as parts:
        damaged = parts.testzip()
    if damaged is not None:
        raise ValueError(f"damaged: the checksum of {damaged} is another")
