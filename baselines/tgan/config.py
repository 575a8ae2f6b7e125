"""TGAN's configurations: the paper's sizes, and one that trains on two cores of a CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from baselines.config import AS_PUBLISHED, SMALL_BATCHES, STEP, BaselineConfig, same_length
from fevbench.training.config import NONE_OR_MORE, RATE, choice


@dataclass(frozen=True)
class Config(BaselineConfig):
    """TGAN's configuration; the defaults are those of ``fevsynth-64x16``.

    Raises:
        ValueError: Fields contradict each other.
    """

    slow: int = choice(100, "published", "numbers in z_slow, the same in all frames")
    fast: int = choice(100, "published", "numbers of each frame's z_fast, which the temporal generator makes")
    prior: Literal["uniform", "normal"] = choice("uniform", "unverified", "of z_slow: in [-1, 1], or N(0, I)")
    encoder_widths: tuple[int, ...] = choice(
        (16, 32, 64, 128), "ours", "of the encoder of the input, ImaGINator's; the paper has none"
    )
    code: int = choice(
        100, "ours", "numbers of the input's code, as ImaGINator's; 0 is the paper's model", NONE_OR_MORE
    )
    temporal_widths: tuple[int, ...] = choice((256, 128, 64, 64), "ours", "of the temporal generator; a half")
    widths: tuple[int, ...] = choice((128, 64, 32, 16), "ours", "of the image generator; a half")
    video_widths: tuple[int, ...] = choice((16, 32, 64, 128), "ours", "of the critic; a quarter")
    shift: bool = choice(False, "published", "batch norm adds a learned shift; not in the paper's best model")
    first_frame_weight: float = choice(
        10.0, "ours", "of L1 between the first frame and the input, as in image-conditional VGAN"
    )
    clip_every: int = choice(5, "published", "steps from one clipping of singular values to the next")
    learning_rate: float = choice(
        5e-4,
        "ours",
        "of both networks, RMSprop; ten times the paper's, at which 600 steps taught the critic nothing",
        RATE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        same_length(
            encoder_widths=(self.encoder_widths, 4),
            temporal_widths=(self.temporal_widths, 4),
            widths=(self.widths, 4),
            video_widths=(self.video_widths, 4),
        )

    @property
    def first_frames(self) -> int:
        """Frames of the temporal generator's first map: 1 in the paper, which makes 16."""
        return self.frames // STEP


PRESETS: Mapping[str, Config] = {
    "fevsynth-64x16": Config(),
    "small-batches": replace(Config(), **SMALL_BATCHES),
    "published": replace(
        Config(),
        batch_size=32,
        learning_rate=5e-5,
        **AS_PUBLISHED,
        encoder_widths=(64, 128, 256, 512),
        temporal_widths=(512, 256, 128, 128),
        widths=(256, 128, 64, 32),
        video_widths=(64, 128, 256, 512),
    ),
}
"""Configurations by name; the first is the default."""
