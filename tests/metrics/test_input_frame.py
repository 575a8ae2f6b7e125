"""Frame 0 is the model's input: a model that copies it is no better, and one that paints it no worse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_clips import DIM, T, world
from pixel_features import pixel_rows

from fevbench.data.clip import Clip
from fevbench.data.protocol import protocols
from fevbench.engine.score import ClipSet, score
from fevbench.extractors.base import extractors
from fevbench.metrics.catalog import Metric, metrics
from fevbench.metrics.metric import NO_INPUT

ALL = [metrics.get(name) for name in metrics]
OF_FRAMES = [metric for metric in ALL if metric.sampling.first_frame]
WHOLE = [metrics.get(name) for name in ("motion", "tlpips", "warping-error", "intensity-corr", "mesh-jitter")]
SHARES = ("csim-min", "rank-1", "rank-1-r50", "face-rate", "mesh-rate")
"""Shares and an extreme, which one other frame need not move."""


def rewritten(features: np.ndarray, of_pairs: bool) -> np.ndarray:
    """Something else in frame 0; of each pair of clips, where rows are of several."""
    changed = features.copy().reshape(-1, T if of_pairs else len(features), features.shape[1])
    changed[:, 0] = changed[:, 1] * np.float32(0.5)
    return changed.reshape(features.shape)


def value(metric: Metric, change: bool) -> float:
    clips = world(metric, damage=0.3)
    if change:
        unit = extractors.get(metric.computation.extractor).unit
        clips = clips.with_features(lambda rows: rewritten(rows, unit == "noise pair"))
        pixels = [np.concatenate([255 - made[:1], made[1:]]) for made in clips.made["pixels"]]
        clips = replace(clips, made={**clips.made, "pixels": pixels})
    return clips.value()


@pytest.mark.parametrize("metric", OF_FRAMES, ids=lambda metric: metric.name)
def test_what_a_model_shows_in_frame_0_changes_no_metric_of_frames(metric: Metric) -> None:
    assert value(metric, change=True) == value(metric, change=False)
    before = metric.for_protocol(protocols.get("64x16@1"))
    if metric.name not in SHARES:
        assert value(before, change=True) != value(before, change=False)


@pytest.mark.parametrize("metric", WHOLE, ids=lambda metric: metric.name)
def test_metrics_of_motion_see_the_step_from_frame_0(metric: Metric) -> None:
    assert value(metric, change=True) != value(metric, change=False)


def test_ids_say_it() -> None:
    """A protocol that scores frame 0 has the ids of before; no id is of two definitions."""
    for metric in ALL:
        stem, _, version = metric.id.partition("@")
        assert stem.endswith(NO_INPUT) == bool(metric.sampling.first_frame)
        for name in protocols:
            assert metric.for_protocol(protocols.get(name)) == metric
        before = metric.for_protocol(protocols.get("128x32@1"))
        assert (before.id, before.sampling.first_frame) == (f"{stem.removesuffix(NO_INPUT)}@{version}", 0)
    assert metrics.get("psnr").for_protocol(protocols.get("64x16@1")).id == "psnr-framemean-cap100@1"


def test_the_input_face_is_still_frame_0_of_the_true_clip() -> None:
    """Faces that are the input's in frame 0 alone: csim compares to it, and does not count it."""
    clips = world(metrics.get("csim"))
    input_face, other = np.eye(2, DIM, dtype=np.float32)
    faces = np.stack([input_face, *[other] * (T - 1)])
    clips = clips.with_features(lambda _: faces).with_features(lambda _: faces, of_true=True)
    assert clips.value() == 0
    assert replace(clips, metric=clips.metric.for_protocol(protocols.get("64x16@1"))).value() == 1 / T


def test_a_model_that_copies_the_input_gets_no_100_db_for_it() -> None:
    """16 frames 20 dB from the truth, of which the first is exact: 20 dB, and 25 under version 1."""
    true = np.full((16, 8, 8, 3), 100, np.uint8)
    made = true.copy()
    made[1:] += 25  # 10 log10(255^2 / 625) = 20.17 dB
    of_made, of_true = (
        ClipSet(("joy",), 16, {"squared-error": {"a": pixel_rows("squared-error", clip, true)}})
        for clip in (made, true)
    )
    psnr = metrics.get("psnr")
    wanted = Clip("a", "ann", "joy", "test", Path("a"))
    assert score(psnr, [wanted], of_made, of_true).value == pytest.approx(20.17, abs=0.01)
    before = score(psnr.for_protocol(protocols.get("64x16@1")), [wanted], of_made, of_true)
    assert before.value == pytest.approx((15 * 20.17 + 100) / 16, abs=0.01)
    assert before.id == "psnr-framemean-cap100@1"
