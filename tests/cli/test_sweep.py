"""``fevbench sweep`` and ``fevbench score RUN``: many runs as one job, and one run scored again."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from tiny import Cli

METRICS = ("--metrics", "csim,psnr,motion")


def test_a_sweep_is_its_runs_and_a_comparison_and_continues(cli: Cli, tmp_path: Path) -> None:
    words = ("sweep", "copy,shuffled", "tiny", "--seeds", "0-2", *METRICS, "--out", tmp_path / "runs")
    shown = cli(*words)
    assert shown.code == 0, shown
    folders = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert folders == [
        f"{model}--tiny--64x16--test--seed{seed}" for model in ("copy", "shuffled") for seed in range(3)
    ]
    assert "6 of 6: shuffled on tiny, seed 2" in shown.err
    assert "seeds 0, 1, 2" in " ".join(shown.out.split())
    alone = cli("run", "copy", "tiny", "--seed", "1", *METRICS, "--out", tmp_path / "alone")
    assert alone.code == 0
    found = tmp_path / "runs" / "copy--tiny--64x16--test--seed1" / "result.json"
    assert tiny.comparable(found) == tiny.comparable(tmp_path / "alone" / "result.json")
    compared = cli("compare", *sorted((tmp_path / "runs").iterdir()), *METRICS)
    assert shown.out.startswith(compared.out), "a sweep ends in this"
    again = cli(*words)
    assert again.err.count("nothing to do") == 6
    assert again.out == shown.out


def test_a_run_that_fails_loses_none_of_the_others(cli: Cli, tmp_path: Path) -> None:
    shown = cli("sweep", "copy,vgan", "tiny", *METRICS, "--out", tmp_path / "runs")
    assert shown.code == 1
    assert "1 of 2 runs failed (vgan on tiny: " in shown.complaint
    assert "copy" in shown.out, "what was done is shown"
    assert (tmp_path / "runs" / "copy--tiny--64x16--test--seed0" / "result.json").exists()


@pytest.mark.parametrize("seeds", ["x", "3-1", "0-5000", "1,,2", "-1"])
def test_seeds_that_are_none(cli: Cli, tmp_path: Path, seeds: str) -> None:
    shown = cli("sweep", "copy", "tiny", f"--seeds={seeds}", "--out", tmp_path / "runs")
    assert shown.code == 1
    assert "is no list of seeds: write 0-4, or 1,3" in shown.complaint


def test_a_run_is_scored_again(cli: Cli, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert cli("run", "copy", "tiny", "--metrics", "ssim", "--out", run).code == 0
    shown = cli("score", run, "--metrics", "ms-ssim", "--format", "json")
    assert shown.code == 0, shown
    assert set(shown.result["metrics"]) == {"ssim", "ms-ssim"}
    assert "ms-ssim" in cli("score", run).out
    wrong = cli("score", run, "--match", "name")
    assert wrong.code == 2
    assert "--match is for folders of clips" in wrong.err
