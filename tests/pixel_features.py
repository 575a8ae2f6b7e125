"""What the measures of pixels say of clips, without a cache."""

from __future__ import annotations

import numpy as np

from fevbench.engine.samples import HashedClip, samples
from fevbench.extractors.base import extractors
from fevbench.metrics.measurement import ClipView
from fevbench.registry import load_target


def pixel_rows(name: str, made: np.ndarray, true: np.ndarray) -> np.ndarray:
    """A row a sample of a made clip beside its true clip."""
    extractor = extractors.get(name)
    network = load_target(extractor.load)("cpu", {})
    found = samples(extractor.unit, HashedClip(made), HashedClip(true))
    rows: np.ndarray = network(np.stack([sample.pixels for sample in found]))
    assert rows.shape == (len(found), extractor.dim)
    assert rows.dtype == extractor.dtype
    return rows


def pixel_view(name: str, made: np.ndarray, true: np.ndarray) -> ClipView:
    """What a metric sees of both clips."""
    return ClipView(pixel_rows(name, made, true), pixel_rows(name, true, true), "", "", ())
