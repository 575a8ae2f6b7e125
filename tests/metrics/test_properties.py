"""What every metric of the catalogue must be, whatever it measures: a new one is held to it, too.

That features do not depend on the batch is tested in `tests/engine/test_independence.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from made_up_clips import FACES, PEOPLE, SIZE, T, World, of_pixels, world

from fevbench.metrics.catalog import Metric, metrics
from fevbench.results.schema import MetricResult

ALL = [metrics.get(name) for name in metrics]
SEEDS = st.integers(0, 2**32 - 1)
A_FEW = settings(
    max_examples=settings().max_examples // 33,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
"""One world is as good as another, and a smaller seed is no simpler: there is nothing to shrink."""

NOT_AT_BEST = {
    "csim": "an expression changes a face",
    "csim-min": "an expression changes a face",
    "csim-r50": "an expression changes a face",
    "acd": "an expression changes a face",
    "acd-i": "an expression changes a face",
    "accuracy": "the judge errs",
    "macro-f1": "the judge errs",
    "accuracy-fer": "strangers err",
    "accuracy-face-api": "strangers err",
    "accuracy-hsemotion": "strangers err",
    "kid": "unbiased: its expectation is 0 for another sample, not for the same one",
    "kvd": "unbiased: its expectation is 0 for another sample, not for the same one",
    "fid-inf": "has no least value: the bias is extrapolated away",
    "fvd-inf": "has no least value: the bias is extrapolated away",
    "diversity": "has no largest value, and true clips have no other draws",
    "density": "has no largest value",
    "warping-error": "noise, and the flow's mistakes",
    "mesh-jitter": "does not look at the true clip",
    "brisque": "does not look at the true clip",
}
"""Metrics that are not at their best for true clips, and why."""
SYMMETRIC = (
    "fid", "kid", "fvd", "kvd", "psnr", "ssim", "ms-ssim", "tlpips", "motion",
    "expression-error", "pose-error",
)  # fmt: skip
"""Those that do not know which clip is the true one."""
SEE_DAMAGE = ("fid", "kid", "fvd", "kvd", "psnr", "ssim", "ms-ssim", "motion")
"""Those that must be worse at every step of the made-up damage; no other may become better."""
ON_AVERAGE = {"density": "counts neighbourhoods: a video that moves a little may enter one more"}
"""Those that may become better by a little damage in one sample in fifty, but not on average; and why."""
NEEDS_EVERYBODY = ("rank-1", "rank-1-r50")
"""Metrics of clips whose value depends on who else is scored."""


def named(chosen: list[Metric]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("metric", chosen, ids=lambda metric: metric.name)


def check(metric: Metric, found: MetricResult) -> None:
    """A number within its range, or none and the reason."""
    if found.value is None:
        assert found.reason
        return
    low, high = metric.definition.range
    assert math.isfinite(found.value)
    assert low - 1e-9 <= found.value <= high + 1e-9


@named(ALL)
@A_FEW
@given(SEEDS)
def test_the_order_of_the_clips_does_not_matter(metric: Metric, seed: int) -> None:
    clips = world(metric, seed, damage=0.5)
    order = np.random.default_rng(seed).permutation(len(clips.clips))
    assert clips.some(order).value() == pytest.approx(clips.value(), rel=1e-9, abs=1e-12)


@named(ALL)
@A_FEW
@given(SEEDS)
def test_true_clips_are_at_the_best(metric: Metric, seed: int) -> None:
    found = world(metric, seed).measure()
    check(metric, found)
    if metric.name not in NOT_AT_BEST:
        assert found.value == pytest.approx(metric.best(list(metric.definition.range)), abs=1e-9)


@named([metrics.get(name) for name in SYMMETRIC])
@A_FEW
@given(SEEDS)
def test_sides_do_not_matter(metric: Metric, seed: int) -> None:
    clips = world(metric, seed, damage=0.5)
    assert clips.swapped().value() == pytest.approx(clips.value(), rel=1e-9)


@named(
    [m for m in ALL if of_pixels(m) or (m.kind == "set" and not m.uses_judge and not m.computation.reduction)]
)
@A_FEW
@given(SEEDS)
def test_more_damage_is_never_better(metric: Metric, seed: int) -> None:
    """Noise in pixels, and features further away."""
    worlds = range(seed, seed + (10 if metric.name in ON_AVERAGE else 1))
    values = [[world(metric, i, damage).value() for i in worlds] for damage in (0.05, 0.2, 0.5, 1.0)]
    steps = np.diff(np.mean(values, axis=1)) * (-1 if metric.higher_is_better else 1)
    assert (steps >= -1e-9).all()
    if metric.name in SEE_DAMAGE:
        assert (steps > 0).all()


@named([m for m in ALL if m.kind == "clip" and m.name not in NEEDS_EVERYBODY])
@A_FEW
@given(SEEDS)
def test_shards_add_up(metric: Metric, seed: int) -> None:
    """The mean over shards, each by its number of clips, is the mean of all."""
    clips = world(metric, seed, damage=0.5)
    shards = [clips.some([0]), clips.some(list(range(1, len(clips.clips))))]
    counts = [len(shard.clips) for shard in shards]
    merged = np.average([shard.value() for shard in shards], weights=counts)
    assert merged == pytest.approx(clips.value(), rel=1e-12)


@named(ALL)
def test_the_least_sample_has_a_value(metric: Metric) -> None:
    found = world(metric, damage=0.5, least=True).measure()
    check(metric, found)
    assert found.value is not None
    if metric.kind == "set":
        short = world(metric, damage=0.5, least=True)
        found = short.some(range(len(short.clips) - 1)).measure()
        assert found.value is None
        assert f"at least {metric.sampling.least_per_label or metric.sampling.least}" in found.reason


@named([metrics.get(name) for name in NEEDS_EVERYBODY])
def test_nobody_is_identified_among_one(metric: Metric) -> None:
    clips = world(metric)
    found = clips.some([i for i, clip in enumerate(clips.clips) if clip.subject == PEOPLE[0]]).measure()
    assert found.value is None
    assert found.reason == "1 subject, needs at least 2"


FLAT = [np.full((T, SIZE, SIZE, 3), level, np.uint8) for level in (0, 77, 255)]
EXTREME = np.random.default_rng(0).choice([0, 255], (T, SIZE, SIZE, 3)).astype(np.uint8)
PICTURES = [*FLAT, EXTREME, 255 - EXTREME, np.repeat(EXTREME[:1], T, axis=0)]


@named([m for m in ALL if of_pixels(m)])
@pytest.mark.parametrize("made", range(len(PICTURES)))
@pytest.mark.parametrize("true", range(len(PICTURES)))
def test_extreme_pixels_have_a_value_or_a_reason(metric: Metric, made: int, true: int) -> None:
    check(metric, world(metric).with_pixels(PICTURES[made], PICTURES[true]).measure())


@named([m for m in ALL if not of_pixels(m) and m.computation.extractor not in FACES])
@pytest.mark.parametrize("of_true", [False, True])
@pytest.mark.parametrize("times", [0.0, 1e-6, 1e4])
def test_extreme_features_have_a_value_or_a_reason(metric: Metric, of_true: bool, times: float) -> None:
    check(metric, world(metric, damage=0.5).with_features(lambda x: times * x, of_true).measure())


def lose(frames: slice) -> Callable[[np.ndarray], np.ndarray]:
    def change(features: np.ndarray) -> np.ndarray:
        features = features.copy()
        features[frames] = np.nan
        return features

    return change


@named([m for m in ALL if m.computation.extractor in FACES])
@pytest.mark.parametrize("made", [slice(0, 0), slice(0, 1), slice(1, 3), slice(None)], ids=str)
@pytest.mark.parametrize("true", [slice(0, 0), slice(0, 1), slice(1, 3), slice(None)], ids=str)
def test_lost_faces_have_a_value_or_a_reason(metric: Metric, made: slice, true: slice) -> None:
    clips: World = world(metric, damage=0.5)
    clips = clips.with_features(lose(made)).with_features(lose(true), of_true=True)
    check(metric, clips.measure())


def test_the_exceptions_are_of_metrics_there_are() -> None:
    for name in (*NOT_AT_BEST, *SYMMETRIC, *SEE_DAMAGE, *ON_AVERAGE, *NEEDS_EVERYBODY):
        assert name in metrics
