"""What the configurations of all baselines have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fevbench.data.protocol import protocols
from fevbench.training.config import DECAY, TrainingConfig, choice

SIZE = 64
"""Height and width of a frame, pixels: the papers' layers end there."""
STEP = 16
"""Clips are a multiple of this long: the papers' layers double time four times at most."""

SMALL_BATCHES: Mapping[str, Any] = {"batch_size": 4, "ema_decay": 0.0, "colour": 0.1}
"""How the generators of version 0.1 were trained, for 14,000 clips."""
AS_PUBLISHED: Mapping[str, Any] = {"ema_decay": 0.0, "flip": False}
"""What no paper of the baselines has."""


@dataclass(frozen=True)
class BaselineConfig(TrainingConfig):
    """A baseline's configuration; each method adds its own fields.

    Raises:
        ValueError: The protocol asks for frames that the papers' layers do not make.
    """

    batch_size: int = choice(16, "ours", "the same for every method; batch norms of 4 clips cost 2.5 dB")
    ema_decay: float = choice(
        0.999, "ours", "the same for every method: an average of the weights is shipped", DECAY
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        how = protocols.get(self.protocol)
        if how.size != SIZE or how.frames % STEP:
            raise ValueError(
                f"protocol {self.protocol}: the paper's layers make {SIZE} px, and multiples of {STEP} frames"
            )

    @property
    def size(self) -> int:
        """Height and width of a frame."""
        return protocols.get(self.protocol).size

    @property
    def frames(self) -> int:
        """Frames of a clip."""
        return protocols.get(self.protocol).frames


def same_length(**widths: tuple[tuple[int, ...], int]) -> None:
    """See that tuples of widths are as long as the paper's tables.

    Args:
        widths: Field name to its value and to how many there must be.

    Raises:
        ValueError: One is not.
    """
    for name, (given, wanted) in widths.items():
        if len(given) != wanted:
            raise ValueError(f"{name} needs {wanted} widths, not {len(given)}")
