"""MoCoGAN's configurations, and those of its variant whose content is the input's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from baselines.config import AS_PUBLISHED, SMALL_BATCHES, BaselineConfig, same_length
from fevbench.training.config import DECAY, PART, RATE, choice


@dataclass(frozen=True)
class Config(BaselineConfig):
    """MoCoGAN's configuration; the defaults are those of ``fevsynth-64x16``.

    Raises:
        ValueError: Fields contradict each other.
    """

    content: int = choice(50, "published", "numbers of the content code, the same in all frames")
    motion: int = choice(10, "published", "numbers of each frame's motion code, the GRU's state")
    widths: tuple[int, ...] = choice((256, 128, 64, 32), "ours", "of the frame generator; a half")
    image_widths: tuple[int, ...] = choice((32, 64, 128), "ours", "of the image discriminator; a half")
    video_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the video discriminator; a quarter")
    critic_noise: float = choice(
        0.1,
        "relative",
        "of noise before each layer of the discriminators; optional in the paper, users' choice for MUG",
        PART,
    )
    infogan: bool = choice(
        True, "published", "the generator, too, minimises the cross-entropy of its clips' label"
    )
    learning_rate: float = choice(2e-4, "published", "of all three networks, Adam", RATE)
    beta1: float = choice(0.5, "published", "of Adam, with 0.999", DECAY)
    weight_decay: float = choice(1e-5, "published", "of Adam", PART)

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(
            widths=(self.widths, 4), image_widths=(self.image_widths, 3), video_widths=(self.video_widths, 4)
        )


@dataclass(frozen=True)
class ImageToVideoConfig(Config):
    """The configuration of the variant whose content code is the input's.

    Raises:
        ValueError: Fields contradict each other.
    """

    encoder_widths: tuple[int, ...] = choice(
        (16, 32, 64, 128), "ours", "of the encoder of the input, ImaGINator's"
    )
    first_frame_weight: float = choice(
        10.0, "ours", "of L1 between the first frame and the input, as in image-conditional VGAN"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(encoder_widths=(self.encoder_widths, 4))


_PUBLISHED: dict[str, Any] = {
    "batch_size": 32,
    **AS_PUBLISHED,
    "widths": (512, 256, 128, 64),
    "image_widths": (64, 128, 256),
    "video_widths": (64, 128, 256, 512),
}

PRESETS: Mapping[str, Config] = {
    "fevsynth-64x16": Config(),
    "small-batches": replace(Config(), **SMALL_BATCHES),
    "published": replace(Config(), **_PUBLISHED),
}
"""MoCoGAN's configurations by name; the first is the default."""
IMAGE_TO_VIDEO_PRESETS: Mapping[str, ImageToVideoConfig] = {
    "fevsynth-64x16": ImageToVideoConfig(),
    "small-batches": replace(ImageToVideoConfig(), **SMALL_BATCHES),
    "published": replace(ImageToVideoConfig(), **_PUBLISHED, encoder_widths=(64, 128, 256, 512)),
}
"""The variant's configurations by name."""
