"""Confusion matrices: what a run keeps of its readings, and what is shown of them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from made_up_results import made_up
from PIL import Image
from tiny import Cli

from fevbench.errors import RunError
from fevbench.metrics.catalog import metrics
from fevbench.metrics.measurement import ClipView, Measurement
from fevbench.report.confusion import NONE_READ, confusion_of
from fevbench.results.files import read_result, write_result
from fevbench.results.schema import Result, WeightRecord

LABELS = {"a": "joy", "b": "joy", "c": "sorrow"}


def run(readings: dict[str, str], true: dict[str, str] = LABELS, **changes: object) -> Result:
    result = made_up("m", {"accuracy": 0.5}, dataset__labels=["joy", "sorrow"], dataset__labels_of=LABELS)
    read = result.metrics["accuracy"].model_copy(update={"readings": readings, "ceiling_readings": true})
    return result.model_copy(update={"metrics": {"accuracy": read, **changes}})


def test_rows_were_asked_for_and_columns_read() -> None:
    found = confusion_of(run({"a": "joy", "b": "sorrow"}), "accuracy")
    assert found.labels == ("joy", "sorrow")
    assert found.made.tolist() == [[1, 1, 0], [0, 0, 1]], "c has no face, and is not lost"
    assert found.true.tolist() == [[2, 0, 0], [0, 1, 0]]


def test_what_holds_no_readings_is_refused_with_a_way_out() -> None:
    with pytest.raises(RunError, match="m holds no readings: repeat the run with this version"):
        confusion_of(run({}, {}), "accuracy")
    with pytest.raises(RunError, match="was not scored in accuracy-fer: run it with --metrics accuracy-fer"):
        confusion_of(run({"a": "joy"}), "accuracy-fer")
    ssim = made_up("m", {"ssim": 0.5}).metrics["ssim"]
    with pytest.raises(RunError, match="ssim of m holds no readings: choose --metric accuracy"):
        confusion_of(run({"a": "joy"}, ssim=ssim), "ssim")


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(RunError, match="m names labels that its data set does not have"):
        confusion_of(run({"a": "<script>"}), "accuracy")


def read_by_fer(probabilities: np.ndarray, label: str) -> Measurement:
    view = ClipView(probabilities, probabilities, label, "p1", ())
    measured: Measurement = metrics.get("accuracy-fer").compute(view)
    return measured


def test_an_independent_classifier_says_what_it_read_by_fer() -> None:
    probabilities = np.zeros((4, 7), np.float32)
    probabilities[2:, 3] = 1
    read = read_by_fer(probabilities, "anger").reading
    assert read_by_fer(probabilities, read).value == 1
    assert read_by_fer(np.full((4, 7), np.nan, np.float32), "anger").reading == ""


def test_it_is_printed_drawn_and_written(cli: Cli, tmp_path: Path) -> None:
    write_result(tmp_path / "run", run({"a": "joy", "b": "sorrow"}))
    shown = cli("confusion", tmp_path / "run", "--out", tmp_path / "c.png")
    assert shown.code == 0, shown
    assert "true clips: 3 of 3 correct" in shown.out
    assert "m: 1 of 3 correct" in shown.out
    assert NONE_READ in shown.out
    assert Image.open(tmp_path / "c.png").width > 300
    rows = list(csv.DictReader(io.StringIO(cli("confusion", tmp_path / "run", "--format", "csv").out)))
    assert len(rows) == 2 * 3
    assert sum(int(row["clips"]) for row in rows) == sum(int(row["true_clips"]) for row in rows) == 3
    (found,) = json.loads(cli("confusion", tmp_path / "run", "--format", "json").out)
    assert found["read"] == ["joy", "sorrow", NONE_READ]
    assert "give a name that ends in .png" in cli("confusion", tmp_path / "run", "--out", "c.svg").complaint
    assert (
        "no metric is called 'accurcy'" in cli("confusion", tmp_path / "run", "--metric", "accurcy").complaint
    )


def test_runs_of_before_readings_load_and_are_scored_again(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert cli("run", "copy", "tiny", "--metrics", "motion", "--out", out).code == 0
    whole = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert whole["dataset"]["labels_of"]["ann-joy"] == "joy"
    older = json.loads(json.dumps(whole))
    del older["dataset"]["labels"], older["dataset"]["labels_of"]
    for metric in older["metrics"].values():
        del metric["readings"], metric["ceiling_readings"]
    (out / "result.json").write_text(json.dumps(older), encoding="utf-8")
    assert read_result(out).dataset.labels_of == {}
    again = cli("run", "copy", "tiny", "--metrics", "motion", "--out", out, "--format", "json")
    assert again.result["dataset"] == whole["dataset"]


def test_two_runs_of_one_model_are_told_apart(cli: Cli, tmp_path: Path) -> None:
    for seed in (0, 1):
        write_result(tmp_path / str(seed), run(LABELS).model_copy(update={"seed": seed}))
    shown = cli("confusion", tmp_path / "0", tmp_path / "1")
    assert "m, seed 0: 3 of 3 correct" in shown.out
    assert "m, seed 1: 3 of 3 correct" in shown.out


def test_readings_of_different_networks_do_not_share_their_true_clips(cli: Cli, tmp_path: Path) -> None:
    for digit in "12":
        by = WeightRecord(name="hsemotion", sha256=digit * 64, licence="")
        read = run(LABELS).metrics["accuracy"].model_copy(update={"id": "x"})
        made = run(LABELS).model_copy(update={"metrics": {"accuracy-hsemotion": read}, "weights": [by]})
        write_result(tmp_path / digit, made)
    asked = ("confusion", "--metric", "accuracy-hsemotion", tmp_path / "1")
    assert cli(*asked).code == 0
    outcome = cli(*asked, tmp_path / "2")
    assert "accuracy-hsemotion was measured by different files of hsemotion" in outcome.complaint
