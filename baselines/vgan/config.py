"""VGAN's configurations: the paper's sizes, and one that trains on two cores of a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from baselines.config import AS_PUBLISHED, SMALL_BATCHES, STEP, BaselineConfig, same_length
from fevbench.training.config import DECAY, RATE, choice


@dataclass(frozen=True)
class Config(BaselineConfig):
    """VGAN's configuration, image-conditional; the defaults are those of ``fevsynth-64x16``.

    Raises:
        ValueError: Fields contradict each other.
    """

    widths: tuple[int, ...] = choice(
        (192, 96, 48, 24), "ours", "of both streams and, backwards, of the encoder; three sixteenths"
    )
    video_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the discriminator; an eighth")
    mask_weight: float = choice(0.1, "published", "of L1 of the mask: what is still is the background's")
    first_frame_weight: float = choice(10.0, "published", "of L1 between the first frame and the input")
    learning_rate: float = choice(2e-4, "published", "of both networks, Adam", RATE)
    beta1: float = choice(0.5, "published", "of Adam, with 0.999", DECAY)

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(widths=(self.widths, 4), video_widths=(self.video_widths, 4))

    @property
    def first_frames(self) -> int:
        """Frames of the foreground's first map: 2 in the paper, which makes 32."""
        return self.frames // STEP


PRESETS: Mapping[str, Config] = {
    "fevsynth-64x16": Config(),
    "small-batches": replace(Config(), **SMALL_BATCHES),
    "published": replace(
        Config(),
        protocol="64x32",
        batch_size=32,
        **AS_PUBLISHED,
        widths=(1024, 512, 256, 128),
        video_widths=(128, 256, 512, 1024),
    ),
}
"""Configurations by name; the first is the default."""
