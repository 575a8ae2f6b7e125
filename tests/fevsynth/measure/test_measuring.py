"""The whole command on a made-up set whose answers are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fevbench.cli.main import main
from fevbench.extractors.base import extractors
from fevbench.fevsynth.measure import study
from fevbench.fevsynth.measure.views import VIEWS
from fevbench.judge import training as judge_training

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def measure(networks: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Measure:
    """Run the command; what it wrote, and under ``shown``, ``told`` and ``code`` what it said."""

    def call(folder: Path, *words: str | Path) -> dict[str, Any]:
        out = tmp_path / "measured.json"
        arguments = ["data", "measure", "fevsynth", "--folder", folder, "--out", out, "--offline", *words]
        with pytest.raises(SystemExit) as stop:
            main([str(word) for word in arguments])
        shown, told = capsys.readouterr()
        content = json.loads(out.read_text()) if out.exists() else {}
        return {**content, "shown": shown, "told": told, "code": stop.value.code}

    return call


def test_everything_that_is_known_is_found(
    measure: Measure, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_training, "EPOCHS", 1)
    found = measure(folder, "--stride", "8", "--contact-sheet", tmp_path / "sheets")
    assert found["code"] == 0, found["told"]
    assert found["not_measured"] == {}
    assert list(found["measures"]) == list(study.MEASURES)
    result = {name: entry["result"] for name, entry in found["measures"].items()}

    assert result["composition"]["people"] == {"train": 4, "test": 1, "val": 1}
    assert result["composition"]["clips"] == {"train": 48, "test": 12, "val": 12}
    assert result["composition"]["variants"]["fear"] == {"way 0": 6, "way 1": 6}
    assert result["composition"]["apex"] == {"low": 20, "mean": 20, "high": 20}
    assert result["composition"]["hold"]["mean"] == 8
    assert result["composition"]["returning"]["value"] == 1
    assert result["composition"]["motion"]["blinking"]["value"] == 0
    yaw, pitch, _ = result["composition"]["motion"]["turns"]
    assert (yaw["drift"]["value"], pitch["drift"]["value"]) == (pytest.approx(2), 0)
    files = list((folder / "clips").iterdir())
    assert result["composition"]["clip_bytes"] == sum(path.stat().st_size for path in files)

    assert result["detection"]["found"]["n"] == 72 * 32
    assert result["detection"]["errors"][0]["pixels"]["value"] == pytest.approx(5)
    assert result["detection"]["errors"][0]["percent"]["value"] == pytest.approx(50)

    at_rest, at_apex = result["identity"]["separations"][:2]
    assert (at_rest["size"], at_rest["frames"], at_rest["faces"]) == (32, "neutral", 84)
    assert (at_apex["frames"], at_apex["faces"]) == ("apex", 72)
    assert at_rest["same"]["value"] > 0.99
    assert at_rest["auc"]["value"] > 0.9
    assert at_rest["same"]["n"] == 6 * 7 * 7

    (jaw,) = result["blendshapes"]["units"]
    assert jaw["unit"] == "jawOpen"
    assert jaw["pearson"]["value"] > 0.99
    assert (jaw["pearson"]["n"], result["blendshapes"]["stride"]) == (72 * 4, 8)

    for network in result["expressions"]["networks"]:
        assert [reading["people"] for reading in network["readings"]] == ["test", "all"]
        assert [reading["six"]["accuracy"]["value"] for reading in network["readings"]] == [1, 1]

    leaks = {leak["part"]: leak for leak in result["border"]["leaks"]}
    assert leaks["face"]["accuracy"]["value"] == 1
    assert leaks["background"]["p_value"] > 0.001
    assert (result["reader"]["train_clips"], result["reader"]["epochs"]) == (48, 1)
    assert result["reader"]["test"]["accuracy"]["n"] == 12

    table = found["shown"].replace(str(tmp_path), "")
    assert max(map(len, table.splitlines())) <= 80
    for name in study.MEASURES:
        assert name in table
    assert (tmp_path / "sheets" / "people.png").exists()


def test_a_small_set_says_what_it_cannot_tell(measure: Measure, one_take: Path) -> None:
    found = measure(one_take, "--only", "identity,border", "--only", "reader")
    assert found["code"] == 0
    assert set(found["not_measured"]) == {"border", "reader"}
    assert "no val subjects: render more subjects" in found["not_measured"]["reader"]
    assert "--repetitions 2" in found["not_measured"]["border"]
    at_rest = found["measures"]["identity"]["result"]["separations"][0]
    assert at_rest["same"]["value"] is None
    assert at_rest["same"]["reason"] == "one take: no same-subject pairs across takes"
    assert at_rest["different"]["value"] is not None
    for reason in ("one take: no same-subject pairs across takes", "reader: not measured: no val subjects"):
        assert reason in found["shown"]


def test_what_was_measured_is_kept_and_not_repeated(
    measure: Measure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fevbench.results.provenance.commit", lambda: "abc")
    first = measure(folder, "--only", "detection")
    both = measure(folder, "--only", "border,detection")
    assert "detection: kept as measured before" in both["told"]
    assert list(both["measures"]) == ["detection", "border"]
    assert both["measures"]["detection"] == first["measures"]["detection"]
    assert "distance from the true point" in both["shown"]

    monkeypatch.setattr("fevbench.results.provenance.commit", lambda: "abc+dirty")
    assert "kept" not in measure(folder, "--only", "detection")["told"]
    assert "kept" not in measure(folder, "--only", "detection")["told"]


def test_features_come_from_the_cache_the_second_time(
    measure: Measure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure(folder, "--only", "identity")
    monkeypatch.setattr("made_up_set.Faces.__call__", lambda *_: pytest.fail("asked again"))
    again = measure(folder, "--only", "identity")
    assert again["measures"]["identity"]["result"] == first["measures"]["identity"]["result"]


def test_the_file_of_another_set_is_not_overwritten(measure: Measure, folder: Path, one_take: Path) -> None:
    before = measure(folder, "--only", "composition")
    refused = measure(one_take, "--only", "composition")
    assert refused["code"] == 1
    assert "holds what was measured of fevsynth:" in refused["told"]
    assert refused["measures"] == before["measures"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--only", "identiy"], "no measure is called 'identiy': did you mean 'identity'"),
        (["--folder", "/no/such/set"], "manifest.json is missing or broken"),
    ],
)
def test_an_error_is_one_line_that_helps(
    measure: Measure, folder: Path, words: list[str], complaint: str
) -> None:
    found = measure(folder, *words)
    assert found["code"] == 1
    assert complaint in found["told"]
    assert "Traceback" not in found["told"]


def test_a_missing_package_costs_no_other_measure(
    measure: Measure, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told before anything is measured, with what to install."""
    from dataclasses import replace

    missing = replace(extractors.get("face-mesh"), packages=("no-such-package",))
    monkeypatch.setitem(extractors._targets, "face-mesh", missing)
    found = measure(folder)
    assert found["code"] == 1
    assert "pip install 'fevbench[faces]'" in found["told"]
    assert "measures" not in found


def test_every_measure_has_a_view() -> None:
    assert list(VIEWS) == list(study.MEASURES)
