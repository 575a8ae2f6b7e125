"""lightness: the mean brightness of each of 8 x 8 fields of a frame; and a metric that compares it."""

import numpy as np

from fevbench.extractors.base import Extractor
from fevbench.metrics.measurement import Measurement
from fevbench.metrics.metric import LOWER, Computation, Definition, Metric, Sampling

FIELDS = 8


def load(device, weights):
    """The network: ``uint8[N, H, W, 3]`` to ``float32[N, 64]``."""

    def lightness(batch):
        grey = batch.mean(axis=3, dtype=np.float32) / 255
        rows = np.stack([band.mean(1) for band in np.array_split(grey, FIELDS, axis=1)], axis=1)
        fields = np.stack([band.mean(2) for band in np.array_split(rows, FIELDS, axis=2)], axis=2)
        return fields.reshape(len(batch), FIELDS**2)

    return lightness


def lightness_error(clip):
    return Measurement(float(np.abs(clip.generated - clip.true).mean()))


LIGHTNESS = Extractor(
    "lightness", "frame", FIELDS**2, (), "mean of the channels", ("numpy",), f"{__name__}:load"
)
LIGHTNESS_ERROR = Metric(
    "lightness-error",
    Definition("lightnesserr-8x8-noinput@1", "as bright as the true clip, field by field", "pixels", LOWER,
               (0, 1), "this file", decimals=4),
    Sampling(first_frame=1),
    Computation(f"{__name__}:lightness_error", "lightness"),
)  # fmt: skip
