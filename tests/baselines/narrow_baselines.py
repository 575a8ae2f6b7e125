"""Every baseline with narrow networks, for training on the moving squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from baselines.g3an.model import G3AN
from baselines.g3an.step import TRAINABLE as G3AN_METHOD
from baselines.generated import Generated
from baselines.imaginator.model import ImaGINator
from baselines.imaginator.step import TRAINABLE as IMAGINATOR_METHOD
from baselines.mocogan.model import MoCoGAN, MoCoGANI2V
from baselines.mocogan.step import IMAGE_TO_VIDEO
from baselines.mocogan.step import TRAINABLE as MOCOGAN_METHOD
from baselines.task import Method
from baselines.tgan.model import TGAN
from baselines.tgan.step import TRAINABLE as TGAN_METHOD
from baselines.vgan.model import VGAN
from baselines.vgan.step import TRAINABLE as VGAN_METHOD
from fevbench.training.task import trainables

METHODS: Mapping[str, Method] = {
    "imaginator": IMAGINATOR_METHOD,
    "g3an": G3AN_METHOD,
    "mocogan": MOCOGAN_METHOD,
    "mocogan-i2v": IMAGE_TO_VIDEO,
    "vgan": VGAN_METHOD,
    "tgan": TGAN_METHOD,
}
MODELS: Mapping[str, type[Generated]] = {
    "imaginator": ImaGINator,
    "g3an": G3AN,
    "mocogan": MoCoGAN,
    "mocogan-i2v": MoCoGANI2V,
    "vgan": VGAN,
    "tgan": TGAN,
}

FOUR = (4, 4, 8, 8)
NARROW: Mapping[str, Mapping[str, Any]] = {
    "imaginator": {
        "widths": (8, 8, 8, 8), "time_widths": (16, 16, 16, 8, 4), "noise": 4, "code": 4,
        "image_widths": FOUR, "video_widths": FOUR,
    },
    "g3an": {
        "widths": (8, 8, 8, 8, 8), "encoder_widths": FOUR, "appearance": 4, "motion": 4, "code": 8,
        "image_widths": FOUR, "video_widths": FOUR,
    },
    "mocogan": {"widths": (16, 8, 8, 8), "content": 8, "image_widths": (4, 4, 8), "video_widths": FOUR},
    "mocogan-i2v": {
        "widths": (16, 8, 8, 8), "content": 8, "image_widths": (4, 4, 8), "video_widths": FOUR,
        "encoder_widths": FOUR,
    },
    "vgan": {"widths": (16, 8, 8, 8), "video_widths": FOUR},
    "tgan": {
        "widths": (8, 8, 8, 8), "temporal_widths": (8, 8, 8, 8), "encoder_widths": FOUR, "video_widths": FOUR,
        "slow": 8, "fast": 8, "code": 8,
    },
}  # fmt: skip
"""Changes of the first configuration, by method."""


def config(name: str, **changes: Any) -> Any:
    """A method's narrow configuration; a learning rate at which few steps tell."""
    default: Any = next(iter(METHODS[name].configs.values()))
    fixed = {"flip": False, "ema_decay": 0.0, "batch_size": 4, "learning_rate": 2e-3}
    return replace(default, **{**fixed, **NARROW[name], **changes})


def register() -> None:
    """Let every baseline be the narrow one."""
    for name, method in METHODS.items():
        trainables._targets[name] = replace(method, configs={"narrow": config(name)})
