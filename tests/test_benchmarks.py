"""The script that trains every method alike: what it knows of trainings from their files, and its picture."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image
from scripts import load_script

from leaderboard.site.curves import Step, read_curves


@pytest.fixture(scope="module")
def models() -> ModuleType:
    return load_script("models")


def test_it_trains_every_method_there_is(models: ModuleType) -> None:
    from importlib.metadata import entry_points

    trainable = {entry.name for entry in entry_points(group="fevbench.trainable")}
    assert trainable <= set(models.METHODS)


@pytest.mark.parametrize(
    ("content", "steps"),
    [
        (None, 0),
        ("", 0),
        ("step,total\n", 0),
        ("step,total\n1,0.5\n2,0.4\n", 2),
        ("step,total\n1,0.5\n2,0.", 2),
    ],
)
def test_how_far_a_training_is(models: ModuleType, tmp_path: Path, content: str | None, steps: int) -> None:
    if content is not None:
        (tmp_path / "losses.csv").write_text(content, encoding="utf-8")
    assert models._steps_done(tmp_path) == steps


def test_the_picture_has_a_panel_a_metric(models: ModuleType, tmp_path: Path) -> None:
    rows = [
        models.Point("imaginator", "64x16@2", clips, name, value, "", "", 48)
        for name, values in (("ssim", (0.5, 0.7)), ("csim", (0.2, 0.6)))
        for clips, value in zip((6000, 12000), values, strict=True)
    ]
    models._draw(rows, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 1.8 * picture.height
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50


def test_the_table_of_curves_is_what_the_leaderboard_reads(models: ModuleType, tmp_path: Path) -> None:
    """Numbers of methods that are not trained here stay in it."""
    kept = [
        models.Point("vgan", "64x16@2", 6000, "ssim", 0.5, 0.4, 0.6, 48),
        models.Point("vgan", "64x16@2", 12000, "ssim", 0.7, "", "", 48),
    ]
    table = tmp_path / "curves.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([models.COLUMNS, *kept])
    pictures = ("--picture", str(tmp_path / "curves.png"), "--out", str(tmp_path / "none"))
    models.main(["curves", "--table", str(table), *pictures], standalone_mode=False)
    curves, problems = read_curves([tmp_path], "64x16@2")
    assert not problems
    (found,) = curves.of("vgan")
    assert found == ("ssim", (Step(6000, 0.5, 0.4, 0.6, 48), Step(12000, 0.7, None, None, 48)))


def test_curves_of_nothing_replace_no_picture(models: ModuleType, tmp_path: Path) -> None:
    picture = tmp_path / "curves.png"
    words = ("--out", str(tmp_path), "--table", str(tmp_path / "curves.csv"), "--picture", str(picture))
    with pytest.raises(SystemExit, match="holds no trained generator: train first"):
        models.main(["curves", *words], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


def test_a_training_that_fails_is_named_and_the_command_fails(
    models: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process is real; what it runs is not fevbench."""
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho error: no such thing >&2\nexit 1\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setattr(models.sys, "executable", str(script))
    monkeypatch.setattr(models, "POLL", 0.01)
    with pytest.raises(SystemExit, match="error: tgan, vgan stopped") as stop:
        models.main(
            ["train", "tgan", "vgan", "--jobs", "1", "--out", str(tmp_path / "out")], standalone_mode=False
        )
    assert stop.value.code
    assert capsys.readouterr().err.count("error: no such thing") == 2
