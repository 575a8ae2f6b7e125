"""Stopping a training: at NaN or infinity, and when the discriminator has won."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import nn

from fevbench.errors import FevbenchError

WINDOW = 200
"""Steps over which a loss must stay below its floor."""


class TrainingError(FevbenchError):
    """A training that cannot be started, continued, or trusted."""


class Guard:
    """Watches losses and weights.

    ``floors`` is a loss's name to its floor, and to the meaning of staying below it.
    """

    def __init__(self, floors: Mapping[str, tuple[float, str]], checkpoint: Path) -> None:
        self._floors = floors
        self._checkpoint = checkpoint
        self._recent = {name: deque[float](maxlen=WINDOW) for name in floors}

    def losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Check a step's losses.

        Raises:
            TrainingError: One is NaN or infinite, or has stayed below its floor.
        """
        for name, value in losses.items():
            if not math.isfinite(value):
                raise self._stop(f"loss {name} is {value} at step {step}", "with a lower learning rate")
        for name, (floor, meaning) in self._floors.items():
            recent = self._recent[name]
            recent.append(losses[name])
            mean = sum(recent) / len(recent)
            if len(recent) == WINDOW and mean < floor:
                what = f"{meaning}: {name} was {mean:.2g} over the last {WINDOW} steps, at step {step}"
                raise self._stop(what, "with other learning rates or weights")

    def weights(self, step: int, networks: Iterable[tuple[str, nn.Module]]) -> None:
        """Check the weights before they are saved.

        Raises:
            TrainingError: One is NaN or infinite.
        """
        for name, network in networks:
            if not all(bool(torch.isfinite(p).all()) for p in network.parameters()):
                raise self._stop(f"the {name} holds NaN at step {step}", "with a lower learning rate")

    def _stop(self, what: str, how: str) -> TrainingError:
        good = (
            f"{self._checkpoint} is the last good one" if self._checkpoint.exists() else "none was kept yet"
        )
        return TrainingError(f"training stopped: {what} (checkpoint: {good})", f"train again {how} (--set)")
