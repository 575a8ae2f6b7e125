"""A set that is too small has no number and says what it lacks; replicates that are none make no interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny import Cli

from fevbench.data.clip import Clip
from fevbench.engine.score import ClipSet, score
from fevbench.metrics.catalog import Metric, metrics
from fevbench.results.schema import MetricResult

LABELS = ("anger", "joy")


def needing(name: str, **least: int) -> Metric:
    """A metric with other least samples."""
    metric = metrics.get(name)
    return replace(metric, sampling=replace(metric.sampling, **least))


def scored(metric: Metric, clips: list[Clip]) -> MetricResult:
    """A metric of noise beside noise."""
    rng = np.random.default_rng(0)

    def side() -> ClipSet:
        features = {clip.id: rng.normal(size=(1, 4)).astype(np.float32) for clip in clips}
        return ClipSet(LABELS, 2, {"i3d": features})

    return score(metric, clips, side(), side())


def clips_of(people: int, per_label: tuple[int, int]) -> list[Clip]:
    """Clips dealt out to people."""
    names = [label for label, count in zip(LABELS, per_label, strict=True) for _ in range(count)]
    return [Clip(f"c{i}", f"p{i % people}", name, "test", Path()) for i, name in enumerate(names)]


@pytest.mark.parametrize(
    ("metric", "people", "per_label", "reason"),
    [
        (needing("fvd", least=20), 4, (8, 8), "16 clips, needs at least 20"),
        (needing("fvd", least=2, least_subjects=5), 4, (8, 8), "4 subjects, needs at least 5"),
        (
            needing("fvd", least=2, least_per_label=9),
            4,
            (8, 9),
            "clips: 8 of anger, needs at least 9 of each label",
        ),
        (
            needing("fvd", least=2, least_per_label=9),
            4,
            (8, 0),
            "clips: 8 of anger, 0 of joy, needs at least 9 of each label",
        ),
    ],
)
def test_what_is_lacking_is_named(
    metric: Metric, people: int, per_label: tuple[int, int], reason: str
) -> None:
    found = scored(metric, clips_of(people, per_label))
    assert (found.value, found.ceiling, found.interval, found.replicates) == (None, None, None, [])
    assert found.reason == reason


@pytest.mark.parametrize("name", ["fvd-inf", "fvd-class"])
def test_enough_is_enough(name: str) -> None:
    found = scored(metrics.get(name), clips_of(8, (32, 32)))
    assert found.value is not None
    assert found.interval is not None
    assert found.interval.low < found.value < found.interval.high
    assert len(found.replicates) == found.subjects == 8
    assert found.ceiling == pytest.approx(0, abs=1e-9)


def test_an_extrapolated_value_may_be_negative_and_so_may_its_interval() -> None:
    found = scored(metrics.get("fvd-inf"), clips_of(8, (32, 32)))
    assert found.interval is not None
    assert found.interval.low < 0


def test_a_label_that_one_person_performs_leaves_no_interval_but_a_value() -> None:
    """Without that person one clip of it is left, which has no distance."""
    joy = [Clip(f"j{i}", "p0", "joy", "test", Path()) for i in range(5)]
    clips = [*clips_of(4, (12, 0)), *joy, Clip("j5", "p1", "joy", "test", Path())]
    found = scored(needing("fvd-class", least_per_label=6), clips)
    assert found.value is not None
    assert (found.interval, found.replicates) == (None, [])


def test_a_mean_over_labels_comes_with_each_labels_own_number() -> None:
    found = scored(metrics.get("fvd-class"), clips_of(8, (32, 32)))
    assert list(found.by_label) == list(LABELS)
    assert found.value == pytest.approx(np.mean(list(found.by_label.values())))
    assert scored(metrics.get("fvd-inf"), clips_of(8, (32, 32))).by_label == {}


@pytest.mark.parametrize("name", ["fvd", "kvd", "precision", "recall", "density", "coverage", "fvd-inf"])
def test_a_person_with_nearly_all_clips_leaves_a_value_without_an_interval(name: str) -> None:
    """Without that person two clips are left, of which nothing has a number."""
    clips = [Clip(f"c{i}", f"p{max(0, i - 57)}", LABELS[i % 2], "test", Path()) for i in range(60)]
    found = scored(needing(name, least_subjects=2, least=32), clips)
    assert found.value is not None
    assert found.interval is None


def reader(right: int) -> ClipSet:
    """A classifier that reads so many of 20 clips of two labels right."""
    rows = {f"c{i}": np.eye(2, dtype=np.float32)[[int((i >= 10) ^ (i >= right))]] for i in range(20)}
    return ClipSet(LABELS, 2, {"judge": rows})


@pytest.mark.parametrize("name", ["accuracy", "macro-f1"])
@pytest.mark.parametrize(("right", "able"), [(20, True), (15, True), (14, False), (6, False), (0, False)])
def test_a_classifier_that_cannot_read_true_clips_gives_no_number(name: str, right: int, able: bool) -> None:
    """Of two labels chance is 1/2, and half of the way from there to all is 15 of 20."""
    found = score(metrics.get(name), clips_of(10, (10, 10)), reader(20), reader(right))
    assert (found.value is not None) == able
    assert found.ceiling is not None
    if not able:
        why = f"its classifier reads {right / 20:.3f} of these true clips right, needs at least 0.750"
        assert found.reason == why
        assert (found.interval, found.replicates, found.per_clip) == (None, [], {})


def test_what_so_few_clips_cannot_have_is_known_before_a_network_runs(cli: Cli, tmp_path: Path) -> None:
    """No weight is asked for: there is none here, and offline none can be had."""
    asked = ("--metrics", "motion,fvd,fid,kid,precision,fvd-class,rank-1", "--limit", "1", "--offline")
    out = tmp_path / "run"
    outcome = cli("run", "copy", "tiny", *asked, "--out", out, "--format", "json")
    assert outcome.code == 0, outcome
    found = outcome.result["metrics"]
    assert found["motion"]["value"] is not None
    assert found["fvd"]["reason"] == "1 clip, needs at least 32"
    assert found["fid"]["reason"] == "15 frames, needs at least 256"
    assert found["rank-1"]["reason"] == "1 subject, needs at least 2"
    assert set(outcome.result["stages"]) == {"decode", "generate", "frame-difference", "score"}
    assert "no fvd, precision: 1 clip, needs at least 32" in outcome.err
    again = cli("run", "copy", "tiny", *asked, "--out", out)
    assert "nothing to do" in again.err
