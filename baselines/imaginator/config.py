"""ImaGINator's configurations: the paper's, and one that trains on two cores of a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from baselines.config import AS_PUBLISHED, SMALL_BATCHES, STEP, BaselineConfig, same_length
from fevbench.training.config import DECAY, RATE, choice


@dataclass(frozen=True)
class Config(BaselineConfig):
    """ImaGINator's configuration; the defaults are those of ``fevsynth-64x16``.

    Raises:
        ValueError: Fields contradict each other.
    """

    noise: int = choice(512, "published", "numbers in z")
    code: int = choice(100, "published", "numbers of the appearance code")
    widths: tuple[int, ...] = choice(
        (128, 64, 32, 16), "ours", "of the decoder's blocks and, backwards, of the encoder; a quarter"
    )
    time_widths: tuple[int, ...] = choice(
        (512, 384, 192, 96, 36), "ours", "between time and space in each block, the last one's included"
    )
    image_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the image discriminator; a quarter")
    video_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the video discriminator; a quarter")
    reconstruction_weight: float = choice(100.0, "published", "of L1 between the made clip and the true one")
    learning_rate: float = choice(2e-4, "published", "of all three networks, Adam", RATE)
    beta1: float = choice(0.5, "published", "of Adam, with 0.999", DECAY)

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(
            widths=(self.widths, 4),
            time_widths=(self.time_widths, 5),
            image_widths=(self.image_widths, 4),
            video_widths=(self.video_widths, 4),
        )

    @property
    def first_frames(self) -> int:
        """Frames of the decoder's first map: 2 in the paper, which makes 32."""
        return self.frames // STEP


PRESETS: Mapping[str, Config] = {
    "fevsynth-64x16": Config(),
    "small-batches": replace(Config(), **SMALL_BATCHES),
    "published": replace(
        Config(),
        protocol="64x32",
        batch_size=64,
        **AS_PUBLISHED,
        widths=(512, 256, 128, 64),
        time_widths=(4096, 3072, 1536, 768, 36),
        image_widths=(64, 128, 256, 512),
        video_widths=(64, 128, 256, 512),
    ),
}
"""Configurations by name; the first is the default."""
