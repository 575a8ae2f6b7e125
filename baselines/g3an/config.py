"""G3AN's configurations: the paper's sizes, and one that trains on two cores of a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from baselines.config import AS_PUBLISHED, SMALL_BATCHES, BaselineConfig, same_length
from fevbench.training.config import DECAY, NONE_OR_MORE, RATE, choice


@dataclass(frozen=True)
class Config(BaselineConfig):
    """G3AN's configuration; the defaults are those of ``fevsynth-64x16``.

    Raises:
        ValueError: Fields contradict each other.
    """

    appearance: int = choice(128, "published", "numbers in z_a, which the spatial and video streams read")
    motion: int = choice(10, "published", "numbers in z_m, which the temporal and video streams read")
    encoder_widths: tuple[int, ...] = choice(
        (16, 32, 64, 128), "ours", "of the encoder of the input, ImaGINator's; the paper has none"
    )
    code: int = choice(
        100, "ours", "numbers of the input's code, as ImaGINator's; 0 is the paper's model", NONE_OR_MORE
    )
    widths: tuple[int, ...] = choice((128, 128, 64, 32, 16), "ours", "of the five G3 modules; a quarter")
    attention: bool = choice(
        False, "published", "factorised self-attention after module 4; off in the authors' release"
    )
    image_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the image discriminator; a quarter")
    video_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the video discriminator; a quarter")
    first_frame_weight: float = choice(
        10.0, "ours", "of L1 between the first frame and the input, as in image-conditional VGAN"
    )
    learning_rate: float = choice(2e-4, "published", "of all three networks, Adam", RATE)
    beta1: float = choice(0.5, "published", "of Adam, with 0.999", DECAY)

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(
            encoder_widths=(self.encoder_widths, 4),
            widths=(self.widths, 5),
            image_widths=(self.image_widths, 4),
            video_widths=(self.video_widths, 4),
        )


PRESETS: Mapping[str, Config] = {
    "fevsynth-64x16": Config(),
    "small-batches": replace(Config(), **SMALL_BATCHES),
    "attention": replace(Config(), attention=True),
    "published": replace(
        Config(),
        batch_size=96,
        **AS_PUBLISHED,
        encoder_widths=(64, 128, 256, 512),
        widths=(512, 512, 256, 128, 64),
        image_widths=(64, 128, 256, 512),
        video_widths=(64, 128, 256, 512),
    ),
}
"""Configurations by name; the first is the default."""
