"""What the configurations of all baselines have in common."""

from __future__ import annotations

from dataclasses import dataclass

from fevbench.data.protocol import protocols
from fevbench.training.config import TrainingConfig, choice

SIZE = 64
"""Height and width of a frame, pixels: the papers' layers end there."""
STEP = 16
"""Clips are a multiple of this long: the papers' layers double time four times at most."""


@dataclass(frozen=True)
class BaselineConfig(TrainingConfig):
    """A baseline's configuration; each method adds its own fields.

    Raises:
        ValueError: The protocol asks for frames that the papers' layers do not make.
    """

    ema_decay: float = choice(
        0.0, "published", "no average: the last weights, as batch norm's statistics are theirs"
    )
    colour: float = choice(0.1, "ours", "random gain of each channel: 64 people have few complexions")

    def __post_init__(self) -> None:
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
