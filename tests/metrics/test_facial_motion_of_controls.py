"""Facial motion on real faces, through the command: what is known of the controls is what is measured.

48 clips are the fewest for which fbd is reported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from fevbench.cli.main import main
from fevbench.metrics.catalog import metrics
from fevbench.results.files import read_result
from fevbench.results.schema import Result

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="needs fevbench[faces]"),
]
FAMILY = [name for name in metrics if metrics.get(name).definition.family == "facial-motion"]
CONTROLS = ("real", "copy", "shuffled", "other-expression")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    folder, found = tmp_path_factory.mktemp("facial-motion"), {}
    for name in CONTROLS:
        out: Path = folder / name
        # Under version 1 the input is shuffled, too; curves over time are the same in both.
        protocol = "64x16@1" if name == "shuffled" else "64x16"
        asked = ["--limit", "48", "--metrics", "facial-motion", "--protocol", protocol, "--out", str(out)]
        with pytest.raises(SystemExit) as stop:
            main(["run", name, "fevsynth", *asked])
        assert stop.value.code == 0
        found[name] = read_result(out)
    return found


def values(results: dict[str, Result], metric: str) -> dict[str, float]:
    found = {name: result.metrics[metric].value for name, result in results.items()}
    assert all(value is not None for value in found.values()), found
    return {name: value for name, value in found.items() if value is not None}


def test_the_family_is_computed_and_nothing_else(results: dict[str, Result]) -> None:
    assert all(list(result.metrics) == FAMILY for result in results.values())
    assert all("face-mesh" in result.stages for result in results.values())
    assert values(results, "mesh-rate")["real"] == 1


@pytest.mark.parametrize("metric", [name for name in FAMILY if name != "mesh-jitter"])
def test_the_true_clips_are_best(results: dict[str, Result], metric: str) -> None:
    found = values(results, metric)
    assert found["real"] == metrics.get(metric).best(list(found.values()))
    perfect = 1 if metrics.get(metric).higher_is_better else 0
    assert found["real"] == pytest.approx(perfect, abs=1e-9) == results["real"].metrics[metric].ceiling


def test_a_frozen_face_is_seen(results: dict[str, Result]) -> None:
    worst = {"intensity-corr": 0, "peak-timing": 1, "apex-intensity": 0, "mesh-motion": 0}
    for metric, value in worst.items():
        assert values(results, metric)["copy"] == value, metric
    distance = values(results, "fbd")
    assert distance["copy"] == max(distance.values())
    assert values(results, "mesh-jitter")["copy"] == 0


def test_shuffled_frames_are_seen(results: dict[str, Result]) -> None:
    correlation, timing = values(results, "intensity-corr"), values(results, "peak-timing")
    assert abs(correlation["shuffled"]) < 0.3
    assert timing["shuffled"] > 0.15
    assert values(results, "mesh-motion")["shuffled"] < 0.7
    jitter = values(results, "mesh-jitter")
    assert jitter["shuffled"] > 4 * jitter["real"]
    distance = values(results, "fbd")
    assert distance["shuffled"] > 3 * distance["other-expression"]
    assert values(results, "apex-intensity")["shuffled"] == pytest.approx(1), "the same frames"


def test_another_expression_is_another_face_but_moves_like_one(results: dict[str, Result]) -> None:
    distance = values(results, "expression-error")
    assert distance["other-expression"] == max(distance.values())
    assert values(results, "intensity-corr")["other-expression"] > 0.7
