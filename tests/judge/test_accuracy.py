"""The metric `accuracy`: what a data set's judge reads, and what is said where there is no judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
from tiny import Cli

from fevbench.data.datasets import open_dataset
from fevbench.data.protocol import protocols
from fevbench.fevsynth.adapter import FEVSynth
from fevbench.judge import files, training
from fevbench.metrics.catalog import metrics
from fevbench.metrics.expression import accuracy
from fevbench.metrics.measurement import ClipView
from fevbench.training.export import read_exported

HOW = protocols.get("64x16")


@pytest.fixture
def judged(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The tiny data set has train and val people, and training takes seconds."""
    monkeypatch.setitem(tiny.PEOPLE, "bob", "val")
    monkeypatch.setattr(training, "EPOCHS", 2)
    return cli


def view(label: str, *logits: float) -> ClipView:
    rows = np.array([logits], np.float32)
    return ClipView(rows, rows, label, "ann", tiny.LABELS)


def test_a_clip_is_right_where_its_label_is_read() -> None:
    assert accuracy(view("joy", 0.0, 2.0, 1.0)).value == 1
    assert accuracy(view("sorrow", 0.0, 2.0, 1.0)).value == 0


def test_the_judge_is_part_of_the_definition() -> None:
    metric = metrics.get("accuracy")
    assert metric.with_judge("0123456789abcdef").id == "accuracy-judge-01234567@1"
    assert metric.with_judge(None).id == metric.id
    assert metrics.get("ssim").with_judge("0123456789abcdef") == metrics.get("ssim")


def test_without_a_judge_there_is_no_number_and_the_way_to_one(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "run"
    outcome = cli("run", "copy", "tiny", "--metrics", "accuracy,motion", "--out", out, "--format", "json")
    assert outcome.code == 0, outcome
    found = outcome.result["metrics"]
    assert found["accuracy"]["value"] is None
    assert "fevbench train expression-classifier tiny --protocol 64x16" in found["accuracy"]["reason"]
    assert found["motion"]["value"] is not None


def test_a_trained_judge_is_used_and_named(judged: Cli, tmp_path: Path) -> None:
    out = tmp_path / "run"
    before = judged("run", "real", "tiny", "--metrics", "accuracy", "--out", out)
    assert before.code == 0, before
    trained = judged("train", "expression-classifier", "tiny", "--device", "cpu")
    assert trained.code == 0, trained
    assert "on 3 clips of val subjects" in trained.out
    judge = files.find_judge(open_dataset("tiny"), HOW)
    assert judge is not None
    about = read_exported(judge.path, files.MODEL).about
    assert (about["clips"], about["subjects"], about["labels"]) == (3, 1, list(tiny.LABELS))
    # The same command notices that there is a judge now.
    after = judged("run", "real", "tiny", "--metrics", "accuracy", "--out", out, "--format", "json")
    found = after.result["metrics"]["accuracy"]
    assert found["id"] == f"accuracy-judge-{judge.sha256[:8]}@1"
    # After two epochs it reads as many as guessing does: its accuracy is known, and nobody's number.
    assert found["ceiling"] < 0.667
    assert found["value"] is None
    assert found["reason"].endswith("of these true clips right, needs at least 0.667")
    assert found["readings"].keys() == found["ceiling_readings"].keys() != set()
    (record,) = [record for record in after.result["weights"] if record["name"] == "judge"]
    assert record == {"name": "judge", "sha256": judge.sha256, "licence": files.OWN_LICENCE}
    again = judged("run", "real", "tiny", "--metrics", "accuracy", "--out", out)
    assert "nothing to do" in again.err


def test_a_judge_elsewhere_is_written_and_said_to_be_unused(judged: Cli, tmp_path: Path) -> None:
    out = tmp_path / "my judge.safetensors"
    outcome = judged("train", "judge", "tiny", "--out", out, "--device", "cpu")
    assert outcome.code == 0, outcome
    assert out.is_file()
    assert "no run uses it" in outcome.err


def test_what_a_judge_does_not_understand_is_refused(judged: Cli, tmp_path: Path) -> None:
    assert (
        "--steps is not for expression-classifier"
        in judged("train", "judge", "tiny", "--steps", "5").complaint
    )
    assert "is a folder" in judged("train", "judge", "tiny", "--out", tmp_path).complaint
    assert (
        "--protocol is only for expression-classifier"
        in judged("train", "fev-gan", "tiny", "--protocol", "64x32").complaint
    )


def test_without_val_people_no_judge_can_be_chosen(cli: Cli) -> None:
    assert "tiny has no val clips" in cli("train", "judge", "tiny").complaint


def test_fevsynth_comes_with_its_judge() -> None:
    data = FEVSynth()
    judge = files.find_judge(data, HOW)
    assert judge is not None
    assert judge.path.parent == files.SHIPPED
    assert files.licence_of(judge) == files.SHIPPED_LICENCE
    about = read_exported(judge.path, files.MODEL).about
    assert (about["dataset"], about["protocol"]) == (f"fevsynth {data.version}", "64x16@1")
    assert about["labels"] == list(data.labels)
    assert (about["clips"], about["subjects"]) == (768, 64)
    assert files.find_judge(data, protocols.get("64x32")) is None


@pytest.mark.slow
def test_fevsynths_judge_reads_people_it_has_not_seen(cli: Cli, tmp_path: Path) -> None:
    """The docs say 0.993, 286 of 288 clips; processors that round otherwise may read a few otherwise."""
    run = ("run", "copy", "fevsynth", "--metrics", "accuracy", "--out", tmp_path / "run", "--format", "json")
    found = cli(*run).result["metrics"]["accuracy"]
    assert found["n"] == 288
    assert found["ceiling"] >= 0.98
    assert found["value"] <= 0.25  # a frozen face shows nothing: near chance
