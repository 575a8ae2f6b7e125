"""Sheets show the clips that were scored, chosen by rule and not by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from tiny import Cli

from fevbench.data.show import LINE
from fevbench.data.video import read_clip
from fevbench.report.sheet import TRUE, Runs


@pytest.fixture
def runs(cli: Cli, tmp_path: Path) -> dict[str, Path]:
    """Two finished runs over the nine tiny test clips."""
    for name in ("copy", "real"):
        outcome = cli("run", name, "tiny", "--metrics", "psnr,motion", "--out", tmp_path / name)
        assert outcome.code == 0, outcome
    return {name: tmp_path / name for name in ("copy", "real")}


def test_the_choice_covers_labels_and_people_and_stays_the_same(runs: dict[str, Path]) -> None:
    chosen = Runs([runs["copy"]]).balanced(3)
    assert {clip.label for clip in chosen} == set(tiny.LABELS)
    assert len({clip.subject for clip in chosen}) == 3
    assert Runs([runs["real"], runs["copy"]]).balanced(3) == chosen
    everything = Runs([runs["copy"]]).balanced(99)
    assert len({clip.id for clip in everything}) == 9


def test_the_worst_come_first(runs: dict[str, Path]) -> None:
    both = Runs([runs["copy"], runs["real"]])
    values = both.results[0].metrics["psnr"].per_clip
    found = [values[clip.id] for clip in both.worst("psnr", 9)]
    assert found == sorted(values.values())  # type: ignore[type-var]
    shown = both.show(both.worst("psnr", 1)[0], "psnr")
    assert shown.caption.endswith(f"psnr {found[0]:.3f}")
    np.testing.assert_array_equal(shown.rows["real"], shown.rows[TRUE])
    assert (shown.rows["copy"] == shown.rows[TRUE][0]).all()


def test_clips_without_a_value_come_last_and_that_is_said(
    cli: Cli, runs: dict[str, Path], tmp_path: Path
) -> None:
    file = runs["copy"] / "result.json"
    content = json.loads(file.read_text())
    values = content["metrics"]["psnr"]["per_clip"]
    values["ann-joy"] = None  # lost or excused
    del values["bob-joy"]  # not scored
    file.write_text(json.dumps(content))
    found = [clip.id for clip in Runs([runs["copy"]]).worst("psnr", 9)]
    assert set(found[-2:]) == {"ann-joy", "bob-joy"}
    assert [values[clip] for clip in found[:-2]] == sorted(v for v in values.values() if v is not None)
    outcome = cli("show", runs["copy"], "--worst", "psnr", "--clips", "2", "--out", tmp_path / "sheet.png")
    assert outcome.code == 0, outcome
    assert outcome.err == "note: 2 clips without psnr come last: ann-joy, bob-joy\n"
    assert outcome.out.endswith(f": {found[0]}, {found[1]}\n")


def test_a_sheet_has_a_row_for_the_truth_and_one_for_each_run(
    cli: Cli, runs: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "sheet.png"
    options = ("--out", out, "--clips", "2", "--frames", "4", "--scale", "1")
    outcome = cli("show", runs["copy"], runs["real"], *options)
    assert outcome.code == 0, outcome
    pixels = np.asarray(Image.open(out).convert("RGB"))
    top = pixels.shape[0] // 2 - 3 * 66
    margin = pixels.shape[1] - 4 * 66
    assert margin > 30
    assert pixels.shape[0] == 2 * (top + 3 * 66)
    first = pixels[top : top + 64, margin:]
    still = pixels[top + 66 : top + 130, margin:]
    made = pixels[top + 132 : top + 196, margin:]
    np.testing.assert_array_equal(made, first)
    np.testing.assert_array_equal(still[:, :64], first[:, :64])
    np.testing.assert_array_equal(still[:, 198:262], first[:, :64])


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_clips_play_in_step(cli: Cli, runs: dict[str, Path], tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"clips{suffix}"
    outcome = cli("show", runs["copy"], "--out", out, "--clips", "2", "--scale", "1")
    assert outcome.code == 0, outcome
    if suffix == ".mp4":
        assert read_clip(out).shape == (16, 2 * 64 + LINE, 2 * 66, 3)
    else:
        with Image.open(out) as animation:
            assert animation.size == (2 * 66, 2 * 64 + LINE)


def test_what_cannot_be_shown_says_why(cli: Cli, runs: dict[str, Path], tmp_path: Path) -> None:
    copy, out = runs["copy"], tmp_path / "sheet.png"
    assert "give a name that ends in" in cli("show", copy, "--out", tmp_path / "sheet.bmp").complaint
    assert "leave one out" in cli("show", copy, "--out", out, "--id", "x", "--worst", "psnr").complaint
    assert "clip of these runs" in cli("show", copy, "--out", out, "--id", "ann-jou").complaint
    assert "metric of this run" in cli("show", copy, "--out", out, "--worst", "ssim").complaint
    assert "does not exist" in cli("show", tmp_path / "none", "--out", out).complaint
    (copy / "clips" / "ann-joy.mkv").unlink()
    assert "repeat the run's command" in cli("show", copy, "--out", out, "--clips", "9").complaint
    assert not out.exists()
